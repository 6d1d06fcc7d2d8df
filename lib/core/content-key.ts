import {hash} from 'node:crypto';
import {open} from 'node:fs/promises';
import {diskName} from './name.js';

/** The size of the chunks that content keys are made of. Changing it makes every cache forget. */
export const contentChunkBytes = 1024 * 1024;

/**
 * The content key of a file, for build caches: sha256 (hex) over the concatenated raw sha256 of its consecutive 1 MiB
 * chunks. Chunks can be hashed side by side, which a plain sha256 cannot. Memory is one chunk.
 * @throws the system's error when the file cannot be read
 */
export async function contentKeyOf(path: string): Promise<string> {
	const file = await open(diskName(path));
	try {
		const chunk = Buffer.allocUnsafe(contentChunkBytes);
		const digests: Buffer[] = [];
		for (;;) {
			const length = await fill(file, chunk);
			if (length > 0) digests.push(chunkDigest(chunk.subarray(0, length)));
			if (length < chunk.length) return joinChunkDigests(digests);
		}
	} finally {
		await file.close();
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

/** The key of a content from the digests of its chunks, in order. */
export function joinChunkDigests(digests: readonly Uint8Array[]): string {
	return hash('sha256', digests.length === 1 ? (digests[0] as Uint8Array) : Buffer.concat(digests), 'hex');
}

async function fill(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<number> {
	let length = 0;
	while (length < chunk.length) {
		const {bytesRead} = await file.read(chunk, length, chunk.length - length, null);
		if (bytesRead === 0) break;
		length += bytesRead;
	}
	return length;
}
