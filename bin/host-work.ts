import type {NamedHost, OperateOptions} from '../lib/runtime/lifecycle/operate-request.js';
import type {Operated} from '../lib/runtime/lifecycle/operated.js';
import type {clusterNameFlag} from './cluster-flags.js';
import {readClusterLogin} from './cluster-login.js';
import {type MemberFlags, readMembers, readName, withAddresses} from './cluster-wish.js';
import {type ChangeFlags, workOnCluster} from './cluster-work.js';
import type {FlagValues, Result} from './command.js';
import type {Context} from './context.js';
import {withStore} from './store.js';

type HostWorkFlags = ChangeFlags &
	MemberFlags &
	FlagValues<typeof clusterNameFlag> & {readonly force: boolean; readonly address?: readonly string[] | undefined};

/** A cluster, and hosts that --masters and --nodes name. */
export interface HostWork {
	readonly name: string;
	readonly hosts: readonly NamedHost[];
}

/** Changes which hosts a cluster has, with the images that it has. @throws UsageError, and as `workOnCluster` */
export async function workOnHosts(
	verb: 'add' | 'delete' | 'reset',
	flags: HostWorkFlags,
	given: Context,
	operate: (work: HostWork, options: OperateOptions) => Promise<Operated>,
): Promise<Result> {
	const login = await readClusterLogin(flags, given);
	const name = readName(flags.cluster);
	const hosts = withAddresses(await readMembers(flags, login), flags.address ?? []);
	return await withStore(login.context, async store => {
		const work = {verb, cluster: name, store, isForced: flags.force};
		return await workOnCluster({...work, operate: options => operate({name, hosts}, options)}, flags, login);
	});
}
