import {randomBytes} from 'node:crypto';
import {mkdir, readdir, readFile, stat, unlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from '../../../core/errors.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import type {DigestAlgorithm} from '../../../oci/digest.js';

/** What is on disk of an upload besides its bytes: `<id>.json`, with `<id>.data` beside it. */
export interface UploadState {
	readonly repository: string;
	readonly algorithm: DigestAlgorithm;
	readonly startedAt: string;
}

/** The files of the uploads in one folder. */
export interface UploadFiles {
	dataPath(id: string): string;
	/** Stores a new state. Resolves with its id. */
	create(state: UploadState): Promise<string>;
	/** Undefined when there is none, or none that is whole. */
	read(id: string): Promise<UploadState | undefined>;
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
			const text = await withIo('read', statePath(id), () => ifExists(() => readFile(statePath(id), 'utf8')));
			return text === undefined ? undefined : parseState(text);
		},
		async sizeBytes(id) {
			const found = await withIo('read', dataPath(id), () => ifExists(() => stat(dataPath(id))));
			return found?.size ?? 0;
		},
		async remove(id) {
			const existed = await withIo('remove', statePath(id), () =>
				ifExists(async () => {
					await unlink(statePath(id));
					return true;
				}),
			);
			await withIo('remove', dataPath(id), () => ifExists(() => unlink(dataPath(id))));
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
				const isOfUpload = /^[0-9a-f]{32}\.json$/.test(name) || all.has(name.replace(/\.data$/, '.json'));
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
		const {repository, algorithm, startedAt} = JSON.parse(text) as Partial<UploadState>;
		if (typeof repository !== 'string' || typeof startedAt !== 'string') return undefined;
		if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined;
		return {repository, algorithm, startedAt};
	} catch {
		return undefined;
	}
}
