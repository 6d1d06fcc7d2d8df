import {readConfig} from '../../lib/lb/config.js';
import {restoreNode} from '../../lib/lb/surroundings/restore.js';
import {defineCommand} from '../command.js';
import {balancerFlags} from '../node-balancer.js';

export const command = defineCommand({
	description:
		'Takes the rules out of the kernel and puts settings, route and modules back as they were before. A service that runs would write them again: stop it first. Needs root.',
	operands: [],
	flags: balancerFlags,
	examples: [{about: 'Leave the machine as it was', line: 'systemctl disable --now sealimage-lb; sealimage lb remove'}],
	async run({flags}) {
		const changes = await restoreNode((await readConfig(flags.config)).spec);
		return {json: {changes}, text: () => (changes.length === 0 ? 'There was nothing to remove' : changes.join('\n'))};
	},
});
