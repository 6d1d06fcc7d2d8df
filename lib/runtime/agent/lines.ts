import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';

const newline = 0x0a;

/** A stream of lines that can be read on as bytes from where the lines were left. */
export interface LineReader {
	/** The next line without its end; undefined after the last. @throws SealError ERR_AGENT_LIMIT when it is too long */
	line(): Promise<Buffer | undefined>;
	/** What comes after the lines that were read. */
	rest(): Bytes;
}

/**
 * Reads lines of at most `limitBytes`. A longer one is refused as soon as that is known, so that what the other side sends
 * without an end takes no more memory than that. Bytes after the last newline are a line.
 */
export function readLines(bytes: Bytes, limitBytes: number, onBytes?: (count: number) => void): LineReader {
	const source = bytes[Symbol.asyncIterator]();
	let left: Buffer = Buffer.alloc(0);
	const more = async (): Promise<Buffer | undefined> => {
		const {done, value} = await source.next();
		if (done === true) return undefined;
		onBytes?.(value.length);
		return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	};
	return {
		async line() {
			const pieces: Buffer[] = [];
			let sizeBytes = 0;
			for (;;) {
				const end = left.indexOf(newline);
				const piece = end === -1 ? left : left.subarray(0, end);
				sizeBytes += piece.length;
				if (sizeBytes > limitBytes) {
					throw new SealError('ERR_AGENT_LIMIT', `A line is longer than the ${limitBytes} bytes that are allowed`);
				}
				pieces.push(piece);
				if (end !== -1) {
					left = left.subarray(end + 1);
					return pieces.length === 1 ? piece : Buffer.concat(pieces, sizeBytes);
				}
				const chunk = await more();
				if (chunk === undefined) {
					left = Buffer.alloc(0);
					return sizeBytes === 0 ? undefined : Buffer.concat(pieces, sizeBytes);
				}
				left = chunk;
			}
		},
		async *rest() {
			if (left.length > 0) yield left;
			left = Buffer.alloc(0);
			for (let chunk = await more(); chunk !== undefined; chunk = await more()) yield chunk;
		},
	};
}
