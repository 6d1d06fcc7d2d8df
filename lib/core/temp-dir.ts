import {chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from './errors.js';
import {ifExists, withIo} from './io-error.js';
import {createOwner, parseOwner, stateOf} from './process-owner.js';

/** A scratch folder. */
export interface TempDir {
	readonly path: string;
	/** Removes the folder and all in it. May be called again. */
	remove(): Promise<void>;
}

/**
 * Makes a scratch folder below `parent` that only the user can read, marked with its owner so that `sweepTempDirs` of a
 * later process removes it when this one dies before it does.
 */
export async function createTempDir(parent: string, prefix = 'work'): Promise<TempDir> {
	return await withIo('make a scratch folder in', parent, async () => {
		await mkdir(parent, {recursive: true});
		const path = await mkdtemp(join(parent, `${prefix}-`));
		try {
			await writeFile(join(path, ownerFile), JSON.stringify(createOwner()));
		} catch (error) {
			await rm(path, {recursive: true, force: true});
			throw error;
		}
		return {path, remove: () => removeTree(path)};
	});
}

/** Runs `work` with a scratch folder, removed whether it succeeds, fails or is aborted. */
export async function withTempDir<R>(parent: string, work: (path: string) => Promise<R>, prefix?: string): Promise<R> {
	const folder = await createTempDir(parent, prefix);
	let result: R;
	try {
		result = await work(folder.path);
	} catch (error) {
		// What failed first is what the caller wants to know.
		await folder.remove().catch(() => undefined);
		throw error;
	}
	await folder.remove();
	return result;
}

/** Removes what dead processes left in `parent`. Failures are passed over: the next sweep tries again. */
export async function sweepTempDirs(parent: string): Promise<void> {
	const names = (await ifExists(() => readdir(parent)).catch(() => undefined)) ?? [];
	for (const name of names) {
		const path = join(parent, name);
		if (await isAbandoned(path).catch(() => false)) await removeTree(path).catch(() => undefined);
	}
}

export const ownerFile = '.owner';
/** A folder whose owner we cannot look at (another container or machine) is kept for a day. */
const unknownAgeMs = 24 * 60 * 60 * 1000;
/** The owner is written right after the folder is made: without one for a minute, its maker died in between. */
const unmarkedAgeMs = 60_000;

export async function isAbandoned(path: string): Promise<boolean> {
	const text = await ifExists(() => readFile(join(path, ownerFile), 'latin1')).catch(() => undefined);
	const owner = text === undefined ? undefined : parseOwner(text);
	const state = owner === undefined ? 'unknown' : stateOf(owner);
	if (state !== 'unknown') return state === 'dead';
	return Date.now() - (await stat(path)).mtimeMs > (owner === undefined ? unmarkedAgeMs : unknownAgeMs);
}

async function removeTree(path: string): Promise<void> {
	const remove = (): Promise<void> => rm(path, {recursive: true, force: true, maxRetries: 3});
	await withIo('remove', path, async () => {
		try {
			await remove();
		} catch (error) {
			if (!['EACCES', 'EPERM'].includes(systemCode(error) ?? '')) throw error;
			await openFolders(path);
			await remove();
		}
	});
}

/** Folders without write permission, as images have them, keep everybody but root from emptying them. */
async function openFolders(path: string): Promise<void> {
	await chmod(path, 0o700);
	for (const entry of await readdir(path, {withFileTypes: true})) {
		if (entry.isDirectory()) await openFolders(join(path, entry.name));
	}
}
