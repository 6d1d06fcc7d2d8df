import {createOwner} from '../../../core/process-owner.js';
import {algorithmOf, type Digest} from '../../../oci/digest.js';
import type {StoredBlob, Upload, Uploads} from '../storage.js';
import type {DataFile} from './data-file.js';
import {uploadBusy, wrongDigest, wrongOffset} from './errors.js';
import {createUploadFiles, type UploadFiles} from './files.js';
import {createSessions, type Sessions} from './sessions.js';
import type {UploadState} from './state.js';

export interface UploadsOptions {
	/** For the state and the bytes of uploads: on the file system of the blobs. Made when the first upload begins. */
	readonly folder: string;
	/** `full` waits for the disk before an upload becomes a blob. */
	readonly durability: 'full' | 'none';
	/** An upload that nobody touches for so long is given up; default a week, as in the stock server. */
	readonly idleMs?: number | undefined;
	/** Takes a whole verified file away and makes it a blob of the repository. Called again when it failed. */
	place(
		repository: string,
		digest: Digest,
		file: {readonly path: string; readonly sizeBytes: number; readonly touchedMs: number},
	): Promise<StoredBlob>;
}

/** Uploads over any form of storage. */
export interface UploadSessions extends Uploads {
	/** Waits for what is being written. Uploads stay on disk: they go on when the folder is opened again. */
	close(): Promise<void>;
}

/**
 * Uploads in one folder. The running digest is kept in memory: the end of an upload needs no second pass over its bytes,
 * unless the process was started anew or another one has appended in between.
 */
export function createUploads(options: UploadsOptions): UploadSessions {
	const owner = createOwner();
	const files = createUploadFiles(options.folder);
	const sessions = createSessions(files, owner);
	/** The file leaves its place first: no other process can open it any more, so it stays what was verified. */
	const place = async (repository: string, id: string, digest: Digest, file: DataFile): Promise<StoredBlob> => {
		const {sizeBytes, inode} = file;
		const sealed = await files.seal(id, inode);
		if (sealed === undefined) throw uploadBusy(id);
		await sessions.release(id);
		try {
			const blob = await options.place(repository, digest, {...sealed, sizeBytes});
			await sessions.drop(id);
			return blob;
		} catch (error) {
			await files.unseal(id);
			throw error;
		}
	};
	const sweep = (idleMs: number): Promise<number> => sweepIdle(files, sessions, idleMs);
	const tidier = createTidier(() => sweep(options.idleMs ?? weekMs));
	return {
		async start(repository, {algorithm = 'sha256'} = {}) {
			tidier.tidy();
			const state = {repository, algorithm, startedAt: new Date().toISOString(), owner};
			const id = await files.create(state);
			try {
				await sessions.open(id, state);
			} catch (error) {
				await files.remove(id);
				throw error;
			}
			return describe(files, id, state, 0);
		},
		async status(repository, id) {
			const state = await files.read(id);
			if (state?.repository !== repository) return undefined;
			return describe(files, id, state, sessions.sizeBytes(id) ?? (await files.sizeBytes(id)));
		},
		append: (repository, id, bytes, {offset, limitBytes, signal} = {}) =>
			sessions.use(repository, id, {signal}, async (file, state) => {
				if (offset !== undefined && offset !== file.sizeBytes) throw wrongOffset(id, offset, file.sizeBytes);
				await file.append(bytes, {limitBytes, signal});
				if ((await file.state()) !== 'current') throw uploadBusy(id);
				return describe(files, id, state, file.sizeBytes);
			}),
		finish: (repository, id, digest, {signal} = {}) =>
			sessions.use(repository, id, {signal}, async file => {
				const found = await file.digest(algorithmOf(digest), {signal});
				if (found !== digest) {
					await sessions.drop(id);
					throw wrongDigest(digest, found);
				}
				if (options.durability === 'full') await file.sync();
				return await place(repository, id, digest, file);
			}),
		async cancel(repository, id) {
			if ((await files.read(id))?.repository !== repository) return false;
			return await sessions.use(repository, id, {}, () => sessions.drop(id));
		},
		count: async () => (await files.list()).length,
		sweep,
		async close() {
			await tidier.close();
			await sessions.close();
		},
	};
}

function describe(files: UploadFiles, id: string, state: UploadState, sizeBytes: number): Upload {
	const {repository, startedAt} = state;
	return {id, repository, sizeBytes, startedAt: new Date(startedAt), path: files.dataPath(id)};
}

async function sweepIdle(files: UploadFiles, sessions: Sessions, idleMs: number): Promise<number> {
	let swept = 0;
	for (const id of await files.list()) {
		if (Date.now() - (await files.touchedAt(id)) < idleMs || sessions.isBusy(id)) continue;
		if (await sessions.drop(id)) swept++;
	}
	await files.removeRests(idleMs);
	return swept;
}

const hourMs = 60 * 60 * 1000;
const weekMs = 7 * 24 * hourMs;

/** What was given up goes when something new begins: no timer, and nothing to do for who only reads. */
function createTidier(sweep: () => Promise<unknown>): {tidy(): void; close(): Promise<void>} {
	let begunAt = Number.NEGATIVE_INFINITY;
	let running: Promise<unknown> = Promise.resolve();
	return {
		tidy() {
			if (performance.now() - begunAt < hourMs) return;
			begunAt = performance.now();
			running = sweep().catch(() => undefined);
		},
		async close() {
			await running;
		},
	};
}
