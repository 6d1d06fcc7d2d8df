import {type AgentStatus, agentStatus, type VersionStatus} from '../../lib/runtime/agent/install/status.js';
import {onHosts} from '../../lib/runtime/host/on-hosts.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {hostHelp, hostLoginFlags} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderTable} from '../render/table.js';

export const command = defineCommand({
	description: `Which versions of the agent hosts have, which one counts, and whether they are whole: every file is read on the host and compared with its digest. Works without a working agent. The exit code is 1 when one is damaged. ${hostHelp}`,
	operands: [
		{name: 'HOST', help: 'hosts, beside those of the flags', optional: true, variadic: true, completes: 'host'},
	],
	flags: hostLoginFlags,
	examples: [{about: 'All hosts of a cluster', line: 'sealimage agent status --cluster default'}],
	async run({operands, flags}, context) {
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const {signal} = options;
		const startedMs = performance.now();
		const outcomes = await onHosts(hosts, open, transport => agentStatus(transport, {signal}), {
			...options,
			title: 'agent status',
		});
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		const rows = outcomes.flatMap(outcome => (outcome.ok ? rowsOf(outcome.host, outcome.value) : []));
		const isDamaged = outcomes.some(
			outcome => outcome.ok && outcome.value.versions.some(({damaged}) => damaged.length > 0),
		);
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, status => ({...status}))),
			text: () =>
				rows.length === 0
					? ''
					: renderTable(
							[
								{title: 'HOST'},
								{title: 'MACHINE'},
								{title: 'GLIBC'},
								{title: 'AGENT'},
								{title: 'NODE'},
								{title: 'STATE'},
								{title: 'RUNNING', align: 'right'},
							],
							rows,
							context.style,
						),
			exitCode: exitCode === exitCodes.ok.code && isDamaged ? exitCodes.failure.code : exitCode,
		};
	},
});

function rowsOf(host: string, {machine, glibc = '', current, versions}: AgentStatus): string[][] {
	if (versions.length === 0) return [[host, machine, glibc, '', '', 'none', '']];
	return versions.map(version => [
		host,
		machine,
		glibc,
		version.id,
		version.node ?? '',
		stateOf(version, current),
		String(version.running),
	]);
}

function stateOf({id, damaged}: VersionStatus, current: string | undefined): string {
	const counts = id === current ? 'current' : 'kept';
	return damaged.length === 0 ? counts : `${counts}, damaged: ${damaged.join(' ')}`;
}
