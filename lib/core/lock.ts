import {link, mkdir, open, readFile, stat, unlink, utimes, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {besideOf} from './atomic-file.js';
import {SealError, systemCode} from './errors.js';
import type {Abortable} from './events.js';
import {ifExists, ioError} from './io-error.js';
import {createOwner, type ProcessOwner, parseOwner, stateOf} from './process-owner.js';

export interface LockOptions extends Abortable {
	/** How long to wait for the holder; default 30 s. */
	readonly timeoutMs?: number;
	/** What the lock guards, for messages: "the store /var/lib/x". Default: the path. */
	readonly what?: string;
}

/**
 * Runs `work` while this process alone holds the lock file at `path`, over processes and within this one (calls queue in
 * order). A holder that died, by kill -9 too, does not hold it any longer. `work` must not ask for the same lock.
 * @throws SealError ERR_STORE_LOCKED with `details.pid` when another holder keeps it for longer than `timeoutMs`
 */
export async function withLock<R>(path: string, work: () => Promise<R>, options: LockOptions = {}): Promise<R> {
	options.signal?.throwIfAborted();
	const deadline = performance.now() + (options.timeoutMs ?? 30_000);
	const leave = await queueUp(path, deadline, options);
	try {
		const owner = createOwner();
		const held = await acquire(path, owner, deadline, options);
		const beat = setInterval(() => void touch(path), heartbeatMs);
		beat.unref();
		try {
			return await work();
		} finally {
			clearInterval(beat);
			await release(path, held);
		}
	} finally {
		leave();
	}
}

/** True while some live process holds the lock at `path`. */
export async function isLocked(path: string): Promise<boolean> {
	const found = await inspect(path);
	return found !== undefined && !found.stale;
}

const heartbeatMs = 15_000;
/** Holders that we cannot look at (another container or machine) are dead when their lock file is this old. */
const silentMs = 60_000;
const firstDelayMs = 2;
const longestDelayMs = 20;

/** The end of the queue of each lock path in this process: the file alone cannot tell two callers of one process apart fairly. */
const queues = new Map<string, Promise<void>>();

async function queueUp(path: string, deadline: number, options: LockOptions): Promise<() => void> {
	const before = queues.get(path);
	let leave = (): void => undefined;
	const place = new Promise<void>(resolve => {
		leave = resolve;
	});
	const end = (before ?? Promise.resolve()).then(() => place);
	queues.set(path, end);
	void end.then(() => {
		if (queues.get(path) === end) queues.delete(path);
	});
	if (before === undefined) return leave;
	try {
		await waitFor(before, deadline, options.signal, () => locked(path, undefined, options));
	} catch (error) {
		leave();
		throw error;
	}
	return leave;
}

async function waitFor(
	promise: Promise<void>,
	deadline: number,
	signal: AbortSignal | undefined,
	late: () => SealError,
): Promise<void> {
	const stop = new AbortController();
	const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
	const timer = sleep(Math.max(0, deadline - performance.now()), undefined, {signal: either}).then(
		() => {
			throw late();
		},
		(error: unknown) => {
			signal?.throwIfAborted();
			if (!stop.signal.aborted) throw error;
		},
	);
	try {
		await Promise.race([promise, timer]);
	} finally {
		stop.abort();
	}
}

/** What tells our lock file from that of another holder. */
interface Held {
	readonly owner: ProcessOwner;
	/** Of a lock without content, which a full disk forces upon us. */
	readonly inode?: number | undefined;
}

async function acquire(path: string, owner: ProcessOwner, deadline: number, options: LockOptions): Promise<Held> {
	for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
		options.signal?.throwIfAborted();
		const held = await create(path, owner);
		if (held !== undefined) return held;
		const found = await inspect(path);
		if (found === undefined) continue;
		if (found.stale) {
			await breakStale(path, deadline, options);
			continue;
		}
		if (performance.now() >= deadline) throw locked(path, found.owner, options);
		// Jitter keeps waiters from meeting again and again.
		const waitMs = Math.min(delayMs * (0.5 + Math.random()), Math.max(1, deadline - performance.now()));
		await sleep(waitMs, undefined, options.signal === undefined ? {} : {signal: options.signal}).catch(
			(error: unknown) => {
				options.signal?.throwIfAborted();
				throw error;
			},
		);
	}
}

/** The lock appears with its content in it: a reader never sees a lock without an owner. Undefined when somebody holds it. */
async function create(path: string, owner: ProcessOwner): Promise<Held | undefined> {
	const text = JSON.stringify(owner);
	const beside = besideOf(path);
	try {
		await writeFile(beside, text, {flag: 'wx', mode: 0o644}).catch(async (error: unknown) => {
			if (systemCode(error) !== 'ENOENT') throw error;
			await mkdir(dirname(path), {recursive: true});
			await writeFile(beside, text, {flag: 'wx', mode: 0o644});
		});
		await link(beside, path);
		return {owner};
	} catch (error) {
		if (systemCode(error) === 'EEXIST') return undefined;
		if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(systemCode(error) ?? '')) return await createBare(path, owner);
		if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) {
			return await createWithoutLinks(path, owner);
		}
		throw ioError(error, 'lock', path);
	} finally {
		await unlink(beside).catch(() => undefined);
	}
}

/** File systems without hard links: a crash between the two steps leaves an empty lock, which ages away. */
async function createWithoutLinks(path: string, owner: ProcessOwner): Promise<Held | undefined> {
	try {
		await writeFile(path, JSON.stringify(owner), {flag: 'wx', mode: 0o644});
		return {owner};
	} catch (error) {
		if (systemCode(error) === 'EEXIST') return undefined;
		throw ioError(error, 'lock', path);
	}
}

/** Who makes room on a full disk needs the lock too: a file without content takes none. When its holder dies it ages away. */
async function createBare(path: string, owner: ProcessOwner): Promise<Held | undefined> {
	try {
		await mkdir(dirname(path), {recursive: true});
		const file = await open(path, 'wx', 0o644);
		try {
			return {owner, inode: (await file.stat()).ino};
		} finally {
			await file.close();
		}
	} catch (error) {
		if (systemCode(error) === 'EEXIST') return undefined;
		throw ioError(error, 'lock', path);
	}
}

interface Found {
	readonly owner: ProcessOwner | undefined;
	readonly stale: boolean;
}

async function inspect(path: string): Promise<Found | undefined> {
	try {
		return await ifExists(async () => {
			const owner = parseOwner(await readFile(path, 'latin1'));
			const state = owner === undefined ? 'unknown' : stateOf(owner);
			if (state !== 'unknown') return {owner, stale: state === 'dead'};
			const {mtimeMs} = await stat(path);
			return {owner, stale: Math.abs(Date.now() - mtimeMs) > silentMs};
		});
	} catch (error) {
		throw ioError(error, 'read the lock', path);
	}
}

/**
 * Removes the lock of a dead holder. Two processes that both saw it stale must not both remove it: the second would
 * remove the lock that a third has just taken. So it is looked at again and removed under a guard, which is a lock of the
 * same kind, and nobody but the guard's holder and the (dead) owner ever removes a lock.
 */
async function breakStale(path: string, deadline: number, options: LockOptions): Promise<void> {
	const guard = `${path}.break`;
	const held = await acquire(guard, createOwner(), deadline, options);
	try {
		if ((await inspect(path))?.stale === true) await unlink(path);
	} catch (error) {
		throw ioError(error, 'remove the stale lock', path);
	} finally {
		await release(guard, held);
	}
}

/** Removes the lock unless it was taken from us while this process was stopped for long. */
async function release(path: string, {owner, inode}: Held): Promise<void> {
	const isOurs = async (): Promise<boolean> => {
		if (inode !== undefined) return (await stat(path)).ino === inode;
		return parseOwner(await readFile(path, 'latin1'))?.token === owner.token;
	};
	if (await isOurs().catch(() => false)) await unlink(path).catch(() => undefined);
}

async function touch(path: string): Promise<void> {
	const now = new Date();
	await utimes(path, now, now).catch(() => undefined);
}

function locked(path: string, owner: ProcessOwner | undefined, options: LockOptions): SealError {
	const holder = owner === undefined ? 'another operation' : `process ${owner.pid}`;
	return new SealError('ERR_STORE_LOCKED', `${options.what ?? path} is held by ${holder}`, {
		hint: 'Wait for it to end, or end it; a lock of a process that died is taken over by itself.',
		details: {path, ...(owner === undefined ? {} : {pid: owner.pid})},
	});
}
