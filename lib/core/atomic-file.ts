import {randomBytes} from 'node:crypto';
import {type FileHandle, open, readdir, rename, stat, unlink} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {systemCode} from './errors.js';
import {ioError} from './io-error.js';

export interface AtomicWriteOptions {
	/** Permission bits before the umask; default 0o644. */
	readonly mode?: number;
	/** Wait until content and name are on the disk (default true): survives a power cut, costs one flush of the disk. */
	readonly sync?: boolean;
	/** A folder on the same file system for the new content until it is whole; default: beside the file. */
	readonly tempDir?: string;
}

/**
 * Replaces the file at `path` as a whole: readers see the old content or the new, never a mixture, also after kill -9.
 * @throws SealError ERR_NO_SPACE, ERR_PERMISSION, ERR_IO; the old file is then as it was
 */
export async function writeFileAtomic(
	path: string,
	content: Uint8Array | string,
	options: AtomicWriteOptions = {},
): Promise<void> {
	const beside = besideOf(options.tempDir === undefined ? path : join(options.tempDir, basename(path)));
	let file: FileHandle | undefined;
	try {
		file = await open(beside, 'wx', options.mode ?? 0o644);
		await file.writeFile(content);
		if (options.sync !== false) await file.datasync();
		await file.close();
		file = undefined;
		await rename(beside, path);
	} catch (error) {
		await file?.close().catch(() => undefined);
		await unlink(beside).catch(() => undefined);
		throw ioError(error, 'write', path);
	}
	if (options.sync !== false) await syncFolder(dirname(path));
}

/** A name for a temporary file in the folder of `path`: hidden, unique, and told apart from content by its suffix. */
export function besideOf(path: string): string {
	return `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
}

/** Removes temporary files of `besideOf` that a process left behind when it died between two steps. */
export async function sweepBeside(folder: string): Promise<void> {
	const names = await readdir(folder).catch(() => []);
	for (const name of names.filter(candidate => besidePattern.test(candidate))) {
		const path = join(folder, name);
		const facts = await stat(path).catch(() => undefined);
		if (facts !== undefined && Date.now() - facts.mtimeMs > abandonedMs) await unlink(path).catch(() => undefined);
	}
}

const besidePattern = /\.\d+-[0-9a-f]{12}\.tmp$/;
/** Such files live for milliseconds. */
const abandonedMs = 10 * 60 * 1000;

/** Makes the names in a folder survive a power cut. File systems that cannot flush folders are left alone. */
export async function syncFolder(path: string): Promise<void> {
	let folder: FileHandle | undefined;
	try {
		folder = await open(path, 'r');
		await folder.sync();
	} catch (error) {
		if (!['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP'].includes(systemCode(error) ?? '')) {
			throw ioError(error, 'flush', path);
		}
	} finally {
		await folder?.close();
	}
}
