import type {ImageSource} from '../../lib/oci/content.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';

/** A source whose `fetch` is replaced for chosen content. */
export function withFetch(
	source: ImageSource,
	replace: (descriptor: Descriptor) => AsyncIterable<Uint8Array> | undefined,
): ImageSource {
	return {
		resolve: (reference, options) => source.resolve(reference, options),
		exists: (descriptor, options) => source.exists(descriptor, options),
		fetch: async (descriptor, options) => replace(descriptor) ?? (await source.fetch(descriptor, options)),
	};
}
