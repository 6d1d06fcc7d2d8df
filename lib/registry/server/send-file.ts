import type {FileHandle} from 'node:fs/promises';
import type {ServerResponse} from 'node:http';
import {SealError} from '../../core/errors.js';
import type {BufferPair, Buffers} from './buffers.js';

export interface FilePart {
	readonly file: FileHandle;
	/** For messages. */
	readonly path: string;
	readonly start: number;
	/** Before this byte. */
	readonly end: number;
}

/**
 * Writes a part of a file as the body of an answer whose head is set, and ends it. While one buffer goes out the next is read;
 * nothing is read ahead of a client that does not take it.
 * @param onSent told of each piece that the operating system has taken
 * @throws SealError ERR_CONTENT_SIZE when the file is shorter; whatever the connection breaks with
 */
export async function sendFile(
	response: ServerResponse,
	part: FilePart,
	buffers: Buffers,
	onSent: (bytes: number) => void,
): Promise<void> {
	const pair = buffers.take();
	try {
		await pump(response, part, pair, onSent);
		buffers.giveBack(pair);
	} catch (error) {
		buffers.lose(pair);
		throw error;
	}
}

async function pump(
	response: ServerResponse,
	part: FilePart,
	[first, second]: BufferPair,
	onSent: (bytes: number) => void,
): Promise<void> {
	const {start, end} = part;
	let position = start;
	let [current, other] = [first, second];
	let filling = fill(part, current, position);
	while (position < end) {
		const filled = await filling;
		position += filled.length;
		const isLast = position >= end;
		[current, other] = [other, current];
		if (!isLast) filling = fill(part, current, position);
		// It is awaited in the next round; until then its failure must not count as unhandled.
		filling.catch(() => {});
		await (isLast ? finish(response, filled) : write(response, filled));
		onSent(filled.length);
	}
}

async function fill({file, path, end}: FilePart, buffer: Buffer, position: number): Promise<Buffer> {
	const {bytesRead} = await file.read(buffer, 0, Math.min(buffer.length, end - position), position);
	if (bytesRead === 0) {
		throw new SealError('ERR_CONTENT_SIZE', `${path} ends at byte ${position}, before byte ${end}`, {details: {path}});
	}
	return buffer.subarray(0, bytesRead);
}

/** Resolves when the bytes have left the buffer. */
async function write(response: ServerResponse, bytes: Buffer): Promise<void> {
	await whenTaken(response, done => {
		// Head and first bytes in one packet.
		response.cork();
		response.write(bytes, done);
		response.uncork();
	});
}

async function finish(response: ServerResponse, bytes: Buffer): Promise<void> {
	await whenTaken(response, done => {
		response.write(bytes, done);
		response.end();
	});
}

async function whenTaken(
	response: ServerResponse,
	start: (done: (error?: Error | null) => void) => void,
): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		const gone = (): void => reject(new Error('The client went away'));
		if (response.destroyed) {
			gone();
			return;
		}
		response.once('close', gone);
		start(error => {
			response.off('close', gone);
			if (error) reject(error);
			else resolve();
		});
	});
}
