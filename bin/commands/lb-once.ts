import {readConfig} from '../../lib/lb/config.js';
import {balanceOnce} from '../../lib/lb/daemon.js';
import {defineCommand} from '../command.js';
import {balancerFlags} from '../node-balancer.js';

export const command = defineCommand({
	description:
		'Makes this machine ready and writes the rules once, without asking any member whether it works: a way to the API before anything else runs, as for "kubeadm join". Needs root. A second time it changes nothing.',
	operands: [],
	flags: balancerFlags,
	examples: [{about: 'Before a node joins', line: 'sealimage lb once'}],
	async run({flags}) {
		const {changes, report} = await balanceOnce(await readConfig(flags.config));
		return {
			json: {changes, ...report},
			text: () => (changes.length === 0 ? `${report.service} was there already` : changes.join('\n')),
		};
	},
});
