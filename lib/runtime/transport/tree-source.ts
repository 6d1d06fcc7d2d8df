import type {Stats} from 'node:fs';
import {lstat, readdir} from 'node:fs/promises';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {withIo} from '../../core/io-error.js';
import {mapBounded} from '../../core/pool.js';

/** A folder of this machine as it was when it was looked at. Paths are relative to it, parents before what they hold. */
export interface TreeSource {
	readonly root: string;
	/** Every name, the folder itself as `.`. */
	readonly names: readonly string[];
	/** Regular files by path; of a file with several names only the first. */
	readonly files: ReadonlyMap<string, TreeFile>;
	/** Further names of files, and the first name of each. */
	readonly links: ReadonlyMap<string, string>;
	readonly sizeBytes: number;
}

export interface TreeFile {
	readonly sizeBytes: number;
	/** Whole seconds: all that every tar keeps. */
	readonly mtime: number;
	readonly mode: number;
}

/**
 * Lists a folder without following links. Sockets are left out, as they mean nothing elsewhere.
 * @throws SealError ERR_IO, ERR_PERMISSION, ERR_TAR_FORMAT for names that are not UTF-8 and for devices
 */
export async function readTree(root: string, {signal}: Abortable = {}): Promise<TreeSource> {
	const names: string[] = [];
	const files = new Map<string, TreeFile>();
	const links = new Map<string, string>();
	const firstNames = new Map<string, string>();
	let sizeBytes = 0;
	const add = (path: string, facts: Stats): void => {
		if (facts.isSocket()) return;
		names.push(path);
		if (!facts.isFile()) {
			checkType(root, path, facts);
			return;
		}
		if (facts.nlink > 1) {
			const key = `${facts.dev}:${facts.ino}`;
			const first = firstNames.get(key);
			if (first !== undefined) {
				links.set(path, first);
				return;
			}
			firstNames.set(key, path);
		}
		files.set(path, {sizeBytes: facts.size, mtime: Math.floor(facts.mtimeMs / 1000), mode: facts.mode & 0o7777});
		sizeBytes += facts.size;
	};
	const visit = async (folder: string): Promise<void> => {
		signal?.throwIfAborted();
		const found = (await readdir(at(root, folder))).toSorted();
		const facts = await mapBounded(found, statLimit, name => lstat(at(root, join(folder, name))));
		for (const [index, name] of found.entries()) {
			if (name.includes('\ufffd')) throw unsendable(root, join(folder, name), 'has a name that is not UTF-8');
			const path = join(folder, name);
			add(path, facts[index] as Stats);
			if (facts[index]?.isDirectory() === true) await visit(path);
		}
	};
	await withIo('read', root, async () => {
		add('.', await lstat(`${root}/`));
		await visit('.');
	});
	return {root, names, files, links, sizeBytes};
}

const statLimit = 16;

function join(folder: string, name: string): string {
	return folder === '.' ? name : `${folder}/${name}`;
}

function at(root: string, path: string): string {
	return path === '.' ? root : `${root}/${path}`;
}

function checkType(root: string, path: string, facts: Stats): void {
	if (!facts.isDirectory() && !facts.isSymbolicLink()) throw unsendable(root, path, 'is a device or FIFO');
}

function unsendable(root: string, path: string, why: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `Cannot send ${root}: ${JSON.stringify(path)} ${why}`, {
		hint: 'Leave it out, or rename it.',
		details: {path},
	});
}
