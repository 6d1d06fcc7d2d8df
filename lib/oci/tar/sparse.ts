import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {SparseMap} from '../layer/layer-index.js';
import {readNumber} from './block.js';

/** Old GNU form: the pieces in the header block (4 of them) and in blocks that follow (21 each). */
export function readSparseFields(block: Buffer, at: number, count: number, map: number[]): void {
	for (let i = 0; i < count; i++) {
		const from = at + 24 * i;
		if (block[from] === 0) return;
		map.push(readNumber(block, from, 12, 'sparse offset'), readNumber(block, from + 12, 12, 'sparse length'));
	}
}

/** PAX form 0.1: `offset,length,offset,length,...` */
export function parseSparseList(text: string): number[] {
	return text === '' ? [] : text.split(',').map(parseDecimal);
}

/** A decimal number of a PAX sparse record. @throws SealError ERR_TAR_FORMAT */
export function parseDecimal(text: string): number {
	const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
	if (!Number.isSafeInteger(value)) throw bad(`holds ${JSON.stringify(text.slice(0, 40))} where a number belongs`);
	return value;
}

/** A few bytes of archive can ask for any number of zeros; more than this is no file of an image. */
const limitSparseBytes = 2 ** 40;

/**
 * Checks a map against the size of the file and the bytes that the archive holds for it.
 * @throws SealError ERR_TAR_FORMAT
 */
export function checkSparse(map: SparseMap, sizeBytes: number, storedBytes: number): void {
	if (sizeBytes > limitSparseBytes)
		throw new SealError('ERR_TAR_LIMIT', `The archive has a sparse file of ${sizeBytes} bytes, more than 1 TiB`);
	if (map.length % 2 !== 0) throw bad('ends in the middle of a piece');
	let end = 0;
	let stored = 0;
	for (let i = 0; i < map.length; i += 2) {
		const from = map[i] as number;
		const length = map[i + 1] as number;
		if (from < end || length < 0) throw bad('has pieces that overlap or run backwards');
		end = from + length;
		stored += length;
	}
	if (end > sizeBytes) throw bad(`reaches beyond the ${sizeBytes} bytes of its file`);
	if (stored !== storedBytes) throw bad(`promises ${stored} bytes, the archive holds ${storedBytes}`);
}

const zerosBytes = 256 * 1024;

/** The whole file out of its stored pieces: holes filled with zeros. */
export async function* expandSparse(stored: Bytes, map: SparseMap, sizeBytes: number): AsyncGenerator<Uint8Array> {
	let at = 0;
	let piece = 0;
	let left = map[1] ?? 0;
	for await (const chunk of stored) {
		for (let from = 0; from < chunk.length; ) {
			while (left === 0) {
				piece += 2;
				left = map[piece + 1] as number;
			}
			const start = (map[piece] as number) + (map[piece + 1] as number) - left;
			yield* zeros(start - at);
			const part = chunk.subarray(from, from + left);
			yield part;
			from += part.length;
			left -= part.length;
			at = start + part.length;
		}
	}
	yield* zeros(sizeBytes - at);
}

function* zeros(count: number): Generator<Uint8Array> {
	for (let left = count; left > 0; left -= zerosBytes) yield new Uint8Array(Math.min(left, zerosBytes));
}

function bad(what: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `The archive has a sparse file whose map ${what}`);
}
