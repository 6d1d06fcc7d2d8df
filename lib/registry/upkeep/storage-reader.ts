import {oneChunk} from '../../core/bytes.js';
import type {ContentReader} from '../../oci/content.js';
import {isIndexType, isManifestType} from '../../oci/media-types.js';
import {missingContent} from '../../oci/verify.js';
import type {RegistryStorage} from '../storage/storage.js';

/** One repository of a storage as a source of content, unverified but for manifests. */
export function storageReader(storage: RegistryStorage, repository: string): ContentReader {
	return {
		async fetch(descriptor, {offset = 0, signal} = {}) {
			const {digest, mediaType} = descriptor;
			if (isIndexType(mediaType) || isManifestType(mediaType)) {
				const found = await storage.manifest(repository, digest, {signal});
				if (found !== undefined) return oneChunk(found.bytes.subarray(offset));
			}
			const blob = await storage.blob(repository, digest, {signal});
			if (blob === undefined) throw missingContent(descriptor, storage.name);
			return await blob.read({start: offset, signal});
		},
		async exists({digest, mediaType}, {signal} = {}) {
			if (isIndexType(mediaType) || isManifestType(mediaType)) {
				return (await storage.manifest(repository, digest, {signal})) !== undefined;
			}
			return (await storage.blob(repository, digest, {signal})) !== undefined;
		},
	};
}
