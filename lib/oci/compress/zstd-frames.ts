import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';

/**
 * Splits a zstd stream into its frames (RFC 8878, 3.1), skippable ones left out: Node's decoder stops after the first.
 * Each frame must be consumed before the next is asked for.
 * @throws SealError ERR_COMPRESSION when the stream ends inside of a frame or holds something else
 */
export async function* zstdFrames(bytes: Bytes): AsyncGenerator<Bytes> {
	const source = createTaker(bytes);
	try {
		while (await source.more()) {
			const magic = await source.exactly(4);
			const kind = magic.readUInt32LE();
			if (kind === frameMagic) {
				const frame = readFrame(magic, source);
				yield frame;
				for await (const _ of frame);
			} else if ((kind & 0xfffffff0) >>> 0 === skippableMagic) {
				const length = (await source.exactly(4)).readUInt32LE();
				for await (const _ of source.upTo(length));
			} else throw damaged('holds something that is no frame');
		}
	} finally {
		await source.close();
	}
}

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;

async function* readFrame(magic: Buffer, source: Taker): AsyncGenerator<Uint8Array> {
	const descriptor = await source.exactly(1);
	const flags = descriptor[0] as number;
	const singleSegment = (flags & 0x20) !== 0;
	const sizeFlag = flags >> 6;
	const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] as number);
	const rest = (singleSegment ? 0 : 1) + (dictionaryIdBytes[flags & 3] as number) + sizeBytes;
	yield Buffer.concat([magic, descriptor, await source.exactly(rest)]);
	for (let last = false; !last; ) {
		const header = await source.exactly(3);
		const value = header.readUIntLE(0, 3);
		last = (value & 1) === 1;
		const type = (value >> 1) & 3;
		if (type === 3) throw damaged('has a block of a reserved type');
		yield header;
		yield* source.upTo(type === runLength ? 1 : value >> 3);
	}
	if ((flags & 4) !== 0) yield await source.exactly(4);
}

/** A block that repeats one byte: its size is that of the output. */
const runLength = 1;

interface Taker {
	more(): Promise<boolean>;
	exactly(length: number): Promise<Buffer>;
	upTo(length: number): AsyncGenerator<Uint8Array>;
	close(): Promise<void>;
}

function createTaker(bytes: Bytes): Taker {
	const source = bytes[Symbol.asyncIterator]();
	let chunk: Uint8Array = new Uint8Array(0);
	const more = async (): Promise<boolean> => {
		while (chunk.length === 0) {
			const next = await source.next();
			if (next.done === true) return false;
			chunk = next.value;
		}
		return true;
	};
	const upTo = async function* (length: number): AsyncGenerator<Uint8Array> {
		for (let left = length; left > 0; ) {
			if (!(await more())) throw damaged('ends in the middle');
			const part = chunk.subarray(0, left);
			chunk = chunk.subarray(part.length);
			left -= part.length;
			yield part;
		}
	};
	return {
		more,
		upTo,
		async exactly(length) {
			if (chunk.length >= length) {
				const part = Buffer.from(chunk.subarray(0, length));
				chunk = chunk.subarray(length);
				return part;
			}
			const parts: Uint8Array[] = [];
			for await (const part of upTo(length)) parts.push(part);
			return Buffer.concat(parts);
		},
		async close() {
			await source.return?.();
		},
	};
}

function damaged(what: string): SealError {
	return new SealError('ERR_COMPRESSION', `The zstd data is damaged: it ${what}`);
}
