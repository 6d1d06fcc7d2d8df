import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {BlobState} from '../content/content.js';
import type {BlobParts} from '../content/part.js';
import {HostError} from '../host/error.js';
import {createPace} from './pace.js';
import {createPeer, type Peer, type PeerTotals} from './peer.js';
import {type SwarmProgress, swarmProgress} from './progress.js';
import {
	addHave,
	addParts,
	addWant,
	createSwarmState,
	growPeer,
	refresh,
	type SwarmLimits,
	startServing,
} from './swarm-state.js';
import {fail, lose, pump, type Running, review} from './transfers.js';
import type {DistributionHost, DistributionWorld} from './world.js';

export interface SwarmOptions extends Abortable {
	/** How many hosts will join. */
	readonly expectedHosts: number;
	readonly limits?: Partial<SwarmLimits> | undefined;
	/** Numbers from 0 to below 1; default Math.random. */
	readonly random?: (() => number) | undefined;
}

/** What a host should have and what of it is there. The parts are needed only while something is missing somewhere. */
export interface Want {
	readonly state: BlobState;
	readonly blob?: BlobParts | undefined;
}

/**
 * Hosts that bring each other content. A host joins when it is known what it has; it gets what it lacks from others that have
 * it or, when none has, from the operator, and goes on giving until the swarm is closed.
 */
export interface Swarm {
	/**
	 * Resolves once the host has everything that it wants. What is not whole needs `blob`.
	 * @throws HostError when the host is lost; what the operator's own store throws; the signal's reason
	 */
	join(host: DistributionHost, wants: readonly Want[]): Promise<PeerTotals>;
	progress(): SwarmProgress;
	/** Ends what is under way and resolves when nothing is. Who still waits in `join` gets ERR_ABORTED. */
	close(): Promise<void>;
}

const defaultLimits: SwarmLimits = {fetches: 3, uploads: 3, sends: 4, copies: 3};
const tickMs = 1000;

interface Context extends Running {
	readonly expectedHosts: number;
	/** The number of the first part of each blob that is known. */
	readonly blobs: Map<Digest, {readonly first: number; readonly blob: BlobParts}>;
	/** Wholes and partials of hosts whose parts nobody needed to know so far. */
	readonly unread: Map<Digest, Map<Peer, BlobState>>;
	/** Hosts that need not listen before somebody wants something. */
	readonly resting: Set<Peer>;
	readonly background: Set<Promise<void>>;
	isActive: boolean;
}

export function createSwarm(world: Pick<DistributionWorld, 'now' | 'sleep'>, options: SwarmOptions): Swarm {
	const {expectedHosts, random = Math.random, signal} = options;
	const limits = {...defaultLimits, ...options.limits};
	const pace = createPace();
	const isFew = expectedHosts <= limits.copies;
	const context: Context = {
		state: createSwarmState(limits, expectedHosts, random, pace.isPoorSource),
		pace,
		now: () => world.now(),
		lostCount: 0,
		failure: undefined,
		expectedHosts,
		blobs: new Map(),
		unread: new Map(),
		resting: new Set(),
		background: new Set(),
		isActive: false,
	};
	const stop = new AbortController();
	const ticking = tick(context, world, isFew ? tickMs / 10 : tickMs, stop.signal);
	const onAbort = (): void => fail(context, signal?.reason);
	if (signal?.aborted === true) onAbort();
	else signal?.addEventListener('abort', onAbort, {once: true});
	return {
		join: (host, wants) => join(context, host, wants, options),
		progress: () => swarmProgress(context.state, context.lostCount),
		async close() {
			signal?.removeEventListener('abort', onAbort);
			fail(context, new SealError('ERR_ABORTED', 'The distribution was ended'));
			stop.abort();
			await Promise.all([...context.state.running].map(transfer => transfer.settled));
			await Promise.all([ticking, ...context.background]);
		},
	};
}

async function tick(
	context: Context,
	world: Pick<DistributionWorld, 'sleep'>,
	ms: number,
	signal: AbortSignal,
): Promise<void> {
	while (!signal.aborted) {
		await world.sleep(ms, {signal}).catch(() => undefined);
		if (!signal.aborted) review(context);
	}
}

async function join(
	context: Context,
	host: DistributionHost,
	wants: readonly Want[],
	options: SwarmOptions,
): Promise<PeerTotals> {
	const {state} = context;
	if (context.failure !== undefined) throw context.failure.reason;
	for (const {blob, state: there} of wants) if (blob !== undefined && isIncomplete(there)) learn(context, blob);
	const lacking = wants.flatMap(want => missingIds(context, want));
	const wantedBytes = lacking.reduce((sum, id) => sum + state.parts[id]!.part.sizeBytes, 0);
	const {promise, settle} = deferred();
	const peer = createPeer(host, state.parts.length, wantedBytes, settle);
	peer.missing = lacking.length;
	state.peers.add(peer);
	for (const {state: there} of wants) noteThere(context, peer, there);
	if (lacking.length > 0) wakeAll(context, options);
	if (lacking.length > 0 || context.isActive) await beginServing(context, peer, options);
	else context.resting.add(peer);
	if (lacking.length === 0) return peer.totals;
	if (context.failure === undefined && !peer.lost) {
		for (const id of lacking) addWant(state, peer, id);
		refresh(state, peer);
		pump(context, peer);
	}
	await promise;
	return peer.totals;
}

/** The parts of a blob get numbers, and who has it is known from now on. */
function learn(context: Context, blob: BlobParts): void {
	if (context.blobs.has(blob.blob)) return;
	context.blobs.set(blob.blob, {first: context.state.parts.length, blob});
	addParts(
		context.state,
		blob.parts.map(part => ({blob, part})),
	);
	for (const [peer, there] of context.unread.get(blob.blob) ?? []) noteThere(context, peer, there);
	context.unread.delete(blob.blob);
}

function noteThere(context: Context, peer: Peer, there: BlobState): void {
	if (there.state === 'absent' || there.state === 'unpacked') return;
	const known = context.blobs.get(there.blob);
	if (known === undefined) {
		const waiting = context.unread.get(there.blob) ?? new Map<Peer, BlobState>();
		context.unread.set(there.blob, waiting.set(peer, there));
		return;
	}
	growPeer(peer, context.state.parts.length);
	const count = known.blob.parts.length;
	if (there.state === 'whole') for (let i = 0; i < count; i++) addHave(context.state, peer, known.first + i);
	// A host may say what it likes; numbers that mean nothing are passed over.
	else
		for (const index of new Set(there.parts))
			if (isIndex(index, count)) addHave(context.state, peer, known.first + index);
	refresh(context.state, peer);
}

function missingIds(context: Context, {blob, state: there}: Want): number[] {
	if (blob === undefined || !isIncomplete(there)) return [];
	const {first} = context.blobs.get(blob.blob)!;
	const here = new Set(there.parts);
	return blob.parts.filter(part => !here.has(part.index)).map(part => first + part.index);
}

function isIncomplete({state}: BlobState): boolean {
	return state === 'absent' || state === 'partial';
}

function isIndex(value: number, count: number): boolean {
	return Number.isInteger(value) && value >= 0 && value < count;
}

/** Somebody wants something: hosts that have content begin to give it. */
function wakeAll(context: Context, options: SwarmOptions): void {
	context.isActive = true;
	for (const peer of context.resting) {
		const work = beginServing(context, peer, options).finally(() => context.background.delete(work));
		context.background.add(work);
	}
	context.resting.clear();
}

async function beginServing(context: Context, peer: Peer, {signal}: SwarmOptions): Promise<void> {
	if (context.expectedHosts < 2) return;
	try {
		const serves = await peer.host.serve({signal});
		if (!serves || peer.lost || context.failure !== undefined) return;
	} catch (error) {
		if (error instanceof HostError && error.host === peer.host.name) lose(context, peer, error);
		return;
	}
	const {state} = context;
	startServing(state, peer);
	refresh(state, peer);
	pump(context, peer);
}

function deferred(): {readonly promise: Promise<void>; readonly settle: Peer['settle']} {
	let settle: Peer['settle'] | undefined;
	const promise = new Promise<void>((resolve, reject) => {
		settle = {resolve, reject};
	});
	// A host may be lost before anybody waits for it.
	promise.catch(() => undefined);
	return {promise, settle: settle!};
}
