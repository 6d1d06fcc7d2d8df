import type {Bytes} from '../../core/bytes.js';
import {assert, SealError} from '../../core/errors.js';

export interface Range {
	readonly offset: number;
	readonly lengthBytes: number;
}

/**
 * Cuts ranges, ascending and not overlapping, out of a stream. Each must be consumed or given up before the next is
 * asked for. Reads no further than the end of the last one.
 * @throws SealError ERR_CONTENT_SIZE when the stream ends before a range does
 */
export async function* cutRanges<R extends Range>(
	bytes: Bytes,
	ranges: Iterable<R>,
): AsyncGenerator<{readonly range: R; readonly bytes: Bytes}> {
	const source = bytes[Symbol.asyncIterator]();
	let chunk: Uint8Array = new Uint8Array(0);
	let position = 0;
	/** Up to `most` bytes from where the stream stands. */
	const take = async (most: number): Promise<Uint8Array> => {
		while (chunk.length === 0) {
			const next = await source.next();
			if (next.done === true)
				throw new SealError('ERR_CONTENT_SIZE', `The content ends at byte ${position}, before what should be there`);
			chunk = next.value;
		}
		const part = chunk.subarray(0, most);
		chunk = chunk.subarray(part.length);
		position += part.length;
		return part;
	};
	try {
		for (const range of ranges) {
			assert(range.offset >= position, 'ranges of a stream must ascend');
			while (position < range.offset) await take(range.offset - position);
			const end = range.offset + range.lengthBytes;
			const content = async function* (): AsyncGenerator<Uint8Array> {
				while (position < end) yield await take(end - position);
			};
			yield {range, bytes: content()};
			while (position < end) await take(end - position);
		}
	} finally {
		await source.return?.();
	}
}
