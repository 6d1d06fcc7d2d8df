import {collect} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {algorithmOf, type Digest, digestOf} from '../../oci/digest.js';
import {createLru} from '../storage/stock/lru.js';
import type {StoredBlob} from '../storage/storage.js';

/** Blobs up to this size are served from memory: configs, signatures, inventories. */
export const smallBytes = 64 * 1024;
const limitBytes = 16 * 1024 * 1024;

/** Contents of small blobs. Whether a repository has one is asked of the storage each time; only the bytes are kept. */
export interface SmallBlobs {
	read(blob: StoredBlob): Promise<Uint8Array>;
}

export function createSmallBlobs(): SmallBlobs {
	const known = createLru<Digest, Uint8Array>(limitBytes, bytes => bytes.length + 256);
	return {
		async read(blob) {
			const found = known.get(blob.digest);
			if (found !== undefined) return found;
			const bytes = await collect(await blob.read(), smallBytes, `Blob ${blob.digest}`);
			// A damaged file is not remembered: it may be repaired while we run.
			if (digestOf(bytes, algorithmOf(blob.digest)) === blob.digest) known.set(blob.digest, bytes);
			else if (bytes.length !== blob.sizeBytes) {
				throw new SealError(
					'ERR_CONTENT_SIZE',
					`Blob ${blob.digest} has ${bytes.length} bytes, expected ${blob.sizeBytes}`,
				);
			}
			return bytes;
		},
	};
}
