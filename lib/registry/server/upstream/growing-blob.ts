import {type FileHandle, open} from 'node:fs/promises';
import type {Bytes} from '../../../core/bytes.js';
import type {Abortable} from '../../../core/events.js';
import {algorithmOf, type Digest} from '../../../oci/digest.js';
import {discard} from '../../../oci/verify.js';
import type {StoredBlob, Uploads} from '../../storage/storage.js';
import type {UpstreamBlob} from './upstream.js';

/** A blob that any number of readers get while it still comes in. */
export interface GrowingBlob {
	readonly blob: StoredBlob;
	/** Resolves once the storage has the verified blob. @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE; what the upstream fails with */
	readonly stored: Promise<void>;
}

/** Readers are told of new bytes at these steps, and whenever the upstream pauses. */
const stepBytes = 512 * 1024;
const readBytes = 256 * 1024;
/** What came before a pause of this length is written out for those who wait. */
const pauseMs = 20;

/**
 * Takes the bytes of an upstream into the storage as an upload, and lets readers follow the growing file: memory does not
 * depend on their number or speed. Nobody gets the last byte before the whole is verified, so that a reader of bad content
 * never sees an end; whatever fails drops the upload and fails every reader.
 */
export async function growBlob(
	uploads: Uploads,
	repository: string,
	digest: Digest,
	{sizeBytes, bytes}: UpstreamBlob,
	{signal}: Abortable,
): Promise<GrowingBlob> {
	const {id, path} = await uploads.start(repository, {algorithm: algorithmOf(digest)}).catch(async (error: unknown) => {
		await discard(bytes);
		throw error;
	});
	const growth = createGrowth(path);
	const take = async (): Promise<void> => {
		try {
			await appendAll(uploads, repository, id, bytes, sizeBytes, growth, {signal});
			await growth.keepOpen();
			const blob = await uploads.finish(repository, id, digest, {signal});
			growth.end({blob});
		} catch (error) {
			await uploads.cancel(repository, id).catch(() => undefined);
			growth.end({reason: error});
			throw error;
		}
	};
	const stored = take();
	// Those who wait for it hear of a failure; when nobody does, it is still no unhandled rejection.
	stored.catch(() => undefined);
	const read: StoredBlob['read'] = async ({start = 0, end = sizeBytes, signal: given} = {}) => {
		const whole = growth.whole();
		if (whole !== undefined) return await whole.read({start, end, signal: given});
		return readGrowing(growth, start, end, sizeBytes, {signal: given});
	};
	return {blob: {digest, sizeBytes, read}, stored};
}

/** Appends in pieces that end where the upstream pauses: what has come is then in the file, not in a buffer. */
async function appendAll(
	uploads: Uploads,
	repository: string,
	id: string,
	bytes: Bytes,
	sizeBytes: number,
	growth: Growth,
	options: Abortable,
): Promise<void> {
	const source = bytes[Symbol.asyncIterator]();
	let next = source.next();
	let isOver = false;
	async function* piece(): AsyncGenerator<Uint8Array> {
		for (let isFirst = true; ; isFirst = false) {
			const result = await (isFirst ? next : settledSoon(next));
			if (result === undefined) return;
			if (result.done === true) {
				isOver = true;
				return;
			}
			growth.add(result.value.length);
			next = source.next();
			// Its failure is met when the next piece awaits it.
			next.catch(() => undefined);
			yield result.value;
		}
	}
	try {
		while (!isOver) {
			await uploads.append(repository, id, piece(), {...options, limitBytes: sizeBytes});
			growth.tell();
		}
	} finally {
		await source.return?.();
	}
}

/** The value of a promise, or undefined when it takes longer than a pause. */
async function settledSoon<T>(promise: Promise<T>): Promise<T | undefined> {
	let timer: NodeJS.Timeout | undefined;
	const pause = new Promise<undefined>(resolve => {
		timer = setTimeout(resolve, pauseMs, undefined);
	});
	try {
		return await Promise.race([promise, pause]);
	} finally {
		clearTimeout(timer);
	}
}

/** What is known of the growing file, and its one handle. */
interface Growth {
	/** Changes with every `tell` and `end`. */
	readonly news: number;
	/** Notes bytes on their way to the file. */
	add(bytes: number): void;
	/** Wakes all who wait. */
	tell(): void;
	/** Opens the file while it has its name, which goes when the upload becomes a blob. */
	keepOpen(): Promise<void>;
	end(result: Result): void;
	/** The blob once it is verified. @throws the failure of the upload */
	whole(): StoredBlob | undefined;
	/** Resolves once there are other news than these. */
	newsAfter(news: number, options: Abortable): Promise<void>;
	/** Counts a reader and gives the handle. */
	enter(): Promise<FileHandle>;
	leave(): Promise<void>;
}

type Result = {readonly blob: StoredBlob} | {readonly reason: unknown};

function createGrowth(path: string): Growth {
	let untold = 0;
	let news = 0;
	let result: Result | undefined;
	let waiting = new Set<() => void>();
	let handle: Promise<FileHandle> | undefined;
	let readers = 0;
	const tell = (): void => {
		untold = 0;
		news++;
		const woken = waiting;
		waiting = new Set();
		for (const wake of woken) wake();
	};
	const openOnce = async (): Promise<FileHandle> => {
		handle ??= open(path, 'r');
		return await handle;
	};
	const closeUnused = async (): Promise<void> => {
		if (readers > 0 || result === undefined || handle === undefined) return;
		const unused = handle;
		handle = undefined;
		await unused.then(file => file.close()).catch(() => undefined);
	};
	return {
		get news() {
			return news;
		},
		add(bytes) {
			untold += bytes;
			if (untold >= stepBytes) tell();
		},
		tell,
		async keepOpen() {
			await openOnce();
		},
		end(found) {
			result = found;
			tell();
			void closeUnused();
		},
		whole() {
			if (result !== undefined && 'reason' in result) throw result.reason;
			return result?.blob;
		},
		async newsAfter(known, {signal}) {
			signal?.throwIfAborted();
			if (news !== known) return;
			await new Promise<void>((resolve, reject) => {
				const wake = (): void => {
					signal?.removeEventListener('abort', abort);
					resolve();
				};
				const abort = (): void => {
					waiting.delete(wake);
					reject(signal?.reason as Error);
				};
				waiting.add(wake);
				signal?.addEventListener('abort', abort, {once: true});
			});
		},
		async enter() {
			readers++;
			return await openOnce();
		},
		async leave() {
			readers--;
			await closeUnused();
		},
	};
}

async function* readGrowing(
	growth: Growth,
	start: number,
	end: number,
	sizeBytes: number,
	options: Abortable,
): AsyncGenerator<Uint8Array> {
	try {
		const file = await growth.enter();
		for (let done = start; done < end; ) {
			options.signal?.throwIfAborted();
			// Taken before the look at the file: what comes in between is news.
			const {news} = growth;
			const until = growth.whole() === undefined ? Math.min(end, sizeBytes - 1) : end;
			const chunk = Buffer.allocUnsafeSlow(Math.max(0, Math.min(readBytes, until - done)));
			const {bytesRead} = chunk.length === 0 ? {bytesRead: 0} : await file.read(chunk, 0, chunk.length, done);
			if (bytesRead === 0) await growth.newsAfter(news, options);
			else yield chunk.subarray(0, bytesRead);
			done += bytesRead;
		}
		while (end === sizeBytes && growth.whole() === undefined) await growth.newsAfter(growth.news, options);
	} finally {
		await growth.leave();
	}
}
