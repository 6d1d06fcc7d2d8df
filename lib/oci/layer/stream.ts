import {contentChunkBytes} from '../../core/content-key.js';
import type {EntryHeader} from '../entry.js';
import {blockBytes, writeHeader} from '../tar/header.js';
import {paxRecords} from '../tar/pax.js';
import {formatHeader, paddingOf} from '../tar/write.js';
import {createSlabs} from './slabs.js';

/**
 * The tar of a layer, cut into blocks of at most 1 MiB. A content that fits into no rest of a block begins a new one,
 * and larger contents are cut at their own MiB: so every chunk that a content key is made of lies in one block, files
 * are read straight into place, and a block is rarely half random and half text. The cuts follow from the entries
 * alone.
 */
export interface LayerStream {
	/** Bytes of the tar so far. */
	readonly offset: number;
	/** Writes the header and its PAX records. */
	putHeader(header: EntryHeader): Promise<void>;
	/**
	 * Writes one content of `size` bytes chunk by chunk: `fill` puts the next bytes into exactly the buffer it is
	 * given.
	 */
	putContent(size: number, fill: FillChunk): Promise<void>;
	/** Ends the archive; resolves when the sink has dealt with all of it. */
	finish(): Promise<void>;
	/** Waits, after a failure, for what is still under way. Never rejects. */
	settle(): Promise<void>;
}

/** May return a promise: then it is waited for while the block before is dealt with. */
export type FillChunk = (chunk: Buffer, at: number) => Promise<void> | undefined;

export async function createLayerStream(sink: (block: Uint8Array) => Promise<void>): Promise<LayerStream> {
	const slabs = createSlabs(contentChunkBytes, sink);
	let slab = await slabs.acquire();
	let used = 0;
	let sentBytes = 0;

	const cut = async (): Promise<void> => {
		if (used === 0) return;
		const full = slab;
		const fullBytes = used;
		sentBytes += fullBytes;
		used = 0;
		slabs.send(full, fullBytes);
		slab = await slabs.acquire();
	};
	const put = async (bytes: Buffer): Promise<void> => {
		for (let at = 0; at < bytes.length; ) {
			if (used === slab.length) await cut();
			const length = bytes.copy(slab, used, at);
			used += length;
			at += length;
		}
	};
	const pad = (size: number): void => {
		const padding = paddingOf(size);
		slab.fill(0, used, used + padding);
		used += padding;
	};
	return {
		get offset() {
			return sentBytes + used;
		},
		async putHeader(header) {
			if (slab.length - used >= blockBytes && paxRecords(header) === undefined) {
				writeHeader(slab, used, header);
				used += blockBytes;
			} else {
				await put(formatHeader(header));
			}
		},
		async putContent(size, fill) {
			if (size > slab.length - used) await cut();
			let at = 0;
			let filling = fill(slab.subarray(used, used + Math.min(size, slab.length)), at);
			while (size - at > slab.length) {
				if (filling !== undefined) await filling;
				const full = slab;
				at += full.length;
				slab = await slabs.acquire();
				filling = fill(slab.subarray(0, Math.min(size - at, slab.length)), at);
				sentBytes += full.length;
				slabs.send(full, full.length);
			}
			if (filling !== undefined) await filling;
			used += size - at;
			pad(size);
		},
		async finish() {
			await put(Buffer.alloc(2 * blockBytes));
			await cut();
			await slabs.settle();
		},
		settle: () => slabs.settle().catch(() => undefined),
	};
}
