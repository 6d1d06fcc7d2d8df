import {gatherFacts} from '../../lib/runtime/facts/gather.js';
import {askHosts} from '../ask-hosts.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, hostOperands, sudoFlag} from '../host-flags.js';
import {outcomeJson} from '../host-report.js';
import {renderFacts, renderFactsTable} from '../render/host-facts.js';

export const command = defineCommand({
	description: `What hosts are and have: system, kernel and modules, memory, disks, clock, network, security, container runtimes, ports. One round trip for each host; nothing is installed or changed. A single host is shown whole, several as a table; --output json has all of it. ${hostHelp}`,
	operands: hostOperands,
	flags: {...hostLoginFlags, ...sudoFlag},
	examples: [
		{about: 'One host', line: 'sealimage facts 10.0.0.5'},
		{about: 'Compare all hosts of a cluster', line: 'sealimage facts --cluster default'},
		{
			about: 'Kernels, for a script',
			line: "sealimage facts --output json 10.0.0.5-10.0.0.9 | jq -r '.[] | [.host, .facts.kernel.release] | @tsv'",
		},
	],
	async run(input, context) {
		const as = input.flags.sudo ? 'root' : 'login';
		const {outcomes, values, exitCode} = await askHosts('facts', input, context, (transport, options) =>
			gatherFacts(transport, {...options, as, now: context.io.now}),
		);
		const [only] = values;
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, value => ({facts: value}))),
			text: () => {
				if (only === undefined) return '';
				return outcomes.length === 1 ? renderFacts(only, context.style) : renderFactsTable(values, context.style);
			},
			exitCode,
		};
	},
});
