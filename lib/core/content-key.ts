import {hash, subtle} from 'node:crypto';
import {closeSync, openSync, read, readSync} from 'node:fs';
import {diskName} from './name.js';

/** The size of the chunks that content keys are made of. Changing it makes every cache forget. */
export const contentChunkBytes = 1024 * 1024;

/** Files below this are read and hashed on the spot: that takes less time than a way through the thread pool. */
const smallBytes = 64 * 1024;
const digestsAtOnce = 4;

/**
 * The content key of a file, for build caches: sha256 (hex) over the concatenated raw sha256 of its consecutive 1 MiB
 * chunks. Chunks can be hashed side by side, which a plain sha256 cannot. Memory is a few chunks.
 * @throws the system's error when the file cannot be read
 */
export async function contentKeyOf(path: string): Promise<string> {
	const file = openSync(diskName(path), 'r');
	try {
		const start = Buffer.allocUnsafe(smallBytes);
		const length = readSync(file, start, 0, smallBytes, 0);
		return length < smallBytes ? contentKeyOfBytes(start.subarray(0, length)) : await largeKey(file);
	} finally {
		closeSync(file);
	}
}

async function largeKey(file: number): Promise<string> {
	const chunk = Buffer.allocUnsafeSlow(contentChunkBytes);
	const digests: Array<Promise<Uint8Array>> = [];
	for (let position = 0; ; ) {
		const length = await fill(file, chunk, position);
		position += length;
		if (length > 0) digests.push(pooledChunkDigest(chunk.subarray(0, length)));
		if (length < chunk.length) return joinChunkDigests(await Promise.all(digests));
		await digests.at(-digestsAtOnce);
	}
}

/** The content key of bytes at hand. */
export function contentKeyOfBytes(bytes: Uint8Array): string {
	const digests: Buffer[] = [];
	for (let at = 0; at < bytes.length; at += contentChunkBytes)
		digests.push(chunkDigest(bytes.subarray(at, at + contentChunkBytes)));
	return joinChunkDigests(digests);
}

export function chunkDigest(chunk: Uint8Array): Buffer {
	return hash('sha256', chunk, 'buffer');
}

/** The same in the thread pool, on a copy that is made before this returns. */
export async function pooledChunkDigest(chunk: Uint8Array): Promise<Uint8Array> {
	return new Uint8Array(await subtle.digest('SHA-256', chunk as Uint8Array<ArrayBuffer>));
}

/** The key of a content from the digests of its chunks, in order. */
export function joinChunkDigests(digests: readonly Uint8Array[]): string {
	return hash('sha256', digests.length === 1 ? (digests[0] as Uint8Array) : Buffer.concat(digests), 'hex');
}

async function fill(file: number, chunk: Buffer, position: number): Promise<number> {
	let length = 0;
	while (length < chunk.length) {
		const bytes = await new Promise<number>((resolve, reject) => {
			read(file, chunk, length, chunk.length - length, position + length, (error, count) =>
				error === null ? resolve(count) : reject(error),
			);
		});
		if (bytes === 0) break;
		length += bytes;
	}
	return length;
}
