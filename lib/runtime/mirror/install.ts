import type {EachHostOptions, HostOutcome} from '../host/each.js';
import {onHosts} from '../host/on-hosts.js';
import type {HostTarget} from '../host/target.js';
import type {HostFinding} from '../preflight/finding.js';
import {applySteps, type ServiceOptions, type ServiceStep, titleOf} from '../service/apply.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import {mirrorFindings} from './findings.js';
import {observeMirror} from './observe.js';
import {service} from './places.js';
import {planHost} from './plan.js';
import {planRemoval, type RemoveOptions} from './remove.js';
import {type MirrorHost, type MirrorPlanOptions, type MirrorSetting, settle} from './setting.js';

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
		const host = {name: target.name, address: target.address, isMaster: isMaster(target)};
		return await lookAtMirror(transport, host, {signal: options.signal, root: options.rootOf?.(target)});
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
			const {signal, dryRun, rootOf} = options;
			return await installMirror(transport, host, setting, {signal, dryRun, root: rootOf?.(target)});
		},
		{...options, title: 'registry install'},
	);
}

/** What a host has of its registry, as part of what others have. @throws HostError as `observeMirror` */
export async function lookAtMirror(
	transport: Transport,
	host: Omit<MirrorHost, 'state'>,
	options: ServiceOptions = {},
): Promise<MirrorHost> {
	return {...host, state: await observeMirror(transport, options)};
}

/**
 * Gives one host its registry, over the connection that is there.
 * @throws HostError as `planHost`, and ERR_MIRROR_INSTALL with the step that failed
 */
export async function installMirror(
	transport: Transport,
	host: MirrorHost,
	setting: MirrorSetting,
	options: ServiceOptions & {readonly dryRun?: boolean | undefined} = {},
): Promise<MirrorChanges> {
	const changes = await change(transport, await planHost(host, setting), options);
	return {changes, findings: mirrorFindings(host.name, host.state)};
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
			const {signal, dryRun, rootOf} = options;
			const where = {signal, root: rootOf?.(target)};
			const state = await observeMirror(transport, where);
			return {changes: await change(transport, planRemoval(state, options), {...where, dryRun}), findings: []};
		},
		{...options, title: 'registry remove'},
	);
}

function isMaster({roles}: HostTarget): boolean {
	return roles.includes('master') || roles.includes('registry');
}

async function change(
	transport: Transport,
	steps: readonly ServiceStep[],
	{dryRun = false, ...where}: ServiceOptions & {readonly dryRun?: boolean | undefined},
): Promise<readonly string[]> {
	if (!dryRun && steps.length > 0) await applySteps(transport, service, steps, where);
	return steps.map(step => titleOf(step, service));
}
