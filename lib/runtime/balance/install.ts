import type {EachHostOptions, HostOutcome} from '../host/each.js';
import {onHosts} from '../host/on-hosts.js';
import type {HostTarget} from '../host/target.js';
import {applySteps, type ServiceOptions, type ServiceStep, titleOf} from '../service/apply.js';
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
			const {signal, dryRun, agentComes, rootOf} = options;
			return await installBalancer(transport, wish, {signal, dryRun, agentComes, root: rootOf?.(target)});
		},
		{...options, title: 'lb install'},
	);
}

/**
 * Gives one host the load balancer, over the connection that is there.
 * @throws HostError as `planBalancer` and `observeBalancer`, and ERR_LB_INSTALL with the step that failed; SealError as `checkWish`
 */
export async function installBalancer(
	transport: Transport,
	wish: BalanceWish,
	{dryRun, agentComes, ...where}: ServiceOptions & Pick<BalanceRunOptions, 'dryRun' | 'agentComes'> = {},
): Promise<BalanceChanges> {
	checkWish(wish);
	const state = await observeBalancer(transport, where);
	return await change(transport, planBalancer(transport.host, state, wish, {agentComes}), {...where, dryRun});
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
			const {signal, dryRun, rootOf} = options;
			const where = {signal, root: rootOf?.(target)};
			const state = await observeBalancer(transport, where);
			return await change(transport, planRemoval(target.name, state), {...where, dryRun});
		},
		{...options, title: 'lb remove'},
	);
}

async function change(
	transport: Transport,
	steps: readonly ServiceStep[],
	{dryRun = false, ...where}: ServiceOptions & Pick<BalanceRunOptions, 'dryRun'>,
): Promise<BalanceChanges> {
	if (!dryRun && steps.length > 0) await applySteps(transport, service, steps, where);
	return {changes: steps.map(step => titleOf(step, service))};
}
