import {type FileHandle, link, open, rename, rm, rmdir, unlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {syncFolder} from '../../../core/atomic-file.js';
import {hasCode, systemCode} from '../../../core/errors.js';
import {ioError, withIo} from '../../../core/io-error.js';
import {checkInside, isAbsent} from './files.js';
import type {StockFolder} from './folder.js';
import {createFolders, type Folders} from './folders.js';
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
	write(path: string, content: Uint8Array | string, options?: PutOptions): Promise<void>;
	/** Waits until an open file is on the disk, when that is wanted. */
	sync(file: FileHandle): Promise<void>;
	/** Moves a file that is whole to its place, replacing an older one. */
	move(from: string, path: string, options?: PutOptions): Promise<void>;
	/** Waits until the entries of folders are on the disk, when that is wanted. */
	flush(folders: Iterable<string>): Promise<void>;
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

export interface PutOptions {
	/** Gets the folders that `flush` is still to be called with; without it they are flushed at once. */
	readonly unflushed?: Set<string> | undefined;
	/** The file appears after this, although it is made ready before. */
	readonly after?: Promise<unknown> | undefined;
}

export async function createWriter(folder: StockFolder, options: WriterOptions): Promise<Writer> {
	const scratch = await openScratch(join(folder.privateDir, 'tmp'));
	const durable = options.durability === 'full';
	const place: Place = {scratch, folders: createFolders([folder.base, folder.root]), durable};
	return {
		temporary: scratch.path,
		write: (path, content, how) => writeWhole(place, path, content, how ?? {}),
		async sync(file) {
			if (durable) await file.datasync();
		},
		move: (from, path, how) => put(place, from, path, how ?? {}),
		flush: folders => flush(place, folders),
		link: linkFile,
		folder: path =>
			withIo('make', path, async () => {
				const changed = await place.folders.make(path);
				await flush(place, changed);
			}),
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

interface Place {
	readonly scratch: Scratch;
	readonly folders: Folders;
	readonly durable: boolean;
}

async function writeWhole(
	place: Place,
	path: string,
	content: Uint8Array | string,
	options: PutOptions,
): Promise<void> {
	const beside = await place.scratch.path();
	try {
		await withIo('write', path, async () => {
			const file = await open(beside, 'wx', 0o644);
			try {
				await file.writeFile(content);
				if (place.durable) await file.datasync();
			} finally {
				await file.close();
			}
		});
		await put(place, beside, path, options);
	} catch (error) {
		await unlink(beside).catch(() => undefined);
		throw error;
	}
}

/** Moves a file into a folder, which is made when it is not there: a delete may remove it between being made and being used. */
async function put({folders, ...place}: Place, from: string, path: string, options: PutOptions): Promise<void> {
	const folder = dirname(path);
	const changed = new Set([folder]);
	await withIo('write', path, async () => {
		for (let attempt = 1; ; attempt++) {
			for (const above of await folders.make(folder)) changed.add(above);
			await options.after;
			try {
				await rename(from, path);
				break;
			} catch (error) {
				if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
				folders.forget(folder);
			}
		}
	});
	if (options.unflushed === undefined) await flush({folders, ...place}, changed);
	else for (const one of changed) options.unflushed.add(one);
}

async function flush({durable}: Place, folders: Iterable<string>): Promise<void> {
	if (!durable) return;
	// A folder that is gone again took its entries with it: somebody has deleted it since.
	await Promise.all([...folders].map(folder => syncFolder(folder).catch(passAbsent)));
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

function passAbsent(error: unknown): void {
	const cause = (error as {cause?: unknown}).cause;
	if (!isAbsent(error) && !isAbsent(cause)) throw error;
}
