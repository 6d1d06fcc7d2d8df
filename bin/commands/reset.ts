import {resetCluster} from '../../lib/runtime/lifecycle/operate.js';
import {agentFlags} from '../agent-flags.js';
import {changeFlags, clusterHelp, clusterLoginFlags, clusterNameFlag, memberFlags} from '../cluster-flags.js';
import {readClusterLogin} from '../cluster-login.js';
import {readMembers, readName} from '../cluster-wish.js';
import {workOnCluster} from '../cluster-work.js';
import {defineCommand} from '../command.js';
import {withStore} from '../store.js';

export const command = defineCommand({
	description: `Takes a cluster away: hosts are left as they were found. Only what sealimage brought is deleted, files that were there before are put back, and what is left over on a host is named. With --masters and --nodes also hosts that nobody remembers as part of the cluster. ${clusterHelp}`,
	operands: [],
	flags: {
		...memberFlags,
		...clusterNameFlag,
		force: {
			type: 'boolean',
			short: 'f',
			help: 'go on although hosts of the cluster do not answer; they stay as they are',
		},
		...changeFlags,
		...clusterLoginFlags,
		...agentFlags,
	},
	examples: [
		{about: 'The cluster that is remembered', line: 'sealimage reset'},
		{
			about: 'One that this machine knows nothing of',
			line: 'sealimage reset --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.4',
		},
	],
	async run({flags}, given) {
		const login = await readClusterLogin(flags, given);
		const name = readName(flags.cluster);
		const hosts = await readMembers(flags, login);
		return await withStore(login.context, store =>
			workOnCluster(
				{
					verb: 'reset',
					cluster: name,
					store,
					isForced: flags.force,
					operate: options => resetCluster({name, hosts}, options),
				},
				flags,
				login,
			),
		);
	},
});
