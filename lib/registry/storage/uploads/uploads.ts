import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {algorithmOf, type Digest} from '../../../oci/digest.js';
import type {StoredBlob, Upload, Uploads} from '../storage.js';
import {type DataFile, openDataFile} from './data-file.js';
import {createUploadFiles, type UploadFiles, type UploadState} from './state.js';

export interface UploadsOptions {
	/** For the state and the bytes of uploads: on the file system of the blobs. Made when the first upload begins. */
	readonly folder: string;
	/** `full` waits for the disk before an upload becomes a blob. */
	readonly durability: 'full' | 'none';
	/** Takes a whole verified file away and makes it a blob of the repository. Called again when it failed. */
	place(
		repository: string,
		digest: Digest,
		file: {readonly path: string; readonly sizeBytes: number},
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
	const files = createUploadFiles(options.folder);
	const sessions = createSessions(files);
	const describe = (id: string, state: UploadState, sizeBytes: number): Upload => ({
		id,
		repository: state.repository,
		sizeBytes,
		startedAt: new Date(state.startedAt),
		path: files.dataPath(id),
	});
	return {
		async start(repository, {algorithm = 'sha256'} = {}) {
			const state = {repository, algorithm, startedAt: new Date().toISOString()};
			const id = await files.create(state);
			await sessions.open(id, state);
			return describe(id, state, 0);
		},
		async status(repository, id) {
			const state = await files.read(id);
			if (state?.repository !== repository) return undefined;
			return describe(id, state, sessions.sizeBytes(id) ?? (await files.sizeBytes(id)));
		},
		append: (repository, id, bytes, {offset, limitBytes, signal} = {}) =>
			sessions.use(repository, id, {signal}, async (file, state) => {
				if (offset !== undefined && offset !== file.sizeBytes) throw wrongOffset(id, offset, file.sizeBytes);
				await file.append(bytes, {limitBytes, signal});
				if ((await file.state()) !== 'current') throw busy(id);
				return describe(id, state, file.sizeBytes);
			}),
		finish: (repository, id, digest, {signal} = {}) =>
			sessions.use(repository, id, {signal}, async file => {
				const {sizeBytes} = file;
				const found = await file.digest(algorithmOf(digest), {signal});
				if (found !== digest) {
					await sessions.drop(id);
					throw wrongDigest(digest, found);
				}
				if (options.durability === 'full') await file.sync();
				await sessions.release(id);
				const blob = await options.place(repository, digest, {path: files.dataPath(id), sizeBytes});
				await sessions.drop(id);
				return blob;
			}),
		async cancel(repository, id) {
			if ((await files.read(id))?.repository !== repository) return false;
			return await sessions.use(repository, id, {}, () => sessions.drop(id));
		},
		count: async () => (await files.list()).length,
		async sweep(idleMs) {
			let swept = 0;
			for (const id of await files.list()) {
				if (sessions.isBusy(id) || Date.now() - (await files.touchedAt(id)) < idleMs) continue;
				if (await sessions.drop(id)) swept++;
			}
			await files.removeRests(idleMs);
			return swept;
		},
		close: sessions.close,
	};
}

interface Sessions {
	/** Makes the file of a new upload, so that readers of what is growing find it. */
	open(id: string, state: UploadState): Promise<void>;
	/** Runs `work` with the open file of an upload, alone. @throws SealError ERR_UPLOAD_UNKNOWN, ERR_UPLOAD_BUSY */
	use<R>(
		repository: string,
		id: string,
		options: Abortable,
		work: (file: DataFile, state: UploadState) => Promise<R>,
	): Promise<R>;
	/** Bytes of an upload that is open here. */
	sizeBytes(id: string): number | undefined;
	isBusy(id: string): boolean;
	/** Closes the file of an upload. */
	release(id: string): Promise<void>;
	/** Removes an upload. False when there is none. */
	drop(id: string): Promise<boolean>;
	close(): Promise<void>;
}

/** Uploads between two requests that keep their file open, and so their running digest. */
const maxOpen = 256;

function createSessions(files: UploadFiles): Sessions {
	const open = new Map<string, DataFile>();
	const running = new Map<string, Promise<unknown>>();

	const release = async (id: string): Promise<void> => {
		const session = open.get(id);
		open.delete(id);
		await session?.close();
	};
	const fileOf = async (id: string, {algorithm}: UploadState, options: Abortable): Promise<DataFile> => {
		const session = open.get(id);
		open.delete(id);
		if (session !== undefined) {
			const state = await session.state();
			if (state === 'current') return session;
			await session.close();
			if (state === 'removed') throw unknown(id);
		}
		return await openDataFile(files.dataPath(id), algorithm, options);
	};
	const releaseIdle = async (): Promise<void> => {
		for (const idle of open.keys()) {
			if (open.size <= maxOpen) break;
			if (!running.has(idle)) await release(idle);
		}
	};
	const work = async <R>(
		repository: string,
		id: string,
		options: Abortable,
		action: (file: DataFile, state: UploadState) => Promise<R>,
	): Promise<R> => {
		const state = await files.read(id);
		if (state?.repository !== repository) throw unknown(id);
		const file = await fileOf(id, state, options);
		open.set(id, file);
		return await action(file, state);
	};
	return {
		async open(id, {algorithm}) {
			open.set(id, await openDataFile(files.dataPath(id), algorithm, {}));
			await releaseIdle();
		},
		async use(repository, id, options, action) {
			if (running.has(id)) throw busy(id);
			const promise = work(repository, id, options, action);
			running.set(id, promise);
			try {
				return await promise;
			} finally {
				running.delete(id);
				await releaseIdle();
			}
		},
		sizeBytes: id => (running.has(id) ? open.get(id)?.sizeBytes : undefined),
		isBusy: id => running.has(id),
		release,
		async drop(id) {
			await release(id);
			return await files.remove(id);
		},
		async close() {
			await Promise.allSettled(running.values());
			for (const id of [...open.keys()]) await release(id);
		},
	};
}

function unknown(id: string): SealError {
	return new SealError('ERR_UPLOAD_UNKNOWN', `There is no upload ${shown(id)} here`, {
		hint: 'Begin the upload again.',
	});
}

function busy(id: string): SealError {
	return new SealError('ERR_UPLOAD_BUSY', `Another request is writing to the upload ${shown(id)}`, {
		hint: 'Ask for the state of the upload, then go on from there.',
	});
}

function wrongOffset(id: string, offset: number, sizeBytes: number): SealError {
	return new SealError(
		'ERR_UPLOAD_OFFSET',
		`The upload ${shown(id)} has ${sizeBytes} bytes, the chunk begins at ${offset}`,
		{
			hint: `Go on at byte ${sizeBytes}.`,
			details: {sizeBytes, offset},
		},
	);
}

function wrongDigest(expected: Digest, found: Digest): SealError {
	return new SealError('ERR_CONTENT_DIGEST', `What was uploaded is not ${expected}: it is ${found}`, {
		hint: 'Upload the content again.',
		details: {expected, found},
	});
}

/** An id comes from a URL and may be anything. */
function shown(id: string): string {
	return JSON.stringify(id.slice(0, 64));
}
