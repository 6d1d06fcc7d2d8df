import {setMaxListeners} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import type {OperationOptions} from '../../core/events.js';
import {createGate} from '../../core/pool.js';
import type {Resolver} from '../../oci/content.js';
import type {Digest} from '../../oci/digest.js';
import {parsePlatform} from '../../oci/platform.js';
import type {AgentBundle} from '../agent/bundle/bundle.js';
import {openAgent} from '../agent/connection.js';
import {ensureAgent} from '../agent/ensure.js';
import type {AgentConnection} from '../agent/protocol.js';
import type {BlobParts} from '../content/part.js';
import type {HostOutcome} from '../host/each.js';
import type {HostTarget} from '../host/target.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import type {HostDistributed} from './distribute.js';
import {nameOnHosts, readPlannedImage} from './image.js';
import {type PartSource, partsOf} from './parts.js';
import {type ImageNeed, type PlannedBlob, type PlannedImage, servesRegistry} from './plan.js';
import {lookIntoLayers} from './registry-layers.js';
import {createSwarm, type Swarm} from './swarm.js';
import type {SwarmLimits} from './swarm-state.js';

export interface DistributeOptions extends OperationOptions {
	/** Names, digests or short digests of images in the store. */
	readonly images: readonly string[];
	readonly hosts: readonly HostTarget[];
	readonly store: PartSource & Resolver;
	readonly open: OpenTransport;
	/** How many hosts are logged in to at once; default 32. All of them stay connected until the end. */
	readonly concurrency?: number | undefined;
	/** Brings the agent to a host that has none or another one. Without it a host without agent fails with ERR_AGENT_MISSING. */
	readonly installAgent?: ((transport: Transport, target: HostTarget) => Promise<void>) | undefined;
	/** The agent that hosts should have, for `installAgent`. Without it any agent will do that speaks our protocol. */
	readonly agentBundle?: ((platform: string) => Promise<AgentBundle>) | undefined;
	/** Where agents are and keep their content, when not in the usual places. */
	readonly agent?: {readonly path?: string | undefined; readonly root?: string | undefined} | undefined;
	readonly limits?: Partial<SwarmLimits> | undefined;
	/** Called with the outcome of each host as soon as it has everything, or has failed; the others go on. */
	readonly onHost?: ((outcome: HostOutcome<HostDistributed>) => void) | undefined;
}

/** What the hosts of one distribution share. */
export interface Run {
	readonly options: DistributeOptions;
	/** What the images are called on hosts. */
	readonly names: readonly string[];
	readonly swarm: Swarm;
	readonly gate: ReturnType<typeof createGate>;
	readonly imagesFor: (platform: string) => Promise<readonly PlannedImage[]>;
	readonly partsOf: (blob: PlannedBlob) => Promise<BlobParts>;
	/** What has to be closed in the end. */
	readonly closers: Set<() => Promise<void>>;
	/** Hosts that keep blobs for others as long as those need them. */
	readonly kept: Map<AgentConnection, readonly ImageNeed[]>;
	/** Hosts that have not got everything yet. */
	readonly open: Set<string>;
	failedHosts: number;
	sentBytes: number;
}

/** @throws SealError ERR_IMAGE_UNKNOWN */
export async function createRun(given: DistributeOptions): Promise<Run> {
	const options = {...given, signal: forMany(given.signal), onEvent: warnOnce(given.onEvent)};
	const {store, hosts, images, signal, limits} = options;
	const names: string[] = [];
	for (const image of images) names.push(nameOnHosts(image, (await store.resolve(image, {signal})).digest));
	// Hosts that need everything make no difference between layers.
	const lookInto = hosts.every(({roles}) => servesRegistry(roles)) ? undefined : lookIntoLayers(store, {signal});
	const imagesFor = memo(async (platform: string) =>
		Promise.all(images.map(image => readPlannedImage(store, image, parsePlatform(platform), {signal, lookInto}))),
	);
	const parts = new Map<Digest, Promise<BlobParts>>();
	return {
		options,
		names,
		swarm: createSwarm(
			{now: () => performance.now(), sleep: (ms, abortable) => sleep(ms, undefined, {...abortable, ref: false})},
			{expectedHosts: hosts.length, limits, signal},
		),
		gate: createGate(options.concurrency ?? 32),
		imagesFor,
		async partsOf({descriptor, diffId}) {
			const known = parts.get(descriptor.digest) ?? partsOf(store, descriptor, diffId, {signal});
			parts.set(descriptor.digest, known);
			return await known;
		},
		closers: new Set(),
		kept: new Map(),
		open: new Set(hosts.map(host => host.name)),
		failedHosts: 0,
		sentBytes: 0,
	};
}

/** The same signal, for as many listeners as there are hosts and transfers: Node warns of more than ten as of a leak. */
function forMany(signal: AbortSignal | undefined): AbortSignal | undefined {
	if (signal === undefined) return undefined;
	const own = AbortSignal.any([signal]);
	setMaxListeners(0, own);
	return own;
}

/** What is wrong with the agent that all hosts should have is said once, not for each of them. */
function warnOnce(onEvent: DistributeOptions['onEvent']): DistributeOptions['onEvent'] {
	if (onEvent === undefined) return undefined;
	const said = new Set<string>();
	return event => {
		if (event.type !== 'warning') return onEvent(event);
		if (said.has(event.message)) return undefined;
		said.add(event.message);
		return onEvent(event);
	};
}

function memo<T>(make: (key: string) => Promise<T>): (key: string) => Promise<T> {
	const made = new Map<string, Promise<T>>();
	return key => {
		const found = made.get(key) ?? make(key);
		made.set(key, found);
		return found;
	};
}

/** An agent, brought there first when there is none, or another one than there should be. */
export async function connect({options}: Run, transport: Transport, target: HostTarget): Promise<AgentConnection> {
	const {installAgent, agentBundle: bundle, agent, signal, onEvent} = options;
	if (installAgent === undefined) return await openAgent(transport, {...agent, signal});
	const install = (): Promise<void> => installAgent(transport, target);
	return await ensureAgent(transport, {...agent, signal, onEvent, bundle, install});
}
