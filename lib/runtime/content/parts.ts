import {type FileHandle, open, stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bytes} from '../../core/bytes.js';
import {hasCode, SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {createGate} from '../../core/pool.js';
import type {Digest} from '../../oci/digest.js';
import {discard, verified} from '../../oci/verify.js';
import {type ContentFolder, prepareFolder} from './folder.js';
import {type BlobParts, type Part, partBytes} from './part.js';
import {
	completePartial,
	createPartial,
	dataFile,
	dropPartial,
	formatParts,
	isAnnouncedAs,
	noteFor,
	outstandingBytes,
	whileCompleted,
} from './partial.js';
import {checkSpace} from './space.js';

/** Parts that are in memory at once, over all blobs of this process: 128 MiB at most. */
const gate = createGate(8);

/** See HostContent. */
export async function writePart(
	folder: ContentFolder,
	blob: BlobParts,
	part: Part,
	bytes: Bytes,
	{signal}: Abortable = {},
): Promise<void> {
	try {
		signal?.throwIfAborted();
		checkPart(blob, part);
		if (await hasPart(folder, blob, part)) {
			await discard(bytes);
			return await completePartial(folder, blob.blob);
		}
	} catch (error) {
		await discard(bytes).catch(() => undefined);
		throw error;
	}
	await gate.run(async () => {
		// Nothing is written before it is known to be right: another process may have this very part already.
		const chunks = await readPartBytes(part, bytes, signal);
		signal?.throwIfAborted();
		try {
			await store(folder, blob, part, chunks);
		} catch (thrown) {
			const error = ioError(thrown, 'write', folder.partial(blob.blob));
			// What cannot be finished makes room.
			if (hasCode(error, 'ERR_NO_SPACE')) await dropPartial(folder, blob.blob).catch(() => undefined);
			throw error;
		}
	});
}

/** See HostContent. */
export async function readPart(
	folder: ContentFolder,
	part: Part,
	{signal}: Abortable = {},
): Promise<Bytes | undefined> {
	signal?.throwIfAborted();
	const whole = folder.blob(part.blob);
	const partial = folder.partial(part.blob);
	return await withIo('read', whole, async () => {
		const file =
			(await ifExists(() => open(whole, 'r'))) ??
			(await openNoted(partial, part.index)) ??
			// It may have become whole between the two looks.
			(await ifExists(() => open(whole, 'r')));
		return file === undefined ? undefined : streamPart(file, part, signal);
	});
}

async function openNoted(partial: string, index: number): Promise<FileHandle | undefined> {
	const file = await ifExists(() => open(join(partial, dataFile), 'r'));
	if (file === undefined || (await ifExists(() => stat(join(partial, String(index))))) !== undefined) return file;
	await file.close();
	return undefined;
}

/** A file that is opened here is closed also when nobody reads it to its end. */
function streamPart(file: FileHandle, part: Part, signal: AbortSignal | undefined): Bytes {
	let done = 0;
	let isOpen = true;
	const close = async (): Promise<void> => {
		if (!isOpen) return;
		isOpen = false;
		await file.close();
	};
	const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
		signal?.throwIfAborted();
		const left = part.sizeBytes - done;
		if (left === 0 || !isOpen) {
			await close();
			return {done: true, value: undefined};
		}
		const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, left));
		const {bytesRead} = await file.read(chunk, 0, chunk.length, part.index * partBytes + done);
		if (bytesRead === 0) throw missing(part);
		done += bytesRead;
		return {done: false, value: chunk.subarray(0, bytesRead)};
	};
	return {
		[Symbol.asyncIterator]: () => ({
			next: () =>
				next().catch(async (error: unknown) => {
					await close().catch(() => undefined);
					throw error;
				}),
			async return() {
				await close();
				return {done: true, value: undefined};
			},
		}),
	};
}

const chunkBytes = 1024 * 1024;

function missing(part: Part): SealError {
	return new SealError('ERR_CONTENT_MISSING', `Part ${part.index} of ${part.blob} is not here as a whole`, {
		details: {blob: part.blob, part: part.index},
	});
}

/** A blob of a terabyte in parts; more is a mistake. */
const maxParts = 65_536;

/** @throws SealError ERR_CONTENT_SIZE for a part that is none of the blob's */
function checkPart({blob, sizeBytes, parts}: BlobParts, part: Part): void {
	const expected = parts[part.index];
	const size = Math.min(partBytes, sizeBytes - part.index * partBytes);
	const isPart = part.blob === blob && expected?.digest === part.digest && part.sizeBytes === size && size >= 0;
	if (isPart && parts.length === Math.max(1, Math.ceil(sizeBytes / partBytes)) && parts.length <= maxParts) return;
	throw new SealError('ERR_CONTENT_SIZE', `Part ${part.index} does not fit into ${blob} with ${sizeBytes} bytes`, {
		details: {blob, part: part.index},
	});
}

async function hasPart(folder: ContentFolder, blob: BlobParts, part: Part): Promise<boolean> {
	const path = folder.partial(blob.blob);
	return await withIo('read', path, async () => {
		if (await isWhole(folder, blob.blob, blob.sizeBytes)) return true;
		if ((await ifExists(() => stat(join(path, String(part.index))))) === undefined) return false;
		return await isAnnouncedAs(path, formatParts(blob));
	});
}

async function isWhole(folder: ContentFolder, digest: Digest, sizeBytes: number): Promise<boolean> {
	return (await ifExists(() => stat(folder.blob(digest))))?.size === sizeBytes;
}

async function readPartBytes(part: Part, bytes: Bytes, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
	const descriptor = {mediaType: '', digest: part.digest, size: part.sizeBytes};
	const chunks: Uint8Array[] = [];
	for await (const chunk of verified(bytes, descriptor, `the sender of part ${part.index} of ${part.blob}`, {signal}))
		chunks.push(chunk);
	return chunks;
}

const maxAttempts = 5;

async function store(folder: ContentFolder, blob: BlobParts, part: Part, chunks: readonly Uint8Array[]): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		if (await isWhole(folder, blob.blob, blob.sizeBytes)) return;
		if (await storeOnce(folder, blob, part, chunks)) return await completePartial(folder, blob.blob);
		if (attempt < maxAttempts) continue;
		throw new SealError('ERR_IO', `Another process keeps removing ${folder.partial(blob.blob)}`, {
			hint: 'Let one operation at a time bring content to this host.',
		});
	}
}

/** False when the folder of the blob went away meanwhile: it was completed, or given up. */
async function storeOnce(
	folder: ContentFolder,
	blob: BlobParts,
	part: Part,
	chunks: readonly Uint8Array[],
): Promise<boolean> {
	const path = folder.partial(blob.blob);
	const file = await openData(folder, blob);
	if (file === undefined) return false;
	try {
		await writeAt(file, chunks, part.index * partBytes);
		const isSame = async (): Promise<boolean> =>
			(await ifExists(() => stat(join(path, dataFile))))?.ino === (await file.stat()).ino;
		return (await isSame()) && (await noteFor(path, part.index)) && (await isSame());
	} finally {
		await file.close();
	}
}

async function openData(folder: ContentFolder, blob: BlobParts): Promise<FileHandle | undefined> {
	const path = folder.partial(blob.blob);
	const file = await ifExists(() => open(join(path, dataFile), 'r+'));
	if (file !== undefined) {
		if (await isAnnouncedAs(path, formatParts(blob))) return file;
		await file.close();
		// Other parts under the same digest: only one of the two can be true, and the operator who is here decides.
		await dropPartial(folder, blob.blob);
	}
	await whileCompleted(folder, blob.blob);
	if (await isWhole(folder, blob.blob, blob.sizeBytes)) return undefined;
	await prepareFolder(folder);
	await checkSpace(folder.root, blob.sizeBytes + (await outstandingBytes(folder)), `the blob ${blob.blob}`);
	await createPartial(folder, blob);
	return await ifExists(() => open(join(path, dataFile), 'r+'));
}

/** As many pieces as one call takes (IOV_MAX is 1024). */
const piecesAtOnce = 512;

async function writeAt(file: FileHandle, chunks: readonly Uint8Array[], offset: number): Promise<void> {
	let position = offset;
	for (let at = 0; at < chunks.length; at += piecesAtOnce) {
		let pieces = chunks.slice(at, at + piecesAtOnce);
		while (pieces.length > 0) {
			const {bytesWritten} = await file.writev(pieces, position);
			position += bytesWritten;
			pieces = after(pieces, bytesWritten);
		}
	}
}

/** What is left of pieces when the first bytes are written: a full disk takes a part only. */
function after(pieces: readonly Uint8Array[], writtenBytes: number): Uint8Array[] {
	let left = writtenBytes;
	return pieces.flatMap(piece => {
		const skipped = Math.min(left, piece.length);
		left -= skipped;
		return skipped === piece.length ? [] : [piece.subarray(skipped)];
	});
}
