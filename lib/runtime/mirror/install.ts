import type {OperationOptions} from '../../core/events.js';
import {eachHost, type HostOutcome} from '../host/each.js';
import type {HostTarget} from '../host/target.js';
import type {HostFinding} from '../preflight/finding.js';
import type {Transport} from '../transport/transport.js';
import {applySteps, type MirrorStep, titleOf} from './apply.js';
import {type MirrorState, observeMirror} from './observe.js';
import {type MirrorHost, type MirrorPlanOptions, planMirror} from './plan.js';
import {planRemoval, type RemoveOptions} from './remove.js';

/** A host, and the way to it. */
export interface ReachedHost {
	readonly target: HostTarget;
	readonly transport: Transport;
	/** A folder that stands for `/`: the disk of a machine that does not run yet. */
	readonly root?: string | undefined;
}

export interface MirrorRunOptions extends OperationOptions {
	/** Tell what would change, and change nothing. Default false. */
	readonly dryRun?: boolean | undefined;
	/** Hosts at once; default 32. */
	readonly concurrency?: number | undefined;
	/** Done on each host before it is looked at, as installing the agent. What it throws is the failure of that host. */
	readonly prepare?: ((transport: Transport) => Promise<unknown>) | undefined;
}

/** What was done on a host, or would be: empty when it was as it should be. */
export type MirrorChanges = readonly string[];

export interface MirrorInstalled {
	readonly outcomes: readonly HostOutcome<MirrorChanges>[];
	readonly findings: readonly HostFinding[];
}

/**
 * Gives each host a registry: masters serve what they have to the others, every host serves its own containerd. Hosts that are as they
 * should be are left alone. A host that fails stops no other, unless it is a master that cannot be looked at: what
 * it has decides what the others get.
 * @throws SealError as `planMirror`, `observeMirror` for masters
 */
export async function installMirrors(
	hosts: readonly ReachedHost[],
	options: MirrorRunOptions & MirrorPlanOptions = {},
): Promise<MirrorInstalled> {
	const seen = await observeAll(hosts, options);
	const found = hosts.flatMap(({target}, i): MirrorHost[] => {
		const outcome = seen[i];
		const isMaster = target.roles.some(role => role === 'master' || role === 'registry');
		if (outcome?.ok === true) {
			return [{name: target.name, address: target.address, isMaster, state: outcome.value}];
		}
		if (isMaster) throw outcome?.error;
		return [];
	});
	const plan = await planMirror(found, options);
	const planned = new Map(plan.hosts.map(one => [one.host, one]));
	const outcomes = await changeAll(hosts, seen, options, ({target}) => {
		const {steps, error} = planned.get(target.name) ?? {steps: []};
		if (error !== undefined) throw error;
		return steps;
	});
	return {outcomes, findings: plan.findings};
}

/** Takes the registry off each host. A second run finds nothing to do. */
export async function removeMirrors(
	hosts: readonly ReachedHost[],
	options: MirrorRunOptions & RemoveOptions = {},
): Promise<readonly HostOutcome<MirrorChanges>[]> {
	const seen = await observeAll(hosts, options);
	return await changeAll(hosts, seen, options, (_, state) => planRemoval(state, options));
}

async function observeAll(
	hosts: readonly ReachedHost[],
	{concurrency, ...options}: MirrorRunOptions,
): Promise<readonly HostOutcome<MirrorState>[]> {
	const work = hosts.map(({target, ...reached}) => ({host: target.name, ...reached}));
	const {signal, prepare, onEvent} = options;
	return await eachHost(
		work,
		async ({transport, root}) => {
			await prepare?.(transport);
			return await observeMirror(transport, {signal, root});
		},
		{signal, onEvent, concurrency, title: 'looking at registries'},
	);
}

async function changeAll(
	hosts: readonly ReachedHost[],
	seen: readonly HostOutcome<MirrorState>[],
	options: MirrorRunOptions,
	plan: (host: ReachedHost, state: MirrorState) => readonly MirrorStep[],
): Promise<readonly HostOutcome<MirrorChanges>[]> {
	const {signal, concurrency, dryRun = false} = options;
	const work = hosts.map((host, i) => ({host: host.target.name, reached: host, outcome: seen[i]}));
	return await eachHost(
		work,
		async ({reached, outcome}) => {
			if (outcome?.ok !== true) throw outcome?.error;
			const steps = plan(reached, outcome.value);
			if (!dryRun && steps.length > 0) await applySteps(reached.transport, steps, {signal, root: reached.root});
			return steps.map(titleOf);
		},
		{signal, onEvent: options.onEvent, concurrency, title: 'changing registries'},
	);
}
