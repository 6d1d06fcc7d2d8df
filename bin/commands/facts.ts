import {gatherFacts} from '../../lib/runtime/facts/gather.js';
import {onHosts} from '../../lib/runtime/host/on-hosts.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, sudoFlag} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderFacts, renderFactsTable} from '../render/host-facts.js';

export const command = defineCommand({
	description: `What hosts are and have: system, kernel and modules, memory, disks, clock, network, security, container runtimes, ports. One round trip for each host; nothing is installed or changed. A single host is shown whole, several as a table; --output json has all of it. ${hostHelp}`,
	operands: [
		{name: 'HOST', help: 'hosts, beside those of the flags', optional: true, variadic: true, completes: 'host'},
	],
	flags: {...hostLoginFlags, ...sudoFlag},
	examples: [
		{about: 'One host', line: 'sealimage facts 10.0.0.5'},
		{about: 'Compare all hosts of a cluster', line: 'sealimage facts --cluster default'},
		{
			about: 'Kernels, for a script',
			line: "sealimage facts --output json 10.0.0.5-10.0.0.9 | jq -r '.[] | [.host, .facts.kernel.release] | @tsv'",
		},
	],
	async run({operands, flags}, context) {
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const startedMs = performance.now();
		const {signal, onEvent} = options;
		const outcomes = await onHosts(
			hosts,
			open,
			transport => gatherFacts(transport, {as: flags.sudo ? 'root' : 'login', signal, onEvent, now: context.io.now}),
			{...options, title: 'facts'},
		);
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		const facts = outcomes.flatMap(outcome => (outcome.ok ? [outcome.value] : []));
		const [only] = facts;
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, value => ({facts: value}))),
			text: () => {
				if (only === undefined) return '';
				return outcomes.length === 1 ? renderFacts(only, context.style) : renderFactsTable(facts, context.style);
			},
			exitCode,
		};
	},
});
