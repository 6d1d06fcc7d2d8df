import type {EachHostOptions, HostOutcome} from '../host/each.js';
import {onHosts} from '../host/on-hosts.js';
import type {HostTarget} from '../host/target.js';
import type {HostFinding} from '../preflight/finding.js';
import {applySteps, type ServiceStep, titleOf} from '../service/apply.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import {mirrorFindings} from './findings.js';
import {observeMirror} from './observe.js';
import {service} from './places.js';
import {planHost} from './plan.js';
import {planRemoval, type RemoveOptions} from './remove.js';
import {type MirrorHost, type MirrorPlanOptions, settle} from './setting.js';

export interface MirrorRunOptions extends EachHostOptions {
	/** Tell what would change, and change nothing. Default false. */
	readonly dryRun?: boolean | undefined;
	/** Done on each host before it is looked at, as installing the agent. What it throws is the failure of that host. */
	readonly prepare?: ((transport: Transport) => Promise<unknown>) | undefined;
	/** A folder that stands for `/` on a host: the disk of a machine that does not run yet. */
	readonly rootOf?: ((host: HostTarget) => string | undefined) | undefined;
}

/** What was done on a host, or would be. */
export interface MirrorChanges {
	/** Empty when the host was as it should be. */
	readonly changes: readonly string[];
	/** What keeps pulls of the host from going through its registry. */
	readonly findings: readonly HostFinding[];
}

/**
 * Gives each host a registry: masters (and hosts with the role registry) serve what they have to the others, every host serves its
 * own containerd. Masters are looked at first: what they have decides what the others get. Hosts that are as they should
 * be are left alone. A host that fails stops no other, but a master that cannot be looked at stops all.
 * @throws SealError as `settle`, `observeMirror` for masters
 */
export async function installMirrors(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	options: MirrorRunOptions & MirrorPlanOptions = {},
): Promise<readonly HostOutcome<MirrorChanges>[]> {
	const look = async (transport: Transport, target: HostTarget): Promise<MirrorHost> => {
		await options.prepare?.(transport);
		const state = await observeMirror(transport, {signal: options.signal, root: options.rootOf?.(target)});
		return {name: target.name, address: target.address, isMaster: isMaster(target), state};
	};
	const masters = await onHosts(hosts.filter(isMaster), open, look, {...options, title: 'look at masters'});
	const seen = masters.map(outcome => {
		if (!outcome.ok) throw outcome.error;
		return outcome.value;
	});
	const known = new Map(seen.map(host => [host.name, host]));
	const setting = await settle(seen, options);
	return await onHosts(
		hosts,
		open,
		async (transport, target) => {
			const host = known.get(target.name) ?? (await look(transport, target));
			const changes = await change(transport, target, await planHost(host, setting), options);
			return {changes, findings: mirrorFindings(host.name, host.state)};
		},
		{...options, title: 'registry install'},
	);
}

/** Takes the registry off each host. A second run finds nothing to do. */
export async function removeMirrors(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	options: MirrorRunOptions & RemoveOptions = {},
): Promise<readonly HostOutcome<MirrorChanges>[]> {
	return await onHosts(
		hosts,
		open,
		async (transport, target) => {
			const state = await observeMirror(transport, {signal: options.signal, root: options.rootOf?.(target)});
			return {changes: await change(transport, target, planRemoval(state, options), options), findings: []};
		},
		{...options, title: 'registry remove'},
	);
}

function isMaster({roles}: HostTarget): boolean {
	return roles.includes('master') || roles.includes('registry');
}

async function change(
	transport: Transport,
	target: HostTarget,
	steps: readonly ServiceStep[],
	{signal, dryRun = false, rootOf}: MirrorRunOptions,
): Promise<readonly string[]> {
	if (!dryRun && steps.length > 0) await applySteps(transport, service, steps, {signal, root: rootOf?.(target)});
	return steps.map(step => titleOf(step, service));
}
