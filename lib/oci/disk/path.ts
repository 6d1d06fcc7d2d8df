import {lstatSync, type Stats} from 'node:fs';
import {SealError, systemCode} from '../../core/errors.js';
import {encodeName} from '../../core/name.js';

/** A path below `root` as the file functions want it: bytes when the name holds some that are not UTF-8. */
export function diskPath(root: string, path: string): string | Buffer {
	const full = path === '' ? root : `${root}/${path}`;
	return /[\ud800-\udfff]/.test(path) ? encodeName(full) : full;
}

/** The parent of a relative path, '' for the root. */
export function parentOf(path: string): string {
	return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** `lstat`, or undefined when there is nothing. */
export function lstatIfExists(path: string | Buffer): Stats | undefined {
	try {
		return lstatSync(path);
	} catch (error) {
		if (systemCode(error) === 'ENOENT') return undefined;
		throw error;
	}
}

/**
 * Checks that a name from an image can only mean something below the root: no empty, `.` or `..` component, no NUL.
 * @throws SealError ERR_UNSAFE_PATH
 */
export function checkEntryPath(path: string): void {
	if (path === '') return;
	if (path.includes('\0') || path.split('/').some(part => part === '' || part === '.' || part === '..'))
		throw unsafePath(path, 'is not a plain relative path');
}

export function unsafePath(path: string, why: string): SealError {
	return new SealError('ERR_UNSAFE_PATH', `The image path ${JSON.stringify(path)} ${why}`, {details: {path}});
}
