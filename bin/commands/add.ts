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
import {defineCommand} from '../command.js';
import {workOnHosts} from '../host-work.js';
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
		return await workOnHosts('add', flags, given, addHosts);
	},
});
