import type {Digest} from '../../oci/digest.js';
import {partBytes} from '../content/part.js';
import {eachHost, type HostOutcome} from '../host/each.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import {askHave} from './agent-host.js';
import {distinctBlobs, planImage, queryOf} from './plan.js';
import {connect, createRun, type DistributeOptions, type Run} from './run.js';
import {findSettled} from './settled.js';

/** What a distribution would do on one host. */
export interface HostPreview {
	/** Undefined when there is no agent that could tell. */
	readonly platform?: string | undefined;
	/** The agent would be brought there first, and what the host has is not known. */
	readonly lacksAgent: boolean;
	readonly neededBytes: number;
	readonly missingBytes: number;
	readonly missingBlobs: number;
}

export interface Preview {
	readonly outcomes: readonly HostOutcome<HostPreview>[];
	/** What no host has and the operator would send, once. */
	readonly sentBytes: number;
}

/** Looks at hosts as `distribute` would, and changes nothing. @throws as `distribute` */
export async function previewDistribution(given: DistributeOptions): Promise<Preview> {
	const run = await createRun({...given, installAgent: undefined});
	const {options} = run;
	const wanted = new Map<Digest, number>();
	const present = new Set<Digest>();
	try {
		const targets = options.hosts.map(target => ({host: target.name, target}));
		const outcomes = await eachHost(targets, ({target}) => look(run, target, wanted, present), {
			signal: options.signal,
			concurrency: options.concurrency,
		});
		const sentBytes = [...wanted].reduce((sum, [blob, size]) => (present.has(blob) ? sum : sum + size), 0);
		return {outcomes, sentBytes};
	} finally {
		await run.swarm.close();
	}
}

async function look(
	run: Run,
	target: HostTarget,
	wanted: Map<Digest, number>,
	present: Set<Digest>,
): Promise<HostPreview> {
	const transport = run.options.open(target);
	try {
		const settled = await findSettled(run, transport, target);
		if (settled !== undefined) {
			const {platform, neededBytes} = settled;
			return {platform, lacksAgent: false, neededBytes, missingBytes: 0, missingBlobs: 0};
		}
		const connection = await connect(run, transport, target);
		const {platform} = connection.identity;
		const blobs = distinctBlobs((await run.imagesFor(platform)).map(image => planImage(image, target.roles)));
		const {states} = await askHave(connection, blobs.map(queryOf), {signal: run.options.signal});
		await connection.close();
		const there = new Map(states.map(state => [state.blob, state]));
		let missingBytes = 0;
		let missingBlobs = 0;
		for (const {descriptor} of blobs) {
			const state = there.get(descriptor.digest);
			if (state?.state === 'whole') present.add(descriptor.digest);
			if (state?.state === 'whole' || state?.state === 'unpacked') continue;
			const hereBytes = Math.min(descriptor.size, (state?.parts?.length ?? 0) * partBytes);
			wanted.set(descriptor.digest, descriptor.size);
			missingBytes += descriptor.size - hereBytes;
			missingBlobs++;
		}
		const neededBytes = blobs.reduce((sum, {descriptor}) => sum + descriptor.size, 0);
		return {platform, lacksAgent: false, neededBytes, missingBytes, missingBlobs};
	} catch (error) {
		if (!(error instanceof HostError) || error.code !== 'ERR_AGENT_MISSING') throw error;
		return {lacksAgent: true, neededBytes: 0, missingBytes: 0, missingBlobs: 0};
	} finally {
		await transport.close();
	}
}
