import {SealError} from '../../lib/core/errors.js';
import type {ContentReader, Ingester} from '../../lib/oci/content.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../lib/oci/digest.js';

export interface MemoryStore extends ContentReader, Ingester {
	readonly blobs: Map<Digest, Buffer>;
	/** Ingests that were begun and neither committed nor dropped. */
	readonly open: number;
	/** Bytes given out by `fetch`. */
	readonly fetchedBytes: number;
}

/** A store in memory that keeps the promises of its interfaces: content is verified, aborted ingests leave nothing. */
export function memoryStore(chunkBytes = 65_536): MemoryStore {
	const blobs = new Map<Digest, Buffer>();
	let open = 0;
	let fetchedBytes = 0;
	async function* give(layer: Descriptor, bytes: Buffer): AsyncGenerator<Uint8Array> {
		for (let at = 0; at < bytes.length; at += chunkBytes) {
			const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
			fetchedBytes += chunk.length;
			yield chunk;
		}
		if (digestOf(bytes) !== layer.digest) throw new SealError('ERR_CONTENT_DIGEST', 'Wrong content in memory');
	}
	return {
		blobs,
		get open() {
			return open;
		},
		get fetchedBytes() {
			return fetchedBytes;
		},
		exists: async descriptor => blobs.has(descriptor.digest),
		async fetch(descriptor) {
			const bytes = blobs.get(descriptor.digest);
			if (bytes === undefined) throw new SealError('ERR_CONTENT_MISSING', 'Not in memory');
			return give(descriptor, bytes);
		},
		async ingest() {
			const chunks: Buffer[] = [];
			let ended = false;
			open++;
			const end = (): void => {
				if (!ended) open--;
				ended = true;
			};
			return {
				async write(chunk) {
					await new Promise(resolve => setImmediate(resolve));
					chunks.push(Buffer.from(chunk));
				},
				async commit(digest) {
					end();
					blobs.set(digest, Buffer.concat(chunks));
				},
				async abort() {
					end();
				},
			};
		},
	};
}
