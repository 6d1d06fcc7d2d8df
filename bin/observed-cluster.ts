import type {HostOutcome} from '../lib/runtime/host/each.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import type {ClusterState} from '../lib/runtime/state/cluster-state.js';
import type {HostState} from '../lib/runtime/state/host-state.js';
import {observeHosts} from '../lib/runtime/state/observe.js';
import {keepTransports} from '../lib/runtime/transport/keep.js';
import type {OpenTransport} from '../lib/runtime/transport/transport.js';
import type {Context} from './context.js';
import {type LoginFlags, readClusterHosts} from './hosts.js';
import {reachTargets} from './reach.js';

/** Hosts of a cluster that were looked at once, in order, and the connections that are open to them. */
export interface ObservedCluster {
	readonly hosts: readonly HostTarget[];
	readonly outcomes: readonly HostOutcome<HostState>[];
	readonly open: OpenTransport;
}

/**
 * Looks at the hosts of a cluster, all at once, and works with what they say; their connections are closed after.
 * @param roles only hosts that have one of these; all without it
 * @throws as `readClusterHosts` and `reachTargets`
 */
export async function withObservedCluster<R>(
	state: ClusterState,
	flags: LoginFlags,
	context: Context,
	work: (observed: ObservedCluster) => Promise<R>,
	roles?: readonly string[],
): Promise<R> {
	const targets = await readClusterHosts(state, flags, context, roles);
	const {hosts, open, options} = await reachTargets(targets, flags, context);
	await using kept = keepTransports(open);
	const {concurrency, signal, onEvent} = options;
	const outcomes = await observeHosts(hosts, kept.open, {
		concurrency,
		signal,
		onEvent,
		now: context.io.now,
		apiTimeoutSeconds: 8,
	});
	return await work({hosts, outcomes, open: kept.open});
}
