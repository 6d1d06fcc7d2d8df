import {SealError} from '../lib/core/errors.js';
import {HostError} from '../lib/runtime/host/error.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import type {SettingHost} from '../lib/runtime/lifecycle/setting.js';
import type {ClusterState} from '../lib/runtime/state/cluster-state.js';
import type {Transport} from '../lib/runtime/transport/transport.js';
import {chooseCluster} from './clusters.js';
import type {Context} from './context.js';
import type {LoginFlags} from './hosts.js';
import {type ObservedCluster, withObservedCluster} from './observed-cluster.js';

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
	return await withObservedCluster(state, flags, context, async observed => await work(liveAmong(state, observed)), [
		'master',
	]);
}

function liveAmong(state: ClusterState, {hosts, outcomes, open}: ObservedCluster): LiveMaster {
	for (const [index, outcome] of outcomes.entries()) {
		const target = hosts[index]!;
		const host = state.setting.hosts.find(candidate => candidate.name === target.name);
		if (!outcome.ok || host === undefined || outcome.value.kubernetes.apiReady !== true) continue;
		// A host that has gone over to another cluster has other keys.
		if (outcome.value.member?.id !== state.setting.id) continue;
		return {state, host, target, transport: open(target)};
	}
	const [first] = outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome.error]));
	if (outcomes.length === 1 && first instanceof HostError) throw first;
	throw new SealError('ERR_CLUSTER_API', `No API server of "${state.setting.name}" answers`, {
		hint: `Look at the hosts with "sealimage status ${state.setting.name}".`,
		details: {masters: hosts.map(target => target.name)},
		cause: first,
	});
}
