import {chunkDigest, joinChunkDigests, pooledChunkDigest} from '../../core/content-key.js';
import type {LayerEntry} from '../entry.js';

/** Contents below this are hashed at once: handing them to the thread pool would cost more. */
const smallBytes = 128 * 1024;

/** Computes content keys beside the writing of a layer. */
export interface ContentKeys {
	/** The next chunk of the content of `entry`; `chunk` may be reused at once. */
	add(entry: LayerEntry, chunk: Uint8Array, last: boolean): void;
	/** Resolves when every key was reported; rejects with what the listener threw. */
	finish(): Promise<void>;
}

export function createContentKeys(report: (entry: LayerEntry, contentKey: string) => void): ContentKeys {
	let digests: Array<Promise<Uint8Array>> = [];
	let all: Promise<unknown> = Promise.resolve();
	const reportLater = async (entry: LayerEntry, parts: ReadonlyArray<Promise<Uint8Array>>) => {
		report(entry, joinChunkDigests(await Promise.all(parts)));
	};
	return {
		add(entry, chunk, last) {
			if (chunk.length < smallBytes && last && digests.length === 0) {
				report(entry, joinChunkDigests([chunkDigest(chunk)]));
				return;
			}
			digests.push(pooledChunkDigest(chunk));
			if (!last) return;
			const parts = digests;
			digests = [];
			all = Promise.all([all, reportLater(entry, parts)]);
			all.catch(() => undefined);
		},
		async finish() {
			await all;
		},
	};
}
