import {mkdir, readFile, rm} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {withLock} from '../../core/lock.js';
import {createOwner, type ProcessOwner, parseOwner, stateOf} from '../../core/process-owner.js';
import {clusterPlaces} from './places.js';
import {isObject} from './shape.js';

/** Who works on a host. */
export interface LockOwner {
	/** A person's name, for people. */
	readonly who: string;
	/** The machine that the operator sits at. */
	readonly from: string;
}

export interface LockRequest extends LockOwner {
	readonly cluster: string;
	/** Made by chance for one run: its new session takes over from one whose connection was cut, and that does not know it yet. */
	readonly run: string;
}

export interface TakeLockOptions extends Abortable {
	/** How long to wait for whoever has it. Default: not at all. */
	readonly waitMs?: number | undefined;
	/** Milliseconds since 1970. */
	readonly now?: (() => number) | undefined;
}

/** Gives the lock back. Safe to call twice; never rejects. */
export type Release = () => Promise<void>;

/**
 * Takes this host for one operator. The lock is held by the process that calls, which lives as long as the session of the operator: when
 * either dies, or the host is started anew, nobody holds it any more.
 * @throws SealError ERR_CLUSTER_LOCKED with who has it, from where and since when
 */
export async function takeLock(
	root: string,
	request: LockRequest,
	{waitMs = 0, now = Date.now, signal}: TakeLockOptions = {},
): Promise<Release> {
	const {folder, lock} = clusterPlaces(root);
	await withIo('make', folder, () => mkdir(folder, {recursive: true, mode: 0o700}));
	const guarded = <R>(work: () => Promise<R>): Promise<R> =>
		withLock(`${lock}.guard`, work, {what: 'the lock of the host', signal});
	const deadline = performance.now() + waitMs;
	const owner = createOwner();
	for (;;) {
		signal?.throwIfAborted();
		const holder = await guarded(async () => {
			const found = await readLock(lock);
			if (found !== undefined && found.run !== request.run && !isDead(found.process)) return found;
			const {who, from, cluster, run} = request;
			const held: HeldLock = {process: owner, who, from, cluster, run, since: new Date(now()).toISOString()};
			// A lock need not survive a power cut: nobody who held it does.
			await writeFileAtomic(lock, JSON.stringify(held), {mode: 0o600, sync: false});
			return undefined;
		});
		if (holder === undefined) return () => release(lock, owner, guarded);
		const leftMs = deadline - performance.now();
		if (leftMs <= 0) throw lockedBy(holder);
		await sleep(Math.min(pollMs, leftMs), undefined, signal === undefined ? {} : {signal}).catch((error: unknown) => {
			signal?.throwIfAborted();
			throw error;
		});
	}
}

const pollMs = 500;

interface HeldLock extends LockRequest {
	readonly process: ProcessOwner;
	readonly since: string;
}

/** Undefined when nobody has it, and for what is no lock. */
async function readLock(path: string): Promise<HeldLock | undefined> {
	const content = await withIo('read the lock', path, () => ifExists(() => readFile(path, 'utf8')));
	if (content === undefined) return undefined;
	try {
		const value: unknown = JSON.parse(content);
		if (!isObject(value)) return undefined;
		const {who, from, cluster, run, since} = value;
		const process = parseOwner(JSON.stringify(value.process));
		const isText = [who, from, cluster, run, since].every(part => typeof part === 'string');
		return isText && process !== undefined ? ({who, from, cluster, run, since, process} as HeldLock) : undefined;
	} catch {
		return undefined;
	}
}

/** A process of another boot of this host cannot be alive. Of one in another container nobody here knows. */
function isDead(owner: ProcessOwner): boolean {
	return owner.bootId !== createOwner().bootId || stateOf(owner) === 'dead';
}

async function release(
	path: string,
	{token}: ProcessOwner,
	guarded: <R>(work: () => Promise<R>) => Promise<R>,
): Promise<void> {
	const isOurs = async (): Promise<boolean> => (await readLock(path))?.process.token === token;
	try {
		// Where the host was put back as it was, the guard must not make the folder anew.
		if (!(await isOurs())) return;
		await guarded(async () => {
			if (await isOurs()) await rm(path, {force: true});
		});
	} catch {
		// The holder is about to end, and a lock of a process that has ended holds nobody up.
	}
}

function lockedBy({who, from, cluster, since}: HeldLock): SealError {
	return new SealError(
		'ERR_CLUSTER_LOCKED',
		`${who} works on the host from ${from}, for "${cluster}", since ${since}`,
		{
			hint: 'Wait until that is done; what an operator held whose machine died is free after two minutes.',
			details: {who, from, cluster, since},
		},
	);
}
