import {utimes} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from '../../../core/errors.js';
import {ioError} from '../../../core/io-error.js';
import {isLocked, withLock} from '../../../core/lock.js';
import {mapBounded} from '../../../core/pool.js';
import type {StockFolder} from './folder.js';

/** Held by a garbage collector of any process while it looks at the times of some files and removes those that are old. */
export function collectorLock(folder: StockFolder): string {
	return join(folder.privateDir, 'collector');
}

/**
 * Renews the times of files that are about to be relied on, then lets a collector at work end. What is there afterwards stays:
 * a collector that comes later sees the new time.
 */
export async function keepFiles(folder: StockFolder, paths: readonly string[]): Promise<void> {
	const now = new Date();
	await mapBounded(paths, 8, async path => {
		try {
			await utimes(path, now, now);
		} catch (error) {
			// Files of another user are kept by their age alone.
			if (!['ENOENT', 'ENOTDIR', 'EPERM', 'EACCES', 'EROFS'].includes(systemCode(error) ?? ''))
				throw ioError(error, 'renew the time of', path);
		}
	});
	const lock = collectorLock(folder);
	if (await isLocked(lock)) await withLock(lock, async () => undefined, {what: folder.name});
}
