import {mkdir, realpath} from 'node:fs/promises';
import {dirname} from 'node:path';
import {systemCode} from '../../../core/errors.js';
import {unsafeFolder} from './files.js';
import {createLru} from './lru.js';

/** Makes folders below some that are known to be real ones, never through a symbolic link. */
export interface Folders {
	/** Makes what is missing of a path. Resolves with the folders that got a new entry. @throws SealError ERR_UNSAFE_PATH */
	make(path: string): Promise<readonly string[]>;
	/** A folder, or one above it, may be gone. */
	forget(path: string): void;
}

/** A look at a folder is believed for so long: a push writes to the same few again and again. */
const believedMs = 1000;
const maxAttempts = 5;

/** @param roots real paths */
export function createFolders(roots: readonly string[]): Folders {
	const known = createLru<string, number>(10_000);
	const isKnown = (path: string): boolean =>
		roots.includes(path) || performance.now() - (known.get(path) ?? Number.NEGATIVE_INFINITY) < believedMs;
	const forget = (path: string): void => {
		for (let at = path; !roots.includes(at) && at !== dirname(at); at = dirname(at)) known.delete(at);
	};
	const make = async (path: string, attempt = 1): Promise<readonly string[]> => {
		if (isKnown(path)) return [];
		const above = await make(dirname(path));
		try {
			await mkdir(path);
			known.set(path, performance.now());
			return [...above, dirname(path)];
		} catch (error) {
			if (systemCode(error) === 'ENOENT' && attempt < maxAttempts) {
				forget(path);
				return [...above, ...(await make(path, attempt + 1))];
			}
			if (systemCode(error) !== 'EEXIST') throw error;
		}
		const real = await realpath(path);
		if (real !== path) throw unsafeFolder(path, real);
		known.set(path, performance.now());
		return above;
	};
	return {make: path => make(path), forget};
}
