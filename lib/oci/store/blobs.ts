import {randomBytes} from 'node:crypto';
import {access, chmod, type FileHandle, link, mkdir, open, rename, stat, unlink, utimes} from 'node:fs/promises';
import {join} from 'node:path';
import {syncFolder} from '../../core/atomic-file.js';
import type {Bytes} from '../../core/bytes.js';
import {hasCode, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {isLocked, withLock} from '../../core/lock.js';
import {createGate, mapBounded} from '../../core/pool.js';
import type {BlobAdopter, BlobFiles, ContentStore, Ingest, Ingester, ResumableSink} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, type Digest, hexOf} from '../digest.js';
import {discard, missingContent, readFileVerified, verified, wrongSize} from '../verify.js';
import {completePartial, partialPath, smallestPartialBytes, whileOwned} from './partial.js';
import type {Session} from './session.js';

/** The blobs of a layout: `blobs/<algorithm>/<hex>`, each written elsewhere and renamed when it is whole. */
export interface BlobFolder extends ContentStore, ResumableSink, Ingester, BlobFiles, BlobAdopter {
	/** Whether a blob is there, without protecting it from the collector as `exists` does. */
	peek(descriptor: Pick<Descriptor, 'digest'> & {readonly size?: number}): Promise<boolean>;
	/** Ends the session; what is met from now on is protected anew. */
	close(): Promise<void>;
	/** Flushes the blobs written since the last call to the disk. */
	sync(): Promise<void>;
}

export interface BlobFolderOptions {
	readonly root: string;
	/** "the store /var/lib/x", for messages. */
	readonly name: string;
	readonly session: Session;
	/** The lock that the collector holds while it removes blobs. */
	readonly collectorLock: string;
	readonly lockTimeoutMs?: number | undefined;
	/** `sync` will be called: large content may be flushed before that. */
	readonly flushEarly?: boolean | undefined;
}

/** Below this a flush of its own costs more than it saves. */
const earlyFlushBytes = 4 * 1024 * 1024;

export function createBlobFolder(options: BlobFolderOptions): BlobFolder {
	const {root, name, session} = options;
	const unsynced = new Set<Digest>();
	/** Large content goes to the disk while other content still comes in; what `sync` waits for at the end is then little. */
	const flushes = new Map<Digest, Promise<void>>();
	const flushGate = createGate(2);
	const flush = async (digest: Digest): Promise<void> => {
		await withIo('flush', blobPath(digest), () => syncFile(blobPath(digest)));
		unsynced.delete(digest);
	};
	/** Folders with new names in them. */
	const folders = new Set<string>();
	const written = (digest: Digest, sizeBytes: number): void => {
		unsynced.add(digest);
		folders.add(join(root, 'blobs', algorithmOf(digest)));
		if (options.flushEarly !== true || sizeBytes < earlyFlushBytes) return;
		const early = flushGate.run(() => flush(digest)).finally(() => flushes.delete(digest));
		// Who syncs meets the failure again.
		early.catch(() => undefined);
		flushes.set(digest, early);
	};
	const renewed = new Set<Digest>();
	const blobPath = (digest: Digest): string => join(root, 'blobs', algorithmOf(digest), hexOf(digest));

	/** A blob of another size is the rest of a power cut: as good as missing, and replaced by the next push. */
	const has = async (digest: Digest, size: number | undefined): Promise<boolean> => {
		const found = await statBlob(blobPath(digest));
		return found !== undefined && (size === undefined || found.size === size);
	};

	/**
	 * Content that is there already may be garbage that the collector is about to remove. Its time is renewed, and a
	 * collector at work is waited for: it has either seen the new time, or we see that the blob is gone.
	 */
	const hasForKeeps = async (digest: Digest, size: number | undefined, signal?: AbortSignal): Promise<boolean> => {
		if (!(await has(digest, size))) return false;
		if (renewed.has(digest) || !(await renew(blobPath(digest), session))) return true;
		if (await isLocked(options.collectorLock)) {
			const wait = {signal, ...(options.lockTimeoutMs === undefined ? {} : {timeoutMs: options.lockTimeoutMs})};
			await withLock(options.collectorLock, async () => undefined, wait);
		}
		const still = await has(digest, size);
		if (still) renewed.add(digest);
		return still;
	};

	const place = async (temporary: string, digest: Digest, sizeBytes: number): Promise<void> => {
		await withIo('store', blobPath(digest), async () => {
			await chmod(temporary, 0o444);
			await renameInto(temporary, blobPath(digest));
		});
		written(digest, sizeBytes);
		renewed.add(digest);
	};

	const ingest = async ({signal}: Abortable = {}): Promise<Ingest> => {
		signal?.throwIfAborted();
		const path = join(await session.folder(), randomBytes(8).toString('hex'));
		const file = await withIo('write', path, () => open(path, 'wx', 0o644));
		return createIngest(file, path, {
			signal,
			async commit(digest, sizeBytes) {
				if (await hasForKeeps(digest, sizeBytes, signal)) await unlink(path);
				else await place(path, digest, sizeBytes);
			},
		});
	};

	const push = async (descriptor: Descriptor, bytes: Bytes, {signal}: Abortable = {}): Promise<void> => {
		if (await hasForKeeps(descriptor.digest, descriptor.size, signal)) return await discard(bytes);
		const target = await ingest({signal});
		try {
			for await (const chunk of verified(bytes, descriptor, 'the source', {signal})) await target.write(chunk);
			await target.commit(descriptor.digest);
		} finally {
			await target.abort();
		}
	};

	const pushFrom: BlobFolder['pushFrom'] = async (descriptor, read, {signal} = {}) => {
		const {digest, size} = descriptor;
		if (await hasForKeeps(digest, size, signal)) return;
		if (size >= smallestPartialBytes) {
			// The lease begins before the content is stored: the collector leaves it alone.
			await session.folder();
			const path = partialPath(root, digest);
			const work = async (): Promise<void> => {
				if (await hasForKeeps(digest, size, signal)) return;
				await completePartial(path, descriptor, read, {signal});
				await place(path, digest, size);
			};
			if (await whileOwned(path, work, {signal, patienceMs: options.lockTimeoutMs ?? 30_000})) return;
		}
		const bytes = await read(0, {signal, verify: false});
		try {
			await push(descriptor, bytes, {signal});
		} finally {
			await discard(bytes).catch(() => undefined);
		}
	};

	return {
		blobPath,
		ingest,
		push,
		pushFrom,
		exists: (descriptor, {signal} = {}) => hasForKeeps(descriptor.digest, descriptor.size, signal),
		peek: ({digest, size}) => has(digest, size),
		async fetch(descriptor, {offset = 0, verify, reuse, signal} = {}) {
			signal?.throwIfAborted();
			const found = await statBlob(blobPath(descriptor.digest));
			if (found === undefined) throw missingContent(descriptor, name);
			if (found.size !== descriptor.size) {
				throw wrongSize(descriptor, name, found.size > descriptor.size ? 'longer' : 'shorter', found.size);
			}
			checkOffset(descriptor, offset);
			const path = blobPath(descriptor.digest);
			const hint = `Remove ${path}, then pull or build the image again.`;
			return readFileVerified(path, descriptor, name, {offset, verify, reuse, hint, signal});
		},
		async adopt(descriptor, path, {signal} = {}) {
			if (await hasForKeeps(descriptor.digest, descriptor.size, signal)) return true;
			const temporary = join(await session.folder(), randomBytes(8).toString('hex'));
			if (!(await linkOwned(path, temporary))) return false;
			try {
				await drain(readFileVerified(temporary, descriptor, path, {reuse: true, signal}));
				const {size} = await stat(temporary);
				if (size !== descriptor.size) throw wrongSize(descriptor, path, 'longer', size);
				await renameInto(temporary, blobPath(descriptor.digest));
				renewed.add(descriptor.digest);
				written(descriptor.digest, descriptor.size);
				return true;
			} finally {
				await unlink(temporary).catch(() => undefined);
			}
		},
		async close() {
			renewed.clear();
			await Promise.allSettled(flushes.values());
			await session.close();
		},
		async sync() {
			const changed = [...folders];
			await Promise.allSettled(flushes.values());
			await mapBounded([...unsynced], 4, flush);
			for (const folder of changed) {
				folders.delete(folder);
				await syncFolder(folder);
			}
		},
	};
}

interface IngestOptions {
	readonly signal: AbortSignal | undefined;
	commit(digest: Digest, sizeBytes: number): Promise<void>;
}

function createIngest(file: FileHandle, path: string, options: IngestOptions): Ingest {
	const writer = createFileWriter(file);
	let sizeBytes = 0;
	let state: 'open' | 'done' = 'open';
	const end = async (): Promise<void> => {
		if (state === 'done') return;
		state = 'done';
		await file.close().catch(() => undefined);
		await unlink(path).catch(() => undefined);
	};
	const guarded = async (work: () => Promise<void>): Promise<void> => {
		if (state === 'done') throw new TypeError('This ingest has ended');
		try {
			options.signal?.throwIfAborted();
			await work();
		} catch (error) {
			await end();
			throw ioError(error, 'write', path);
		}
	};
	return {
		write: chunk =>
			guarded(async () => {
				sizeBytes += chunk.length;
				await writer.write(chunk);
			}),
		commit: digest =>
			guarded(async () => {
				await writer.flush();
				await file.close();
				await options.commit(digest, sizeBytes);
				state = 'done';
			}),
		abort: end,
	};
}

async function statBlob(path: string): Promise<{readonly size: number} | undefined> {
	return await withIo('read', path, async () => {
		const found = await ifExists(() => stat(path));
		return found?.isFile() === true ? {size: found.size} : undefined;
	});
}

/** False when the time cannot be renewed: in a store that we cannot write to, nothing of ours needs protection. */
async function renew(path: string, session: Session): Promise<boolean> {
	try {
		await session.folder();
		const now = new Date();
		await utimes(path, now, now);
		return true;
	} catch (error) {
		const codes = ['ERR_PERMISSION', 'ERR_READ_ONLY', 'ERR_NO_SPACE'] as const;
		if (codes.some(code => hasCode(error, code))) return false;
		if (systemCode(error) === 'ENOENT') return true;
		if (['EPERM', 'EACCES', 'EROFS'].includes(systemCode(error) ?? '')) return false;
		throw ioError(error, 'renew the time of', path);
	}
}

/** The folder of a rarer algorithm is made when it is first needed. */
async function renameInto(from: string, to: string): Promise<void> {
	try {
		await rename(from, to);
	} catch (error) {
		if (systemCode(error) !== 'ENOENT') throw error;
		await access(from);
		await mkdir(join(to, '..'), {recursive: true});
		await rename(from, to);
	}
}

/** Links only what is ours to keep: the time of the file is renewed first, which its owner alone may do. */
async function linkOwned(from: string, to: string): Promise<boolean> {
	try {
		const now = new Date();
		await utimes(from, now, now);
		await link(from, to);
		return true;
	} catch (error) {
		const code = systemCode(error) ?? '';
		if (['EXDEV', 'EPERM', 'EACCES', 'EROFS', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOENT'].includes(code)) return false;
		throw ioError(error, 'link', from);
	}
}

async function drain(bytes: Bytes): Promise<void> {
	for await (const _ of bytes);
}

async function syncFile(path: string): Promise<void> {
	const file = await ifExists(() => open(path, 'r'));
	if (file === undefined) return;
	try {
		await file.datasync();
	} finally {
		await file.close();
	}
}

function checkOffset(descriptor: Descriptor, offset: number): void {
	if (!Number.isSafeInteger(offset) || offset < 0 || offset > descriptor.size) {
		throw new RangeError(`Offset ${offset} is outside of ${descriptor.digest} with ${descriptor.size} bytes`);
	}
}
