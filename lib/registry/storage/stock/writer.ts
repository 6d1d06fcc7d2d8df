import {randomBytes} from 'node:crypto';
import {type FileHandle, link, mkdir, open, realpath, rename, rm, rmdir, unlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {syncFolder} from '../../../core/atomic-file.js';
import {hasCode, SealError, systemCode} from '../../../core/errors.js';
import {ioError, withIo} from '../../../core/io-error.js';
import {createTempDir, sweepTempDirs, type TempDir} from '../../../core/temp-dir.js';
import {checkInside, isAbsent} from './files.js';
import type {StockFolder} from './folder.js';

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
	const parent = join(folder.privateDir, 'tmp');
	const durable = options.durability === 'full';
	let scratch: Promise<TempDir> | undefined;
	await sweepTempDirs(parent);

	const temporary = async (): Promise<string> => {
		const current = scratch ?? createTempDir(parent);
		scratch = current;
		const {path} = await current.catch((error: unknown) => {
			scratch = undefined;
			throw error;
		});
		return join(path, randomBytes(8).toString('hex'));
	};
	const makeFolder = async (path: string): Promise<void> => {
		const parents = await makeFolders(path);
		if (durable) await Promise.all(parents.map(syncFolder));
	};
	/** The folder may be removed by a delete between being made and being used. */
	const inFolder = async (path: string, work: () => Promise<void>): Promise<void> => {
		await withIo('write', path, async () => {
			await checkInside(path);
			for (let attempt = 1; ; attempt++) {
				try {
					await work();
					break;
				} catch (error) {
					if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
					await makeFolder(dirname(path));
				}
			}
			if (durable) await syncFolder(dirname(path));
		});
	};
	const write = async (path: string, content: Uint8Array | string): Promise<void> => {
		const beside = await temporary();
		await withIo('write', path, async () => {
			const file = await open(beside, 'wx', 0o644);
			try {
				await file.writeFile(content);
				if (durable) await file.datasync();
			} finally {
				await file.close();
			}
			await inFolder(path, () => rename(beside, path));
		}).catch(async (error: unknown) => {
			await unlink(beside).catch(() => undefined);
			throw error;
		});
	};
	return {
		temporary,
		write,
		async sync(file) {
			if (durable) await file.datasync();
		},
		move: (from, path) => inFolder(path, () => rename(from, path)),
		async link(from, path) {
			try {
				await link(from, path);
				return true;
			} catch (error) {
				if (cannotLink.has(systemCode(error) ?? '')) return false;
				throw ioError(error, 'link', from);
			}
		},
		folder: path => withIo('make', path, () => makeFolder(path)),
		async remove(path) {
			await checkInside(path);
			// On a full disk there is no room for a scratch folder: what is removed goes piece by piece then.
			const gone = await temporary().catch((error: unknown) => {
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
		},
		async prune(path, top) {
			for (let at = path; at.startsWith(`${top}/`); at = dirname(at)) {
				try {
					await rmdir(at);
				} catch {
					return;
				}
			}
		},
		async close() {
			const current = scratch;
			scratch = undefined;
			await (await current?.catch(() => undefined))?.remove();
		},
	};
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
