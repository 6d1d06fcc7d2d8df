import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';

/** A part of a blob on the operator's own channel to a host: a line that says which one, and its bytes. */
export interface FrameHeader {
	readonly blob: string;
	readonly index: number;
	readonly sizeBytes: number;
}

export interface Frame extends FrameHeader {
	/** Exactly `sizeBytes`; what is not read is passed over before the next frame. */
	readonly bytes: Bytes;
}

const maxHeaderBytes = 1024;
const newline = 0x0a;

export function formatHeader(header: FrameHeader): Buffer {
	return Buffer.from(`${JSON.stringify(header)}\n`);
}

/** Reads one frame after the other. @throws SealError ERR_DISTRIBUTE for what is no frame, or one that is cut off */
export async function* readFrames(input: Bytes): AsyncGenerator<Frame> {
	const reader = createReader(input);
	for (;;) {
		const line = await reader.line();
		if (line === undefined) return;
		const header = parseHeader(line);
		let left = header.sizeBytes;
		const take = async function* (): AsyncGenerator<Uint8Array> {
			while (left > 0) {
				const chunk = await reader.take(left);
				if (chunk === undefined) throw cutOff();
				left -= chunk.length;
				yield chunk;
			}
		};
		yield {...header, bytes: take()};
		while (left > 0) {
			const chunk = await reader.take(left);
			if (chunk === undefined) throw cutOff();
			left -= chunk.length;
		}
	}
}

interface Reader {
	line(): Promise<Buffer | undefined>;
	/** Some bytes, at most `limit`. */
	take(limit: number): Promise<Buffer | undefined>;
}

function createReader(input: Bytes): Reader {
	const source = input[Symbol.asyncIterator]();
	let left: Buffer = Buffer.alloc(0);
	const more = async (): Promise<Buffer | undefined> => {
		const {done, value} = await source.next();
		return done === true ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	};
	return {
		async line() {
			for (let line: Buffer = Buffer.alloc(0); ; ) {
				const end = left.indexOf(newline);
				line = Buffer.concat([line, end < 0 ? left : left.subarray(0, end)]);
				left = end < 0 ? Buffer.alloc(0) : left.subarray(end + 1);
				if (line.length > maxHeaderBytes) throw new SealError('ERR_DISTRIBUTE', 'A part is announced by no line');
				if (end >= 0) return line;
				const chunk = await more();
				if (chunk === undefined && line.length > 0) throw cutOff();
				if (chunk === undefined) return undefined;
				left = chunk;
			}
		},
		async take(limit) {
			if (left.length === 0) left = (await more()) ?? left;
			if (left.length === 0) return undefined;
			const piece = left.subarray(0, limit);
			left = left.subarray(piece.length);
			return piece;
		},
	};
}

function parseHeader(line: Buffer): FrameHeader {
	try {
		const {blob, index, sizeBytes} = JSON.parse(line.toString()) as FrameHeader;
		if (typeof blob === 'string' && Number.isSafeInteger(index) && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0)
			return {blob, index, sizeBytes};
	} catch {
		// Said below.
	}
	throw new SealError('ERR_DISTRIBUTE', 'A part is announced by a line that makes no sense');
}

function cutOff(): SealError {
	return new SealError('ERR_DISTRIBUTE', 'The content was cut off in the middle of a part');
}
