import type {Abortable} from '../../../core/events.js';
import type {ProcessOwner} from '../../../core/process-owner.js';
import {type DataFile, openDataFile} from './data-file.js';
import {unknownUpload, uploadBusy} from './errors.js';
import type {UploadFiles} from './files.js';
import type {UploadState} from './state.js';
import {takeOver} from './take-over.js';

/** The uploads whose files this process has open, each used by one request at a time. */
export interface Sessions {
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

interface Session {
	readonly state: UploadState;
	readonly file: DataFile;
}

/** Uploads between two requests that keep their file open, and so their running digest. */
const maxOpen = 256;

export function createSessions(files: UploadFiles, owner: ProcessOwner): Sessions {
	const open = new Map<string, Session>();
	const running = new Map<string, Promise<unknown>>();

	const release = async (id: string): Promise<void> => {
		const session = open.get(id);
		open.delete(id);
		await session?.file.close();
	};
	/** What is open is believed without a look at its state on disk: who removes or takes over an upload replaces its file. */
	const sessionOf = async (repository: string, id: string, options: Abortable): Promise<Session> => {
		const session = open.get(id);
		open.delete(id);
		if (session !== undefined) {
			if ((await session.file.state()) === 'current') return session;
			await session.file.close();
		}
		const state = await files.read(id);
		if (state?.repository !== repository) throw unknownUpload(id);
		if (state.owner.token !== owner.token) return {state, file: await takeOver(files, id, owner, options)};
		return {state, file: await openDataFile(files.dataPath(id), state.algorithm, options)};
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
		if ((open.get(id)?.state.repository ?? repository) !== repository) throw unknownUpload(id);
		const session = await sessionOf(repository, id, options);
		open.set(id, session);
		return await action(session.file, session.state);
	};
	return {
		async open(id, state) {
			open.set(id, {state, file: await openDataFile(files.dataPath(id), state.algorithm, {})});
			await releaseIdle();
		},
		async use(repository, id, options, action) {
			if (running.has(id)) throw uploadBusy(id);
			const promise = work(repository, id, options, action);
			running.set(id, promise);
			try {
				return await promise;
			} finally {
				running.delete(id);
				await releaseIdle();
			}
		},
		sizeBytes: id => (running.has(id) ? open.get(id)?.file.sizeBytes : undefined),
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
