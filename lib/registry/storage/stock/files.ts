import {constants} from 'node:fs';
import {type FileHandle, lstat, open, realpath} from 'node:fs/promises';
import {dirname} from 'node:path';
import {SealError, systemCode} from '../../../core/errors.js';
import {withIo} from '../../../core/io-error.js';

/** What tells one version of a file from the next. */
export interface FileFacts {
	readonly sizeBytes: number;
	readonly inode: number;
	readonly mtimeMs: number;
}

export function sameFile(a: FileFacts, b: FileFacts): boolean {
	return a.inode === b.inode && a.mtimeMs === b.mtimeMs && a.sizeBytes === b.sizeBytes;
}

/**
 * Facts of a regular file; undefined when there is none. The folder may come from an image: a symbolic link, a pipe or a
 * device in place of a file is an error.
 * @throws SealError ERR_STORE_DAMAGED
 */
export async function statRegular(path: string): Promise<FileFacts | undefined> {
	try {
		const found = await lstat(path);
		if (!found.isFile()) throw damaged(path, 'is no regular file');
		return {sizeBytes: found.size, inode: found.ino, mtimeMs: found.mtimeMs};
	} catch (error) {
		if (isAbsent(error)) return undefined;
		throw error;
	}
}

/** Opens a regular file for reading, with its facts; undefined when there is none. @throws SealError ERR_STORE_DAMAGED, ERR_UNSAFE_PATH */
export async function openRegular(
	path: string,
): Promise<{readonly file: FileHandle; readonly facts: FileFacts} | undefined> {
	// Without O_NONBLOCK a pipe without a writer would hold a thread of the pool for ever.
	const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
	let file: FileHandle;
	try {
		file = await open(path, flags);
	} catch (error) {
		if (isAbsent(error)) return undefined;
		if (['ELOOP', 'EMLINK', 'ENXIO'].includes(systemCode(error) ?? '')) throw damaged(path, 'is no regular file');
		throw error;
	}
	try {
		await checkInside(path);
		const found = await file.stat();
		if (!found.isFile()) throw damaged(path, 'is no regular file');
		return {file, facts: {sizeBytes: found.size, inode: found.ino, mtimeMs: found.mtimeMs}};
	} catch (error) {
		await file.close();
		throw error;
	}
}

/**
 * The whole of a small regular file; undefined when there is none.
 * @throws SealError ERR_STORE_DAMAGED when it is longer than `limitBytes`
 */
export async function readRegular(
	path: string,
	limitBytes: number,
): Promise<{readonly bytes: Buffer; readonly facts: FileFacts} | undefined> {
	return await withIo('read', path, async () => {
		const opened = await openRegular(path);
		if (opened === undefined) return undefined;
		const {file, facts} = opened;
		try {
			if (facts.sizeBytes > limitBytes)
				throw damaged(path, `has ${facts.sizeBytes} bytes, expected at most ${limitBytes}`);
			const bytes = Buffer.allocUnsafe(facts.sizeBytes);
			let done = 0;
			while (done < bytes.length) {
				const {bytesRead} = await file.read(bytes, done, bytes.length - done, done);
				if (bytesRead === 0) break;
				done += bytesRead;
			}
			return {bytes: bytes.subarray(0, done), facts};
		} finally {
			await file.close();
		}
	});
}

/**
 * Refuses a path that leads through a symbolic link: all paths here are below the real path of the registry's folder.
 * A folder that is missing is fine.
 * @throws SealError ERR_UNSAFE_PATH
 */
export async function checkInside(path: string): Promise<void> {
	const folder = dirname(path);
	let real: string;
	try {
		real = await realpath(folder);
	} catch (error) {
		if (isAbsent(error)) return;
		if (systemCode(error) === 'ELOOP') throw unsafeFolder(folder, 'a circle');
		throw error;
	}
	if (real !== folder) throw unsafeFolder(folder, real);
}

export function isAbsent(error: unknown): boolean {
	const code = systemCode(error);
	return code === 'ENOENT' || code === 'ENOTDIR';
}

/** @param what "has 3 bytes, expected 71" */
export function damaged(path: string, what: string): SealError {
	return new SealError('ERR_STORE_DAMAGED', `${path} ${what}`, {
		hint: 'Push the image again, or remove this file.',
		details: {path},
	});
}

export function unsafeFolder(folder: string, real: string): SealError {
	return new SealError('ERR_UNSAFE_PATH', `${folder} leads through a symbolic link to ${real}`, {
		hint: 'Put a plain folder there: links inside a registry folder are not followed.',
		details: {path: folder},
	});
}
