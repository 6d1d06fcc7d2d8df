import type {Abortable} from '../../core/events.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {listManifests, resolvePlatform} from '../../oci/image.js';
import {isManifestType} from '../../oci/media-types.js';
import type {Platform} from '../../oci/platform.js';

/**
 * The source as if the index at `root` had come with the image for `platform` alone: the index keeps its bytes, its other
 * images are not there.
 * @throws SealError ERR_PLATFORM
 */
export async function onlyPlatform(
	source: ImageSource,
	root: Descriptor,
	platform: Platform,
	options: Abortable = {},
): Promise<ImageSource> {
	const wanted = await resolvePlatform(source, root, platform, options);
	const others = new Set((await listManifests(source, root, options)).map(({digest}) => digest));
	others.delete(wanted.digest);
	return {
		resolve: (reference, given) => source.resolve(reference, given),
		fetch: (descriptor, given) => source.fetch(descriptor, given),
		async exists(descriptor, given) {
			if (isManifestType(descriptor.mediaType) && others.has(descriptor.digest)) return false;
			return await source.exists(descriptor, given);
		},
	};
}
