import {type AgentStatus, agentStatus, type VersionStatus} from '../../lib/runtime/agent/install/status.js';
import {askHosts} from '../ask-hosts.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson} from '../host-report.js';
import {renderTable} from '../render/table.js';

export const command = defineCommand({
	description: `Which versions of the agent hosts have, which one counts, and whether they are whole: every file is read on the host and compared with its digest. Works without a working agent. The exit code is 1 when one is damaged. ${hostHelp}`,
	operands: hostOperands,
	flags: hostLoginFlags,
	examples: [{about: 'All hosts of a cluster', line: 'sealimage agent status --cluster default'}],
	async run(input, context) {
		const {outcomes, exitCode} = await askHosts('agent status', input, context, (transport, {signal}) =>
			agentStatus(transport, {signal}),
		);
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
