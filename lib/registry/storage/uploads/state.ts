import {randomBytes} from 'node:crypto';
import {lstat, mkdir, readdir, readFile, rename, stat, unlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {besideOf} from '../../../core/atomic-file.js';
import {systemCode} from '../../../core/errors.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {type ProcessOwner, parseOwner} from '../../../core/process-owner.js';
import type {DigestAlgorithm} from '../../../oci/digest.js';

/** What is on disk of an upload besides its bytes: `<id>.json`, with `<id>.data` beside it. */
export interface UploadState {
	readonly repository: string;
	readonly algorithm: DigestAlgorithm;
	readonly startedAt: string;
	/** The process that writes the data. */
	readonly owner: ProcessOwner;
}

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
	 * Takes the data out of its place, so that no other process can open it any more. Resolves with its path, or undefined when
	 * another file was there than that with this inode.
	 */
	seal(id: string, inode: number): Promise<string | undefined>;
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
	const statePath = (id: string): string => join(folder, `${id}.json`);
	const dataPath = (id: string): string => join(folder, `${id}.data`);
	const sealedPath = (id: string): string => join(folder, `${id}.sealed`);
	const putData = (id: string, path: string): Promise<void> =>
		withIo('write', dataPath(id), () => rename(path, dataPath(id)));
	const names = async (): Promise<readonly string[]> =>
		(await withIo('list', folder, () => ifExists(() => readdir(folder)))) ?? [];
	return {
		dataPath,
		async create(state) {
			const id = randomBytes(16).toString('hex');
			const path = statePath(id);
			await withIo('write', path, async () => {
				try {
					await writeWhole(path, JSON.stringify(state));
				} catch (error) {
					if (systemCode(error) !== 'ENOENT') throw error;
					await mkdir(folder, {recursive: true});
					await writeWhole(path, JSON.stringify(state));
				}
			});
			return id;
		},
		async read(id) {
			// An id comes from a URL.
			if (!idPattern.test(id)) return undefined;
			const path = statePath(id);
			const read = async (): Promise<string | undefined> =>
				// A pipe in its place would hold a thread of the pool for ever.
				(await lstat(path)).isFile() ? await readFile(path, 'utf8') : undefined;
			const text = await withIo('read', path, () => ifExists(read));
			return text === undefined ? undefined : parseState(text);
		},
		async replace(id, state) {
			const beside = besideOf(statePath(id));
			await withIo('write', statePath(id), async () => {
				await writeWhole(beside, JSON.stringify(state));
				await rename(beside, statePath(id));
			});
		},
		lockPath: id => join(folder, `${id}.lock`),
		besidePath: id => besideOf(dataPath(id)),
		putData,
		async seal(id, inode) {
			const path = sealedPath(id);
			return await withIo('write', path, async () => {
				await rename(dataPath(id), path);
				if ((await stat(path)).ino === inode) return path;
				await rename(path, dataPath(id));
				return undefined;
			});
		},
		async unseal(id) {
			await withIo('write', dataPath(id), () => ifExists(() => rename(sealedPath(id), dataPath(id))));
		},
		async sizeBytes(id) {
			for (const path of [dataPath(id), sealedPath(id)]) {
				const found = await withIo('read', path, () => ifExists(() => stat(path)));
				if (found !== undefined) return found.size;
			}
			return 0;
		},
		async remove(id) {
			const existed = await withIo('remove', statePath(id), () =>
				ifExists(async () => {
					await unlink(statePath(id));
					return true;
				}),
			);
			for (const path of [dataPath(id), sealedPath(id)])
				await withIo('remove', path, () => ifExists(() => unlink(path)));
			return existed === true;
		},
		async list() {
			return (await names()).flatMap(name => /^([0-9a-f]{32})\.json$/.exec(name)?.[1] ?? []);
		},
		async touchedAt(id) {
			const found = await Promise.all([statePath(id), dataPath(id)].map(path => stat(path).catch(() => undefined)));
			return Math.max(0, ...found.map(facts => facts?.mtimeMs ?? 0));
		},
		async removeRests(olderThanMs) {
			const all = new Set(await names());
			for (const name of all) {
				const isOfUpload = /^[0-9a-f]{32}\.json$/.test(name) || all.has(name.replace(/\.(?:data|sealed)$/, '.json'));
				if (isOfUpload) continue;
				const facts = await stat(join(folder, name)).catch(() => undefined);
				if (facts !== undefined && Date.now() - facts.mtimeMs > olderThanMs)
					await unlink(join(folder, name)).catch(() => undefined);
			}
		},
	};
}

const idPattern = /^[0-9a-f]{32}$/;

async function writeWhole(path: string, text: string): Promise<void> {
	try {
		await writeFile(path, text, {flag: 'wx', mode: 0o600});
	} catch (error) {
		if (systemCode(error) !== 'ENOENT') await unlink(path).catch(() => undefined);
		throw error;
	}
}

/** A state that was cut short by a crash was never acknowledged. */
function parseState(text: string): UploadState | undefined {
	try {
		const value = JSON.parse(text) as Partial<UploadState>;
		const {repository, algorithm, startedAt} = value;
		const owner = parseOwner(JSON.stringify(value.owner));
		if (typeof repository !== 'string' || typeof startedAt !== 'string' || owner === undefined) return undefined;
		if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined;
		return {repository, algorithm, startedAt, owner};
	} catch {
		return undefined;
	}
}
