import {hasCode} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {AgentConnection} from '../agent/protocol.js';
import type {UnpackedImage, UnpackRequest} from '../content/content.js';
import type {BlobParts} from '../content/part.js';
import {eachHost, type HostOutcome} from '../host/each.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import type {Transport} from '../transport/transport.js';
import {type AgentHost, createAgentHost} from './agent-host.js';
import {joinSwarm, type NeededBlob} from './join.js';
import {distinctBlobs, type ImageNeed, type PlannedBlob, planImage, queryOf} from './plan.js';
import {reportProgress} from './report.js';
import {connect, createRun, type DistributeOptions, type Run} from './run.js';
import {findSettled} from './settled.js';
import {openUplink} from './uplink.js';

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
export async function distribute(given: DistributeOptions): Promise<Distributed> {
	const started = performance.now();
	const run = await createRun(given);
	const {options} = run;
	const stopReporting = reportProgress(run, started);
	try {
		const targets = options.hosts.map(target => ({host: target.name, target}));
		const outcomes = await eachHost(targets, ({target}) => bringCounted(run, target), {
			signal: options.signal,
			concurrency: targets.length,
			onOutcome: options.onHost,
		});
		await Promise.all([...run.kept].map(([connection, needs]) => dropKept(connection, needs, options)));
		return {outcomes, sentBytes: run.sentBytes, elapsedMs: Math.round(performance.now() - started)};
	} finally {
		stopReporting();
		await run.swarm.close();
		await Promise.all([...run.closers].map(close => close()));
	}
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
	const closers: Array<() => Promise<void>> = [() => transport.close()];
	run.closers.add(() => closeInTurn(closers));
	const settled = await run.gate.run(() => findSettled(run, transport, target));
	if (settled !== undefined) return {...settled, movedBytes: 0, fetchedBytes: 0, sentBytes: 0};
	const connection = await run.gate.run(() => connect(run, transport, target));
	closers.unshift(() => connection.close());
	const {platform} = connection.identity;
	const needs = (await run.imagesFor(platform)).map(image => planImage(image, target.roles));
	const blobs = distinctBlobs(needs);
	const announced: BlobParts[] = [];
	const host = hostOf(run, target, transport, connection, blobs, announced);
	closers.unshift(() => host.close());
	const needed = blobs.map(
		(blob): NeededBlob => ({
			query: queryOf(blob),
			async parts() {
				const parts = await run.partsOf(blob);
				announced.push(parts);
				return parts;
			},
		}),
	);
	const {totals, isGiver} = await joinSwarm(swarm, host, needed, {signal});
	const keepBlobs = isGiver && run.open.size > 1;
	const images: HostDistributed['images'][number][] = [];
	for (const {unpack} of needs) {
		const unpacked = await unpackOn(connection, unpack, keepBlobs, options);
		images.push({...checkUnpacked(target.name, unpacked), name: unpack.name, manifest: unpack.manifest});
	}
	// What an image brings makes the host look at those again that were unpacked before it: see content/statement.ts.
	if (keepBlobs || (needs.length > 1 && isGiver)) run.kept.set(connection, needs);
	return {
		platform,
		neededBytes: blobs.reduce((sum, {descriptor}) => sum + descriptor.size, 0),
		movedBytes: totals.wantedBytes,
		fetchedBytes: totals.fetchedBytes,
		sentBytes: totals.sentBytes,
		images,
	};
}

/** The channels of a connection end before the connection does. What cannot be closed is closed with what is below it. */
async function closeInTurn(closers: readonly (() => Promise<void>)[]): Promise<void> {
	for (const close of closers) await close().catch(() => undefined);
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

/** Blobs stay for others while there is room for them beside what is in them; who asks for one that is gone gets it elsewhere. */
async function unpackOn(
	connection: AgentConnection,
	unpack: UnpackRequest,
	keepBlobs: boolean,
	{signal}: DistributeOptions,
): Promise<unknown> {
	try {
		return await connection.call('unpack', {...unpack, keepBlobs}, {signal});
	} catch (error) {
		if (!keepBlobs || !hasCode(error, 'ERR_NO_SPACE')) throw error;
		return await connection.call('unpack', {...unpack, keepBlobs: false}, {signal});
	}
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
