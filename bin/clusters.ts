import {type ClusterCache, openClusterCache} from '../lib/runtime/state/cache.js';
import type {ClusterState} from '../lib/runtime/state/cluster-state.js';
import {findState} from '../lib/runtime/state/find.js';
import {isClusterName} from '../lib/runtime/state/names.js';
import type {Operand} from './command.js';
import type {Context} from './context.js';
import {UsageError} from './usage-error.js';

/** For commands about one cluster that is known. */
export const clusterOperand: Operand = {
	name: 'CLUSTER',
	help: 'a cluster that is known; the only one when there is but one',
	optional: true,
	completes: 'cluster',
};

export function clusterCache({settings}: Context): ClusterCache {
	return openClusterCache(settings.clusters.value);
}

/** The cluster of this name, if one is known. @throws SealError ERR_CLUSTER_STATE when what is known is damaged */
export async function knownCluster(name: string, context: Context): Promise<ClusterState | undefined> {
	return isClusterName(name) ? await clusterCache(context).read(name) : undefined;
}

/**
 * The cluster that an operand names, or the only one that is known.
 * @throws UsageError when there is none or several; SealError ERR_CLUSTER_UNKNOWN, ERR_CLUSTER_STATE
 */
export async function chooseCluster(name: string | undefined, context: Context): Promise<ClusterState> {
	const cache = clusterCache(context);
	if (name !== undefined) return await findState(cache, name);
	return await findState(cache, await onlyCluster(cache));
}

/** @throws UsageError when none or several are known */
export async function onlyCluster(cache: ClusterCache): Promise<string> {
	const names = (await cache.list()).map(known => known.name);
	const [only, second] = names;
	if (only !== undefined && second === undefined) return only;
	throw new UsageError(
		only === undefined ? 'No cluster is known on this machine' : `Several clusters are known: ${names.join(', ')}`,
		{
			code: 'ERR_CLUSTER_UNKNOWN',
			hint:
				only === undefined
					? 'Take one from its master with "sealimage clusters import --host MASTER".'
					: 'Name the one that is meant.',
		},
	);
}
