import {addHosts} from '../../lib/runtime/lifecycle/operate.js';
import {agentFlags} from '../agent-flags.js';
import {
	changeFlags,
	clusterHelp,
	clusterLoginFlags,
	clusterNameFlag,
	memberFlags,
	settingFlags,
} from '../cluster-flags.js';
import {readClusterLogin} from '../cluster-login.js';
import {readMembers, readName, withAddresses} from '../cluster-wish.js';
import {workOnCluster} from '../cluster-work.js';
import {defineCommand} from '../command.js';
import {withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Adds masters and nodes to a cluster that is there. They get the very images that the cluster has, which must be in the store. Masters join one at a time, with etcd healthy before and after each. ${clusterHelp}`,
	operands: [],
	flags: {
		...memberFlags,
		...clusterNameFlag,
		address: settingFlags.address,
		force: {type: 'boolean', short: 'f', help: 'take hosts that are in another cluster'},
		...changeFlags,
		...clusterLoginFlags,
		...agentFlags,
	},
	examples: [
		{about: 'Ten workers', line: 'sealimage add --nodes 10.0.0.10-10.0.0.19'},
		{about: 'A third master', line: 'sealimage add --masters 10.0.0.3 --cluster prod'},
	],
	async run({flags}, given) {
		if (flags.masters.length + flags.nodes.length === 0) {
			throw new UsageError('No host was named', {
				code: 'ERR_HOSTS_MISSING',
				hint: 'Name those that join with --masters and --nodes.',
			});
		}
		const login = await readClusterLogin(flags, given);
		const name = readName(flags.cluster);
		const hosts = withAddresses(await readMembers(flags, login), flags.address);
		return await withStore(login.context, store =>
			workOnCluster(
				{
					verb: 'add',
					cluster: name,
					store,
					isForced: flags.force,
					operate: options => addHosts({name, hosts}, options),
				},
				flags,
				login,
			),
		);
	},
});
