import {resetCluster} from '../../lib/runtime/lifecycle/operate.js';
import {agentFlags} from '../agent-flags.js';
import {changeFlags, clusterHelp, clusterLoginFlags, clusterNameFlag, memberFlags} from '../cluster-flags.js';
import {defineCommand} from '../command.js';
import {workOnHosts} from '../host-work.js';

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
		return await workOnHosts('reset', flags, given, ({name, hosts}, options) =>
			resetCluster({name, hosts: hosts.map(({target}) => target)}, options),
		);
	},
});
