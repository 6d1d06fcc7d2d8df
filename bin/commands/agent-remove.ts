import {removeAgent} from '../../lib/runtime/agent/install/remove.js';
import {askHosts} from '../ask-hosts.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson} from '../host-report.js';

export const command = defineCommand({
	description: `Removes every version of the agent from hosts; nothing of /opt/sealimage stays. Content in /var/lib/sealimage is left alone. Refused where agents run, as those of services do. ${hostHelp}`,
	operands: hostOperands,
	flags: {
		...hostLoginFlags,
		force: {type: 'boolean', short: 'f', help: 'also where agents run; they are not stopped'},
	},
	examples: [{about: 'Leave no trace', line: 'sealimage agent remove root@10.0.0.5'}],
	async run(input, context) {
		const {force} = input.flags;
		const {outcomes, exitCode} = await askHosts('agent remove', input, context, (transport, {signal}) =>
			removeAgent(transport, {force, signal}),
		);
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, removed => ({removed}))),
			text: () =>
				outcomes
					.flatMap(outcome =>
						outcome.ok ? [`${outcome.host}: ${outcome.value ? 'removed' : 'there was no agent'}`] : [],
					)
					.join('\n'),
			exitCode,
		};
	},
});
