import {setTimeout as sleep} from 'node:timers/promises';
import {emit, type OperationOptions} from '../../core/events.js';
import {createGate} from '../../core/pool.js';
import type {Resolver} from '../../oci/content.js';
import type {Digest} from '../../oci/digest.js';
import {parsePlatform} from '../../oci/platform.js';
import {openAgent} from '../agent/connection.js';
import type {AgentConnection} from '../agent/protocol.js';
import type {UnpackedImage} from '../content/content.js';
import type {BlobParts} from '../content/part.js';
import {eachHost, type HostOutcome} from '../host/each.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import {type AgentHost, createAgentHost} from './agent-host.js';
import {readPlannedImage} from './image.js';
import {joinSwarm, type NeededBlob} from './join.js';
import {countParts, type PartSource, partsOf} from './parts.js';
import {distinctBlobs, type ImageNeed, type PlannedBlob, type PlannedImage, planImage, servesRegistry} from './plan.js';
import {maxSlowest} from './progress.js';
import {lookIntoLayers} from './registry-layers.js';
import {createSwarm, type Swarm} from './swarm.js';
import type {SwarmLimits} from './swarm-state.js';
import {openUplink} from './uplink.js';

export interface DistributeOptions extends OperationOptions {
	/** Names, digests or short digests of images in the store. */
	readonly images: readonly string[];
	readonly hosts: readonly HostTarget[];
	readonly store: PartSource & Resolver;
	readonly open: OpenTransport;
	/** How many hosts are logged in to at once; default 32. All of them stay connected until the end. */
	readonly concurrency?: number | undefined;
	/** Brings the agent to a host that has none or another one. Without it such a host fails with ERR_AGENT_MISSING. */
	readonly installAgent?: ((transport: Transport, target: HostTarget) => Promise<void>) | undefined;
	/** Where agents are and keep their content, when not in the usual places. */
	readonly agent?: {readonly path?: string | undefined; readonly root?: string | undefined} | undefined;
	readonly limits?: Partial<SwarmLimits> | undefined;
}

/** What one host got. */
export interface HostDistributed {
	/** `linux/amd64`. */
	readonly platform: string;
	/** What it needs of the images, and what of it was missing. */
	readonly neededBytes: number;
	readonly movedBytes: number;
	/** Of `movedBytes`: from other hosts, and from the operator. */
	readonly fetchedBytes: number;
	readonly sentBytes: number;
	readonly images: readonly (UnpackedImage & {readonly name: string; readonly manifest: Digest})[];
}

export interface Distributed {
	readonly outcomes: readonly HostOutcome<HostDistributed>[];
	/** What left the operator. */
	readonly sentBytes: number;
	readonly elapsedMs: number;
}

/**
 * Brings images of the store to hosts and unpacks them there: only what each lacks, from host to host wherever they reach each
 * other. The failure of one host is that host's outcome; the others get everything. An interrupted run goes on where it was
 * when it is started again.
 * @throws SealError ERR_IMAGE_UNKNOWN and others about the operator's own images; the signal's reason
 */
export async function distribute(options: DistributeOptions): Promise<Distributed> {
	const started = performance.now();
	const run = createRun(options);
	for (const image of options.images) await options.store.resolve(image, options);
	const stopReporting = reportProgress(run, started);
	try {
		const targets = options.hosts.map(target => ({host: target.name, target}));
		const outcomes = await eachHost(targets, ({target}) => bringCounted(run, target), {
			signal: options.signal,
			concurrency: targets.length,
		});
		await Promise.all([...run.kept].map(([connection, needs]) => dropKept(connection, needs, options)));
		return {outcomes, sentBytes: run.sentBytes, elapsedMs: Math.round(performance.now() - started)};
	} finally {
		stopReporting();
		await run.swarm.close();
		await Promise.all([...run.closers].map(close => close().catch(() => undefined)));
	}
}

interface Run {
	readonly options: DistributeOptions;
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

function createRun(options: DistributeOptions): Run {
	const {store, hosts, images, signal, limits} = options;
	// Hosts that need everything make no difference between layers.
	const lookInto = hosts.every(({roles}) => servesRegistry(roles)) ? undefined : lookIntoLayers(store, {signal});
	const imagesFor = memo(async (platform: string) =>
		Promise.all(images.map(image => readPlannedImage(store, image, parsePlatform(platform), {signal, lookInto}))),
	);
	const parts = new Map<Digest, Promise<BlobParts>>();
	return {
		options,
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

function memo<T>(make: (key: string) => Promise<T>): (key: string) => Promise<T> {
	const made = new Map<string, Promise<T>>();
	return key => {
		const found = made.get(key) ?? make(key);
		made.set(key, found);
		return found;
	};
}

async function bringCounted(run: Run, target: HostTarget): Promise<HostDistributed> {
	try {
		return await bring(run, target);
	} catch (error) {
		run.failedHosts++;
		throw error;
	} finally {
		run.open.delete(target.name);
	}
}

/** Everything for one host, from the login to the trees of its images. */
async function bring(run: Run, target: HostTarget): Promise<HostDistributed> {
	const {options, swarm} = run;
	const {signal} = options;
	const transport = options.open(target);
	run.closers.add(() => transport.close());
	const connection = await run.gate.run(() => connect(run, transport, target));
	run.closers.add(() => connection.close());
	const {platform} = connection.identity;
	const needs = (await run.imagesFor(platform)).map(image => planImage(image, target.roles));
	const blobs = distinctBlobs(needs);
	const announced: BlobParts[] = [];
	const host = hostOf(run, target, transport, connection, blobs, announced);
	run.closers.add(() => host.close());
	const needed = blobs.map(
		(blob): NeededBlob => ({
			query: {
				blob: blob.descriptor.digest,
				partCount: countParts(blob.descriptor.size),
				...(blob.diffId === undefined ? {} : {diffId: blob.diffId}),
			},
			async parts() {
				const parts = await run.partsOf(blob);
				announced.push(parts);
				return parts;
			},
		}),
	);
	const totals = await joinSwarm(swarm, host, needed, {signal});
	const keepBlobs = run.open.size > 1;
	if (keepBlobs) run.kept.set(connection, needs);
	const images: HostDistributed['images'][number][] = [];
	for (const {unpack} of needs) {
		const unpacked = (await connection.call('unpack', {...unpack, keepBlobs}, {signal})) as UnpackedImage;
		images.push({...checkUnpacked(target.name, unpacked), name: unpack.name, manifest: unpack.manifest});
	}
	return {
		platform,
		neededBytes: blobs.reduce((sum, {descriptor}) => sum + descriptor.size, 0),
		movedBytes: totals.wantedBytes,
		fetchedBytes: totals.fetchedBytes,
		sentBytes: totals.sentBytes,
		images,
	};
}

/** An agent, brought there first when there is none. */
async function connect({options}: Run, transport: Transport, target: HostTarget): Promise<AgentConnection> {
	const agent = {...options.agent, signal: options.signal};
	try {
		return await openAgent(transport, agent);
	} catch (error) {
		const isInstallable =
			error instanceof HostError && (error.code === 'ERR_AGENT_MISSING' || error.code === 'ERR_AGENT_PROTOCOL');
		if (options.installAgent === undefined || !isInstallable) throw error;
	}
	await options.installAgent(transport, target);
	return await openAgent(transport, agent);
}

function hostOf(
	run: Run,
	target: HostTarget,
	transport: Transport,
	connection: AgentConnection,
	blobs: readonly PlannedBlob[],
	announced: readonly BlobParts[],
): AgentHost {
	const {store, agent, signal} = run.options;
	return createAgentHost({
		name: target.name,
		address: target.address,
		connection,
		blobs: blobs.map(({descriptor}) => descriptor),
		announced: () => announced,
		openUplink: () =>
			openUplink({
				transport,
				store,
				blobs: announced,
				...agent,
				signal,
				onBytes: count => {
					run.sentBytes += count;
				},
			}),
	});
}

/** Blobs that were kept for others go. They only take space: what fails here is left to the next run. */
async function dropKept(
	connection: AgentConnection,
	needs: readonly ImageNeed[],
	options: DistributeOptions,
): Promise<void> {
	for (const {unpack} of needs) {
		try {
			await connection.call('unpack', unpack, {signal: options.signal});
		} catch (error) {
			options.signal?.throwIfAborted();
			emit(options, {
				type: 'warning',
				code: 'ERR_DISTRIBUTE',
				message: `${connection.host} keeps blobs that it does not need: ${(error as Error).message}`,
			});
			return;
		}
	}
}

/** @throws HostError ERR_DISTRIBUTE */
function checkUnpacked(host: string, value: unknown): UnpackedImage {
	const {path, unpacked, files, bytes} = (value ?? {}) as Partial<UnpackedImage>;
	if (typeof path === 'string' && path.length < 4096 && [unpacked, files, bytes].every(n => Number.isSafeInteger(n)))
		return {path, unpacked: unpacked!, files: files!, bytes: bytes!};
	throw new HostError(host, 'ERR_DISTRIBUTE', 'What it says of an image that it unpacked makes no sense');
}

const reportMs = 200;

/** One step for all of it: bytes that hosts lacked, hosts that are done, and those that lack most. */
function reportProgress(run: Run, startedMs: number): () => void {
	const {options, swarm} = run;
	if (options.onEvent === undefined) return () => undefined;
	const id = 'distribute';
	const title = `Distribute ${options.images.join(', ')}`;
	const totalHosts = options.hosts.length;
	emit(options, {type: 'step.started', id, title});
	const report = (): void => {
		const {doneBytes, totalBytes, slowest} = swarm.progress();
		const others = [...run.open].slice(0, maxSlowest);
		if (totalBytes > 0) emit(options, {type: 'blob.progress', id, doneBytes, totalBytes});
		emit(options, {
			type: 'hosts.progress',
			id,
			title,
			totalHosts,
			doneHosts: totalHosts - run.open.size,
			failedHosts: run.failedHosts,
			slowest: slowest.length > 0 ? slowest.map(({host}) => host) : others,
		});
	};
	const timer = setInterval(report, reportMs);
	timer.unref();
	return () => {
		clearInterval(timer);
		report();
		const sizeBytes = swarm.progress().doneBytes;
		const elapsedMs = Math.round(performance.now() - startedMs);
		emit(options, {type: 'step.finished', id, title, ...(sizeBytes > 0 ? {sizeBytes} : {}), elapsedMs});
	};
}
