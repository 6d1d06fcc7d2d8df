import {SealError} from '../../core/errors.js';
import type {ImageSource} from '../../oci/content.js';
import {type Descriptor, parseDescriptor} from '../../oci/descriptor.js';
import {digestOf, hexOf} from '../../oci/digest.js';
import type {BuildSession} from '../build/session.js';
import type {ResolvedImage} from './resolve-images.js';

/**
 * Container images that earlier builds pulled to embed them. They have no name of their own in the store; the cache
 * remembers what each name meant, so that a rebuild asks no registry. `pull: 'always'` passes this source by.
 */
export function pulledBefore(session: BuildSession): ImageSource {
	const {store, cache} = session;
	return {
		fetch: (descriptor, options) => store.fetch(descriptor, options),
		exists: (descriptor, options) => store.exists(descriptor, options),
		async resolve(reference) {
			const note = session.options.cache === false ? undefined : await cache.note('pulled', keyOf(reference));
			const descriptor = note === undefined ? undefined : parseDescriptor(note, `the cache record of ${reference}`);
			if (descriptor !== undefined && (await store.exists(descriptor))) return descriptor;
			throw new SealError('ERR_IMAGE_UNKNOWN', `${reference} was not pulled before`);
		},
	};
}

/** Remembers what the names of images from registries meant. */
export async function rememberPulled(session: BuildSession, images: readonly ResolvedImage[]): Promise<void> {
	for (const {name, chain, source} of images) {
		if (source === 'registry') await session.cache.saveNote('pulled', keyOf(name), chain[0] as Descriptor);
	}
}

function keyOf(reference: string): string {
	return hexOf(digestOf(reference));
}
