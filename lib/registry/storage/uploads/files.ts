import {readdir, rename, stat, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {besideOf} from '../../../core/atomic-file.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {createState, readState, replaceState, statePath, type UploadState} from './state.js';

/** The files of the uploads in one folder. */
export interface UploadFiles {
	dataPath(id: string): string;
	/** Stores a new state. Resolves with its id. */
	create(state: UploadState): Promise<string>;
	/** Undefined when there is none, or none that is whole. */
	read(id: string): Promise<UploadState | undefined>;
	replace(id: string, state: UploadState): Promise<void>;
	/** The lock for taking over an upload. */
	lockPath(id: string): string;
	/** A name for data that is not in its place yet. */
	besidePath(id: string): string;
	/** Puts a file in the place of the data. */
	putData(id: string, path: string): Promise<void>;
	/**
	 * Takes the data out of its place, so that no other process can open it any more. Resolves with its path and the time
	 * of its last change, or undefined when another file was there than that with this inode.
	 */
	seal(id: string, inode: number): Promise<{readonly path: string; readonly touchedMs: number} | undefined>;
	/** Puts the data back when `seal` has taken it and its end was never reached. */
	unseal(id: string): Promise<void>;
	/** Bytes stored so far; 0 when there are none. */
	sizeBytes(id: string): Promise<number>;
	/** False when there is none. */
	remove(id: string): Promise<boolean>;
	list(): Promise<readonly string[]>;
	/** When an upload was last written to. */
	touchedAt(id: string): Promise<number>;
	/** Removes files that belong to no upload and are older than this. */
	removeRests(olderThanMs: number): Promise<void>;
}

export function createUploadFiles(folder: string): UploadFiles {
	return {
		create: state => createState(folder, state),
		// An id comes from a URL.
		read: async id => (idPattern.test(id) ? await readState(statePath(folder, id)) : undefined),
		replace: (id, state) => replaceState(statePath(folder, id), state),
		lockPath: id => join(folder, `${id}.lock`),
		...dataFilesIn(folder),
		async remove(id) {
			const paths = [statePath(folder, id), dataPath(folder, id), sealedPath(folder, id)];
			const [wasThere] = await Promise.all(paths.map(removeFile));
			return wasThere === true;
		},
		list: async () => (await namesIn(folder)).flatMap(name => /^([0-9a-f]{32})\.json$/.exec(name)?.[1] ?? []),
		async touchedAt(id) {
			const paths = [statePath(folder, id), dataPath(folder, id)];
			const found = await Promise.all(paths.map(path => stat(path).catch(() => undefined)));
			return Math.max(0, ...found.map(facts => facts?.mtimeMs ?? 0));
		},
		removeRests: olderThanMs => removeRests(folder, olderThanMs),
	};
}

const idPattern = /^[0-9a-f]{32}$/;

function dataPath(folder: string, id: string): string {
	return join(folder, `${id}.data`);
}

function sealedPath(folder: string, id: string): string {
	return join(folder, `${id}.sealed`);
}

type DataFiles = Pick<UploadFiles, 'dataPath' | 'besidePath' | 'putData' | 'seal' | 'unseal' | 'sizeBytes'>;

function dataFilesIn(folder: string): DataFiles {
	const put = (from: string, id: string): Promise<void> => rename(from, dataPath(folder, id));
	return {
		dataPath: id => dataPath(folder, id),
		besidePath: id => besideOf(dataPath(folder, id)),
		putData: (id, path) => withIo('write', dataPath(folder, id), () => put(path, id)),
		async seal(id, inode) {
			const path = sealedPath(folder, id);
			return await withIo('write', path, async () => {
				await rename(dataPath(folder, id), path);
				const {ino, mtimeMs} = await stat(path);
				if (ino === inode) return {path, touchedMs: mtimeMs};
				await put(path, id);
				return undefined;
			});
		},
		async unseal(id) {
			const path = sealedPath(folder, id);
			await withIo('write', path, () => ifExists(() => put(path, id)));
		},
		async sizeBytes(id) {
			for (const path of [dataPath(folder, id), sealedPath(folder, id)]) {
				const found = await withIo('read', path, () => ifExists(() => stat(path)));
				if (found !== undefined) return found.size;
			}
			return 0;
		},
	};
}

async function removeFile(path: string): Promise<boolean> {
	const remove = async (): Promise<true> => {
		await unlink(path);
		return true;
	};
	return (await withIo('remove', path, () => ifExists(remove))) === true;
}

async function removeRests(folder: string, olderThanMs: number): Promise<void> {
	const all = new Set(await namesIn(folder));
	for (const name of all) {
		const isOfUpload = /^[0-9a-f]{32}\.json$/.test(name) || all.has(name.replace(/\.(?:data|sealed)$/, '.json'));
		if (isOfUpload) continue;
		const path = join(folder, name);
		const facts = await stat(path).catch(() => undefined);
		if (facts !== undefined && Date.now() - facts.mtimeMs > olderThanMs) await unlink(path).catch(() => undefined);
	}
}

async function namesIn(folder: string): Promise<readonly string[]> {
	return (await withIo('list', folder, () => ifExists(() => readdir(folder)))) ?? [];
}
