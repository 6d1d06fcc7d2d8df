import {randomBytes} from 'node:crypto';
import {lstat, mkdir, readFile, rename, unlink, writeFile} from 'node:fs/promises';
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

export function statePath(folder: string, id: string): string {
	return join(folder, `${id}.json`);
}

/** Stores the state of a new upload, in a folder that is made when it is not there. Resolves with the id. */
export async function createState(folder: string, state: UploadState): Promise<string> {
	const id = randomBytes(16).toString('hex');
	const path = statePath(folder, id);
	await withIo('write', path, async () => {
		try {
			await writeWhole(path, state);
		} catch (error) {
			if (systemCode(error) !== 'ENOENT') throw error;
			await mkdir(folder, {recursive: true});
			await writeWhole(path, state);
		}
	});
	return id;
}

/** Undefined when there is none, or none that is whole. */
export async function readState(path: string): Promise<UploadState | undefined> {
	const read = async (): Promise<string | undefined> =>
		// A pipe in its place would hold a thread of the pool for ever.
		(await lstat(path)).isFile() ? await readFile(path, 'utf8') : undefined;
	const text = await withIo('read', path, () => ifExists(read));
	return text === undefined ? undefined : parseState(text);
}

export async function replaceState(path: string, state: UploadState): Promise<void> {
	const beside = besideOf(path);
	await withIo('write', path, async () => {
		await writeWhole(beside, state);
		await rename(beside, path);
	});
}

async function writeWhole(path: string, state: UploadState): Promise<void> {
	try {
		await writeFile(path, JSON.stringify(state), {flag: 'wx', mode: 0o600});
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
