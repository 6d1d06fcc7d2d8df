import {type FileHandle, link, mkdir, open, realpath, rename, rm, rmdir, unlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {syncFolder} from '../../../core/atomic-file.js';
import {hasCode, SealError, systemCode} from '../../../core/errors.js';
import {ioError, withIo} from '../../../core/io-error.js';
import {checkInside, isAbsent} from './files.js';
import type {StockFolder} from './folder.js';
import {openScratch, type Scratch} from './scratch.js';

export interface WriterOptions {
	/** `full` survives a power cut, `none` survives kill -9 only. */
	readonly durability: 'full' | 'none';
}

/** Puts files into the registry's folder so that each is there whole or not at all, and takes them out in one step. */
export interface Writer {
	/** A path on the same file system for what is not whole yet; swept by the next process when this one dies. */
	temporary(): Promise<string>;
	/** Writes a small file, replacing an older one. */
	write(path: string, content: Uint8Array | string): Promise<void>;
	/** Waits until an open file is on the disk, when that is wanted. */
	sync(file: FileHandle): Promise<void>;
	/** Moves a file that is whole to its place, replacing an older one. */
	move(from: string, path: string): Promise<void>;
	/** Gives a file a second, temporary name. False when the file system or the owner of the file does not allow it. */
	link(from: string, temporary: string): Promise<boolean>;
	/** Makes a folder and those above it. */
	folder(path: string): Promise<void>;
	/** Removes a file or a folder with all in it: gone at once for every reader. False when there is none. */
	remove(path: string): Promise<boolean>;
	/** Removes folders from `path` upwards as long as they are empty and below `top`. */
	prune(path: string, top: string): Promise<void>;
	/** Lets go of the temporary files. */
	close(): Promise<void>;
}

export async function createWriter(folder: StockFolder, options: WriterOptions): Promise<Writer> {
	const scratch = await openScratch(join(folder.privateDir, 'tmp'));
	const durable = options.durability === 'full';
	return {
		temporary: scratch.path,
		write: (path, content) => writeWhole(path, content, scratch, durable),
		async sync(file) {
			if (durable) await file.datasync();
		},
		move: (from, path) => inFolder(path, durable, () => rename(from, path)),
		link: linkFile,
		folder: path => withIo('make', path, () => makeFolder(path, durable)),
		remove: path => removeAtOnce(path, scratch, durable),
		async prune(path, top) {
			for (let at = path; at.startsWith(`${top}/`); at = dirname(at)) {
				try {
					await rmdir(at);
				} catch {
					return;
				}
			}
		},
		close: scratch.close,
	};
}

async function writeWhole(
	path: string,
	content: Uint8Array | string,
	scratch: Scratch,
	durable: boolean,
): Promise<void> {
	const beside = await scratch.path();
	try {
		await withIo('write', path, async () => {
			const file = await open(beside, 'wx', 0o644);
			try {
				await file.writeFile(content);
				if (durable) await file.datasync();
			} finally {
				await file.close();
			}
		});
		await inFolder(path, durable, () => rename(beside, path));
	} catch (error) {
		await unlink(beside).catch(() => undefined);
		throw error;
	}
}

/** Puts something into a folder, which is made when it is not there: a delete may remove it between being made and being used. */
async function inFolder(path: string, durable: boolean, put: () => Promise<void>): Promise<void> {
	await withIo('write', path, async () => {
		await checkInside(path);
		for (let attempt = 1; ; attempt++) {
			try {
				await put();
				break;
			} catch (error) {
				if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
				await makeFolder(dirname(path), durable);
			}
		}
		// A folder that is gone again took the file with it: another process has deleted it since.
		if (durable) await syncFolder(dirname(path)).catch(passAbsent);
	});
}

async function linkFile(from: string, temporary: string): Promise<boolean> {
	try {
		await link(from, temporary);
		return true;
	} catch (error) {
		if (cannotLink.has(systemCode(error) ?? '')) return false;
		throw ioError(error, 'link', from);
	}
}

async function removeAtOnce(path: string, scratch: Scratch, durable: boolean): Promise<boolean> {
	await checkInside(path);
	// On a full disk there is no room for a scratch folder: what is removed goes piece by piece then.
	const gone = await scratch.path().catch((error: unknown) => {
		if (hasCode(error, 'ERR_NO_SPACE')) return undefined;
		throw error;
	});
	return await withIo('remove', path, async () => {
		try {
			if (gone === undefined) await rm(path, {recursive: true});
			else await rename(path, gone);
		} catch (error) {
			if (isAbsent(error)) return false;
			throw error;
		}
		if (durable) await syncFolder(dirname(path)).catch(passAbsent);
		if (gone !== undefined) await rm(gone, {recursive: true, force: true});
		return true;
	});
}

const cannotLink: ReadonlySet<string> = new Set([
	'EXDEV',
	'EPERM',
	'EACCES',
	'EROFS',
	'EMLINK',
	'ENOTSUP',
	'EOPNOTSUPP',
	'ENOENT',
]);

async function makeFolder(path: string, durable: boolean): Promise<void> {
	const parents = await makeFolders(path);
	if (durable) await Promise.all(parents.map(syncFolder));
}

/** Makes what is missing of a path, never through a symbolic link. Resolves with the folders that got a new entry. */
async function makeFolders(path: string): Promise<readonly string[]> {
	try {
		const real = await realpath(path);
		if (real === path) return [];
		throw new SealError('ERR_UNSAFE_PATH', `${path} leads through a symbolic link to ${real}`, {
			hint: 'Put a plain folder there: links inside a registry folder are not followed.',
			details: {path},
		});
	} catch (error) {
		if (systemCode(error) !== 'ENOENT') throw error;
	}
	const above = await makeFolders(dirname(path));
	try {
		await mkdir(path);
	} catch (error) {
		if (systemCode(error) !== 'EEXIST') throw error;
	}
	return [...above, dirname(path)];
}

function passAbsent(error: unknown): void {
	const cause = (error as {cause?: unknown}).cause;
	if (!isAbsent(error) && !isAbsent(cause)) throw error;
}
