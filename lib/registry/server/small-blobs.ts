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
	/** The verified bytes. @throws SealError ERR_CONTENT_DIGEST: a damaged file is not remembered, it may be repaired while we run */
	read(blob: StoredBlob): Promise<Uint8Array>;
}

export function createSmallBlobs(): SmallBlobs {
	const known = createLru<Digest, Uint8Array>(limitBytes, bytes => bytes.length + 256);
	return {
		async read(blob) {
			const kept = known.get(blob.digest);
			if (kept !== undefined) return kept;
			const bytes = await collect(await blob.read(), smallBytes, `Blob ${blob.digest}`);
			const found = digestOf(bytes, algorithmOf(blob.digest));
			if (found !== blob.digest) {
				throw new SealError('ERR_CONTENT_DIGEST', `The stored blob ${blob.digest} is damaged: it is ${found}`, {
					hint: 'Push it again, or run "sealimage registry verify --repair-from".',
				});
			}
			known.set(blob.digest, bytes);
			return bytes;
		},
	};
}
