import {constants} from 'node:fs';
import {type FileHandle, open} from 'node:fs/promises';
import type {Bytes} from '../../../core/bytes.js';
import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {ioError, withIo} from '../../../core/io-error.js';
import {createDigester, type Digest, type DigestAlgorithm, type Digester} from '../../../oci/digest.js';

/** The bytes of an upload: a file that grows at its end, with the running digest of all that is in it. */
export interface DataFile {
	readonly sizeBytes: number;
	readonly inode: number;
	/** `changed` when a write failed: it has to be opened again. `removed` when another file has taken its place, or none. */
	state(): Promise<'current' | 'changed' | 'removed'>;
	/**
	 * Appends, and keeps what came through when it fails: `sizeBytes` is right at any time after.
	 * @throws SealError ERR_NO_SPACE, ERR_CONTENT_SIZE when the file would get longer than `limitBytes`
	 */
	append(bytes: Bytes, options: Abortable & {readonly limitBytes?: number | undefined}): Promise<void>;
	/** The digest of all bytes: known already unless it is of another algorithm than was announced. */
	digest(algorithm: DigestAlgorithm, options: Abortable): Promise<Digest>;
	/** Waits until the bytes are on the disk. */
	sync(): Promise<void>;
	close(): Promise<void>;
}

/** Opens or makes the file at `path`. What is in it is read once for the running digest. */
export async function openDataFile(path: string, algorithm: DigestAlgorithm, options: Abortable): Promise<DataFile> {
	const file = await withIo('open', path, () => open(path, flags, 0o644));
	try {
		const {size, ino} = await file.stat();
		const digester = size === 0 ? createDigester(algorithm) : await digesterOf(file, size, algorithm, options);
		return createDataFile(file, ino, path, digester);
	} catch (error) {
		await file.close();
		throw ioError(error, 'read', path);
	}
}

/** As "a+", but not through a symbolic link: the folder may come from elsewhere. */
const flags = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW;
/** One write takes so much: each costs a round trip through the thread pool. */
const batchBytes = 1024 * 1024;
/** writev(2) takes at most 1024 pieces (IOV_MAX). */
const maxChunks = 512;

function createDataFile(file: FileHandle, inode: number, path: string, start: Digester): DataFile {
	let digester: Digester | undefined = start;
	let {sizeBytes} = start;

	/** Writes a batch while its digest is computed. A batch that fails in part leaves the file as it was before it. */
	const writeBatch = async (chunks: readonly Uint8Array[], length: number): Promise<void> => {
		const writing = writeAll(file, chunks, length);
		// A rejection is handled below, after the work that goes on meanwhile.
		writing.catch(() => undefined);
		const running = digester;
		digester = undefined;
		for (const chunk of chunks) running?.update(chunk);
		try {
			await writing;
		} catch (error) {
			await file.truncate(sizeBytes).catch(() => undefined);
			throw ioError(error, 'write', path);
		}
		digester = running;
		sizeBytes += length;
	};
	return {
		inode,
		get sizeBytes() {
			return sizeBytes;
		},
		async state() {
			const {size, nlink} = await file.stat();
			if (nlink === 0) return 'removed';
			return digester !== undefined && size === sizeBytes ? 'current' : 'changed';
		},
		append: (bytes, {limitBytes = Number.POSITIVE_INFINITY, signal}) =>
			inBatches(bytes, {limitBytes: limitBytes - sizeBytes, signal}, writeBatch),
		async digest(algorithm, options) {
			const running = digester ?? (await digesterOf(file, sizeBytes, algorithm, options));
			digester = undefined;
			const found = running.finish();
			if (found.startsWith(`${algorithm}:`)) return found;
			return (await digesterOf(file, sizeBytes, algorithm, options)).finish();
		},
		sync: () => withIo('flush', path, () => file.datasync()),
		close: () => file.close(),
	};
}

/**
 * Gathers a stream into batches, of which one is written while the next one comes in. What came before a failure is written
 * before it is thrown.
 */
async function inBatches(
	bytes: Bytes,
	{limitBytes, signal}: Abortable & {readonly limitBytes: number},
	write: (chunks: readonly Uint8Array[], length: number) => Promise<void>,
): Promise<void> {
	let chunks: Uint8Array[] = [];
	let gathered = 0;
	let total = 0;
	let writing: Promise<void> = Promise.resolve();
	const flush = async (): Promise<void> => {
		await writing;
		if (gathered === 0) return;
		writing = write(chunks, gathered);
		writing.catch(() => undefined);
		[chunks, gathered] = [[], 0];
	};
	let failure: {readonly reason: unknown} | undefined;
	try {
		for await (const chunk of bytes) {
			signal?.throwIfAborted();
			if (chunk.length === 0) continue;
			total += chunk.length;
			if (total > limitBytes) throw tooLong();
			chunks.push(chunk);
			gathered += chunk.length;
			if (gathered >= batchBytes || chunks.length >= maxChunks) await flush();
		}
	} catch (error) {
		failure = {reason: error};
	}
	await flush();
	await writing;
	if (failure !== undefined) throw failure.reason;
}

/** write(2) may take a part only, as it does near a full disk or a limit. */
async function writeAll(file: FileHandle, chunks: readonly Uint8Array[], length: number): Promise<void> {
	let {bytesWritten} = await file.writev(chunks as Uint8Array[]);
	if (bytesWritten === length) return;
	const all = Buffer.concat(chunks, length);
	while (bytesWritten < length)
		bytesWritten += (await file.write(all, bytesWritten, length - bytesWritten)).bytesWritten;
}

/** Reads what is in the file; its name may have changed since it was opened. */
async function digesterOf(
	file: FileHandle,
	sizeBytes: number,
	algorithm: DigestAlgorithm,
	{signal}: Abortable,
): Promise<Digester> {
	const digester = createDigester(algorithm);
	const buffer = Buffer.allocUnsafeSlow(Math.min(sizeBytes, batchBytes));
	while (digester.sizeBytes < sizeBytes) {
		signal?.throwIfAborted();
		const {bytesRead} = await file.read(buffer, 0, buffer.length, digester.sizeBytes);
		if (bytesRead === 0) break;
		digester.update(buffer.subarray(0, bytesRead));
	}
	return digester;
}

function tooLong(): SealError {
	return new SealError('ERR_CONTENT_SIZE', 'The upload is longer than is allowed here');
}
