import type {EachHostOptions, HostOutcome} from '../host/each.js';
import {onHosts} from '../host/on-hosts.js';
import type {HostTarget} from '../host/target.js';
import {applySteps, type ServiceStep, titleOf} from '../service/apply.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import {observeBalancer} from './observe.js';
import {service} from './places.js';
import {type BalanceWish, checkWish, planBalancer, planRemoval} from './plan.js';

export interface BalanceRunOptions extends EachHostOptions {
	/** Tell what would change, and change nothing. Default false. */
	readonly dryRun?: boolean | undefined;
	/** Done on each host before it is looked at, as installing the agent. What it throws is the failure of that host. */
	readonly prepare?: ((transport: Transport) => Promise<unknown>) | undefined;
	/** A host without the agent is not refused: it would be installed. Default false. */
	readonly agentComes?: boolean | undefined;
	/** A folder that stands for `/` on a host: the disk of a machine that does not run yet. */
	readonly rootOf?: ((host: HostTarget) => string | undefined) | undefined;
}

/** What was done on a host, or would be. */
export interface BalanceChanges {
	/** Empty when the host was as it should be. */
	readonly changes: readonly string[];
}

/**
 * Gives each host the load balancer as a service of systemd: one round trip to a host that is as it should be, two to another. A host that
 * fails is that host's outcome and stops no other.
 * @throws SealError as `checkWish`, before any host is touched
 */
export async function installBalancers(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	wish: BalanceWish,
	options: BalanceRunOptions = {},
): Promise<readonly HostOutcome<BalanceChanges>[]> {
	checkWish(wish);
	return await onHosts(
		hosts,
		open,
		async (transport, target) => {
			await options.prepare?.(transport);
			const state = await observeBalancer(transport, {signal: options.signal, root: options.rootOf?.(target)});
			return await change(transport, target, planBalancer(target.name, state, wish, options), options);
		},
		{...options, title: 'lb install'},
	);
}

/** Takes the load balancer off each host, out of its kernel too. A second run finds nothing to do. */
export async function removeBalancers(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	options: BalanceRunOptions = {},
): Promise<readonly HostOutcome<BalanceChanges>[]> {
	return await onHosts(
		hosts,
		open,
		async (transport, target) => {
			const state = await observeBalancer(transport, {signal: options.signal, root: options.rootOf?.(target)});
			return await change(transport, target, planRemoval(target.name, state), options);
		},
		{...options, title: 'lb remove'},
	);
}

async function change(
	transport: Transport,
	target: HostTarget,
	steps: readonly ServiceStep[],
	{signal, dryRun = false, rootOf}: BalanceRunOptions,
): Promise<BalanceChanges> {
	if (!dryRun && steps.length > 0) await applySteps(transport, service, steps, {signal, root: rootOf?.(target)});
	return {changes: steps.map(step => titleOf(step, service))};
}
