import {setMaxListeners} from 'node:events';
import type {Abortable} from '../../core/events.js';
import {type Digest, digestOf} from '../../oci/digest.js';
import {type BlobParts, partBytes} from '../content/part.js';
import {joinSwarm, type NeededBlob} from '../distribute/join.js';
import {countParts} from '../distribute/parts.js';
import {createSwarm} from '../distribute/swarm.js';
import type {SwarmLimits} from '../distribute/swarm-state.js';
import {createVirtualClock, type VirtualClock} from './clock.js';
import {gigabit, type SimulatedHost, type SimulatedWorld, type SimulationOptions, simulateWorld} from './world.js';

export interface Scenario extends Omit<SimulationOptions, 'clock' | 'hosts'>, Abortable {
	/** A number of equal hosts, or each by itself. */
	readonly hosts: number | readonly SimulatedHost[];
	/** Sizes of the blobs that every host is to get. */
	readonly blobSizes: readonly number[];
	readonly limits?: Partial<SwarmLimits> | undefined;
	/** The seed of all chance; default 1. */
	readonly seed?: number | undefined;
	/** Default: a clock that starts at 0. */
	readonly clock?: VirtualClock | undefined;
}

/** How a distribution went in virtual time. */
export interface Simulated {
	/** When the last host had everything. */
	readonly elapsedMs: number;
	/** When half of the hosts had. */
	readonly medianMs: number;
	/** What no way of sending could beat: all bytes over one link, and one part passed on until it is everywhere. */
	readonly boundMs: number;
	/** One source that sends everything to everybody. */
	readonly directMs: number;
	readonly operatorBytes: number;
	/** `operatorBytes` in copies of the whole. */
	readonly copies: number;
	/** The most that one host gave to others. */
	readonly mostGivenBytes: number;
	readonly hostsDone: number;
	readonly failures: ReadonlyMap<string, unknown>;
	readonly world: SimulatedWorld;
}

/** Runs the code that distributes to real hosts over simulated ones. */
export async function simulateDistribution(scenario: Scenario): Promise<Simulated> {
	const {blobSizes, limits, signal, seed = 1, clock = createVirtualClock()} = scenario;
	if (signal !== undefined) setMaxListeners(0, signal);
	const specs = typeof scenario.hosts === 'number' ? equalHosts(scenario.hosts) : scenario.hosts;
	const world = simulateWorld({...scenario, clock, hosts: specs});
	const blobs = blobSizes.map(syntheticBlob);
	const needed = blobs.map(
		(blob): NeededBlob => ({query: {blob: blob.blob, partCount: blob.parts.length}, parts: async () => blob}),
	);
	const swarm = createSwarm(world, {expectedHosts: specs.length, limits, random: createRandom(seed), signal});
	const times: number[] = [];
	const failures = new Map<string, unknown>();
	const work = async (): Promise<void> => {
		const joins = world.hosts.map(async host => {
			try {
				await joinSwarm(swarm, host, needed, {signal});
				times.push(clock.now());
			} catch (error) {
				failures.set(host.name, error);
			}
		});
		await Promise.all(joins);
		await swarm.close();
		signal?.throwIfAborted();
	};
	await clock.run(work());
	const sizeBytes = blobSizes.reduce((sum, size) => sum + size, 0);
	const uplinkBps = scenario.uplinkBps ?? gigabit;
	const slowestBps = Math.min(uplinkBps, ...specs.map(({downBps = gigabit}) => downBps));
	const partMs = (Math.min(partBytes, sizeBytes) * 8000) / slowestBps;
	return {
		elapsedMs: times.at(-1) ?? 0,
		medianMs: times[times.length >> 1] ?? 0,
		boundMs: (sizeBytes * 8000) / slowestBps + partMs * Math.ceil(Math.log2(specs.length)),
		directMs: (sizeBytes * specs.length * 8000) / uplinkBps,
		operatorBytes: world.operator.sentBytes,
		copies: world.operator.sentBytes / Math.max(1, sizeBytes),
		mostGivenBytes: [...world.links.values()].reduce((most, link) => Math.max(most, link.sentBytes), 0),
		hostsDone: times.length,
		failures,
		world,
	};
}

/** A blob that is nowhere but has a size and digests. */
export function syntheticBlob(sizeBytes: number, number: number): BlobParts {
	const blob = digestOf(`blob ${number} of ${sizeBytes} bytes`);
	const parts = Array.from({length: countParts(sizeBytes)}, (_, index) => ({
		blob,
		index,
		sizeBytes: Math.min(partBytes, sizeBytes - index * partBytes),
		digest: digestOf(`${blob} part ${index}`) as Digest,
	}));
	return {blob, sizeBytes, mediaType: 'application/octet-stream', parts};
}

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

function equalHosts(count: number): readonly SimulatedHost[] {
	return Array.from({length: count}, (_, number) => ({name: `host-${number}`}));
}
