import type {Descriptor} from './descriptor.js';
import {type ImageIndex, type ImageManifest, isIndex} from './manifest.js';

/**
 * How a document is listed under its subject (distribution-spec, "Listing Referrers"): an image without an artifactType has that
 * of its config, an index has none then.
 */
export function referrerDescriptor(
	{mediaType, digest, size}: Descriptor,
	document: ImageManifest | ImageIndex,
): Descriptor {
	const artifactType = document.artifactType || (isIndex(document) ? undefined : document.config.mediaType);
	const {annotations} = document;
	return {
		mediaType,
		digest,
		size,
		...(artifactType === undefined ? {} : {artifactType}),
		...(annotations === undefined ? {} : {annotations}),
	};
}
