import {SealError} from '../lib/core/errors.js';
import {HostError} from '../lib/runtime/host/error.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import type {SettingHost} from '../lib/runtime/lifecycle/setting.js';
import type {ClusterState} from '../lib/runtime/state/cluster-state.js';
import {observeHosts} from '../lib/runtime/state/observe.js';
import {keepTransports} from '../lib/runtime/transport/keep.js';
import type {Transport} from '../lib/runtime/transport/transport.js';
import {chooseCluster} from './clusters.js';
import type {Context} from './context.js';
import {type LoginFlags, readClusterHosts} from './hosts.js';
import {reachTargets} from './reach.js';

/** A master whose API server answers. */
export interface LiveMaster {
	readonly state: ClusterState;
	readonly host: SettingHost;
	readonly target: HostTarget;
	readonly transport: Transport;
}

/**
 * Works with a master of a cluster whose API server answers: all masters are asked at once, and the first in order that does is taken.
 * @throws SealError ERR_CLUSTER_API when none does, with what came of each; UsageError, ERR_CLUSTER_UNKNOWN, ERR_CLUSTER_STATE
 */
export async function withLiveMaster<R>(
	name: string | undefined,
	flags: LoginFlags,
	context: Context,
	work: (master: LiveMaster) => Promise<R>,
): Promise<R> {
	const state = await chooseCluster(name, context);
	const targets = await readClusterHosts(state, flags, context, ['master']);
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
	for (const [index, outcome] of outcomes.entries()) {
		const target = hosts[index]!;
		const host = state.setting.hosts.find(candidate => candidate.name === target.name);
		if (!outcome.ok || host === undefined || outcome.value.kubernetes.apiReady !== true) continue;
		// A host that has gone over to another cluster has other keys.
		if (outcome.value.member?.id !== state.setting.id) continue;
		return await work({state, host, target, transport: kept.open(target)});
	}
	const [first] = outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome.error]));
	if (outcomes.length === 1 && first instanceof HostError) throw first;
	throw new SealError('ERR_CLUSTER_API', `No API server of "${state.setting.name}" answers`, {
		hint: `Look at the hosts with "sealimage status ${state.setting.name}".`,
		details: {masters: hosts.map(target => target.name)},
		cause: first,
	});
}
