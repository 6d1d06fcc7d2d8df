import type {FileHandle} from 'node:fs/promises';

/** Appends to an open file with few system calls. */
export interface FileWriter {
	/** The chunk may be reused once the promise resolves. */
	write(chunk: Uint8Array): Promise<void>;
	/** Writes what is still held back. The file stays open. */
	flush(): Promise<void>;
}

const bufferBytes = 256 * 1024;

/** Small chunks (a socket gives 64 KiB at most) are gathered: each write costs a round trip through the thread pool. */
export function createFileWriter(file: FileHandle): FileWriter {
	let buffer: Buffer | undefined;
	let used = 0;
	const flush = async (): Promise<void> => {
		if (buffer === undefined || used === 0) return;
		const held = used;
		used = 0;
		await writeAll(file, buffer.subarray(0, held));
	};
	return {
		flush,
		async write(chunk) {
			if (chunk.length >= bufferBytes / 2) {
				await flush();
				await writeAll(file, chunk);
				return;
			}
			if (used + chunk.length > bufferBytes) await flush();
			buffer ??= Buffer.allocUnsafeSlow(bufferBytes);
			buffer.set(chunk, used);
			used += chunk.length;
		},
	};
}

/** write(2) may take a part only, as it does near a full disk or a limit. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
	}
}
