import {closeSync, openSync, read, readSync} from 'node:fs';
import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ioError} from '../../core/io-error.js';
import {diskName} from '../../core/name.js';

/** Up to this size a read on the spot is cheaper than one in the thread pool. */
const smallBytes = 64 * 1024;
const chunkBytes = 1024 * 1024;

/** An open file whose parts are read by place. */
export interface RangeFile {
	/** Exactly `sizeBytes` bytes from `offset`. @throws SealError ERR_CONTENT_SIZE when the file ends before, ERR_IO */
	read(offset: number, sizeBytes: number, options?: Abortable): Bytes;
	close(): void;
}

/** @throws SealError ERR_IO, ERR_PERMISSION */
export function openRangeFile(path: string): RangeFile {
	let file: number;
	try {
		file = openSync(diskName(path), 'r');
	} catch (error) {
		throw ioError(error, 'open', path);
	}
	return {
		read: (offset, sizeBytes, options) => readRange(file, path, offset, sizeBytes, options),
		close: () => closeSync(file),
	};
}

async function* readRange(
	file: number,
	path: string,
	offset: number,
	sizeBytes: number,
	options: Abortable = {},
): AsyncGenerator<Uint8Array> {
	for (let done = 0; done < sizeBytes; ) {
		options.signal?.throwIfAborted();
		const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, sizeBytes - done));
		const length = await readSome(file, chunk, offset + done).catch((error: unknown) => {
			throw ioError(error, 'read', path);
		});
		if (length === 0)
			throw new SealError('ERR_CONTENT_SIZE', `${path} ends before the ${sizeBytes} bytes expected at ${offset}`);
		done += length;
		yield chunk.subarray(0, length);
	}
}

async function readSome(file: number, chunk: Buffer, position: number): Promise<number> {
	if (chunk.length <= smallBytes) return readSync(file, chunk, 0, chunk.length, position);
	return await new Promise((resolve, reject) => {
		read(file, chunk, 0, chunk.length, position, (error, length) => (error === null ? resolve(length) : reject(error)));
	});
}
