import {type Bytes, collect, oneChunk} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import type {ContentReader} from '../content.js';
import type {Descriptor} from '../descriptor.js';

export interface ReadAheadOptions extends Abortable {
	/** How many blobs may be under way at once; 1 reads each when its turn comes. */
	readonly concurrency: number;
}

/** Larger ones are read when their turn comes: what is read ahead is held in memory. */
const maxAheadBytes = 8 * 1024 * 1024;

/**
 * The contents in the order of `descriptors`, the small ones fetched while earlier ones are written: from a registry every
 * blob costs a round trip. What was fetched for nothing is given up when the reader ends early.
 */
export async function* readInOrder(
	source: ContentReader,
	descriptors: readonly Descriptor[],
	{concurrency, signal}: ReadAheadOptions,
): AsyncGenerator<{readonly descriptor: Descriptor; readonly bytes: Bytes}> {
	const stop = new AbortController();
	const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
	const ahead = new Map<Descriptor, Promise<Buffer>>();
	const fetchAhead = async (descriptor: Descriptor): Promise<Buffer> =>
		await collect(await source.fetch(descriptor, {signal: either}), maxAheadBytes, descriptor.digest);
	try {
		for (const [i, descriptor] of descriptors.entries()) {
			signal?.throwIfAborted();
			for (const next of descriptors.slice(i + 1, i + concurrency)) {
				if (next.size > maxAheadBytes || ahead.has(next)) continue;
				const fetched = fetchAhead(next);
				// Its turn may never come.
				fetched.catch(() => undefined);
				ahead.set(next, fetched);
			}
			const held = ahead.get(descriptor);
			const bytes = held === undefined ? await source.fetch(descriptor, {signal}) : oneChunk(await held);
			ahead.delete(descriptor);
			yield {descriptor, bytes};
		}
	} finally {
		stop.abort();
		await Promise.allSettled(ahead.values());
	}
}
