import {deleteHosts} from '../lib/runtime/lifecycle/operate.js';
import type {agentFlags} from './agent-flags.js';
import type {changeFlags, clusterNameFlag} from './cluster-flags.js';
import {type ClusterLoginFlags, readClusterLogin} from './cluster-login.js';
import {type MemberFlags, readMembers, readName} from './cluster-wish.js';
import {workOnCluster} from './cluster-work.js';
import type {FlagValues, Result} from './command.js';
import type {Context} from './context.js';
import {withStore} from './store.js';

type DeleteHostsFlags = ClusterLoginFlags &
	MemberFlags &
	FlagValues<typeof clusterNameFlag> &
	FlagValues<typeof changeFlags> &
	FlagValues<typeof agentFlags> & {readonly force: boolean};

/** Takes hosts out of a cluster. @throws UsageError, and as `workOnCluster` */
export async function deleteClusterHosts(flags: DeleteHostsFlags, given: Context): Promise<Result> {
	const login = await readClusterLogin(flags, given);
	const name = readName(flags.cluster);
	const hosts = await readMembers(flags, login);
	return await withStore(login.context, store =>
		workOnCluster(
			{
				verb: 'delete',
				cluster: name,
				store,
				isForced: flags.force,
				operate: options => deleteHosts({name, hosts}, options),
			},
			flags,
			login,
		),
	);
}
