import {type Bytes, oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {EntryHeader} from '../entry.js';
import {blockBytes, writeHeader, writePaxHeader} from './header.js';
import {paxRecords} from './pax.js';

/** An entry whose bytes are at hand or come as a stream of exactly `header.size` bytes. */
export interface TarInput {
	readonly header: EntryHeader;
	readonly content?: Uint8Array | Bytes;
}

/**
 * An archive as a stream, in the order given: for archives that are files of their own (image archives). Layers are
 * written by `writeLayer`.
 * @throws SealError ERR_LAYER_ENTRY when content is shorter or longer than its header says
 */
export async function* packTar(entries: Iterable<TarInput> | AsyncIterable<TarInput>): AsyncGenerator<Uint8Array> {
	for await (const {header, content} of entries) {
		yield formatHeader(header);
		if (header.type !== 'file') continue;
		let sizeBytes = 0;
		for await (const chunk of content instanceof Uint8Array ? oneChunk(content) : (content ?? [])) {
			sizeBytes += chunk.length;
			if (sizeBytes > header.size) break;
			yield chunk;
		}
		if (sizeBytes !== header.size) {
			const found = sizeBytes > header.size ? 'more' : String(sizeBytes);
			throw new SealError(
				'ERR_LAYER_ENTRY',
				`${header.path} has ${found} bytes of content, its header says ${header.size}`,
			);
		}
		const padding = paddingOf(sizeBytes);
		if (padding > 0) yield Buffer.alloc(padding);
	}
	yield Buffer.alloc(2 * blockBytes);
}

/** The header of one entry with its PAX records before it, if it needs any. */
export function formatHeader(header: EntryHeader): Buffer {
	const records = paxRecords(header);
	if (records === undefined) {
		const block = Buffer.allocUnsafe(blockBytes);
		writeHeader(block, 0, header);
		return block;
	}
	const block = Buffer.alloc(2 * blockBytes + records.length + paddingOf(records.length));
	writePaxHeader(block, 0, header, records.length);
	records.copy(block, blockBytes);
	writeHeader(block, block.length - blockBytes, header);
	return block;
}

/** Bytes of zeros that fill the last block of a content. */
export function paddingOf(sizeBytes: number): number {
	return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}
