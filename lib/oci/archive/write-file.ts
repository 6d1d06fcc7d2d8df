import {type FileHandle, open, rename, unlink} from 'node:fs/promises';
import {dirname} from 'node:path';
import {besideOf} from '../../core/atomic-file.js';
import {isSealError, SealError} from '../../core/errors.js';
import {createFileWriter} from '../../core/file-writer.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {sniffCompression} from '../compress/decompress.js';
import type {ImageSource} from '../content.js';
import {type ArchiveItem, type WriteArchiveOptions, writeDockerArchive, writeOciArchive} from './write.js';

export type ArchiveFormat = 'oci-archive' | 'docker-archive';

/**
 * Writes images to an archive file, which appears whole or not at all. An archive of that name is replaced, as there is no
 * safe way to change one; any other file is left alone.
 * @throws SealError ERR_NOT_REPLACED, ERR_PERMISSION, ERR_IO, ERR_NO_SPACE, and as `writeOciArchive`
 */
export async function writeArchiveFile(
	path: string,
	format: ArchiveFormat,
	source: ImageSource,
	items: readonly ArchiveItem[],
	options: WriteArchiveOptions = {},
): Promise<void> {
	await checkReplaceable(path);
	const beside = besideOf(path);
	const file = await withIo('write', path, () => open(beside, 'wx')).catch(explainFolder(path));
	try {
		const write = format === 'oci-archive' ? writeOciArchive : writeDockerArchive;
		await writeAll(file, write(source, items, options), path, options.signal);
		await withIo('write', path, () => rename(beside, path));
	} catch (error) {
		await unlink(beside).catch(() => undefined);
		throw error;
	}
}

/** "It does not exist" would be said of a file that is about to be made. */
function explainFolder(path: string): (error: unknown) => never {
	return error => {
		if (!isSealError(error) || error.details.systemCode !== 'ENOENT') throw error;
		throw new SealError('ERR_IO', `Cannot write ${path}: there is no folder ${dirname(path)}`, {
			hint: 'Make the folder first, or check the path.',
			details: error.details,
			cause: error.cause,
		});
	};
}

async function writeAll(
	file: FileHandle,
	bytes: AsyncIterable<Uint8Array>,
	path: string,
	signal: AbortSignal | undefined,
): Promise<void> {
	try {
		const writer = createFileWriter(file);
		for await (const chunk of bytes) {
			signal?.throwIfAborted();
			await withIo('write', path, () => writer.write(chunk));
		}
		await withIo('write', path, async () => {
			await writer.flush();
			await file.datasync();
		});
	} finally {
		await file.close();
	}
}

/** The name may be a slip: what is no archive, compressed or not, was not written by a program like this one. */
async function checkReplaceable(path: string): Promise<void> {
	const file = await withIo('write', path, () => ifExists(() => open(path, 'r')));
	if (file === undefined) return;
	try {
		const start = Buffer.alloc(512);
		const facts = await file.stat();
		if (facts.isDirectory()) throw notReplaced(path, 'is a folder', 'Name a file, or use oci: for a folder.');
		if (!facts.isFile())
			throw notReplaced(path, 'is no regular file', 'Name a new file; "sealimage save" writes to stdout.');
		const {bytesRead} = await withIo('read', path, () => file.read(start, 0, start.length, 0));
		const isTar = start.toString('latin1', 257, 262) === 'ustar';
		if (bytesRead === 0 || isTar || sniffCompression(start) !== 'none') return;
		throw notReplaced(path, 'is there already and is no archive', 'Name another file, or remove that one first.');
	} finally {
		await file.close();
	}
}

function notReplaced(path: string, why: string, hint: string): SealError {
	return new SealError('ERR_NOT_REPLACED', `Cannot write the archive ${path}: it ${why}`, {hint, details: {path}});
}
