import {removeAgent} from '../../lib/runtime/agent/install/remove.js';
import {onHosts} from '../../lib/runtime/host/on-hosts.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';

export const command = defineCommand({
	description: `Removes every version of the agent from hosts; nothing of /opt/sealimage stays. Content in /var/lib/sealimage is left alone. Refused where agents run, as those of services do. ${hostHelp}`,
	operands: [
		{name: 'HOST', help: 'hosts, beside those of the flags', optional: true, variadic: true, completes: 'host'},
	],
	flags: {
		...hostLoginFlags,
		force: {type: 'boolean', short: 'f', help: 'also where agents run; they are not stopped'},
	},
	examples: [{about: 'Leave no trace', line: 'sealimage agent remove root@10.0.0.5'}],
	async run({operands, flags}, context) {
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const {signal} = options;
		const startedMs = performance.now();
		const outcomes = await onHosts(hosts, open, transport => removeAgent(transport, {force: flags.force, signal}), {
			...options,
			title: 'agent remove',
		});
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
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
