import {type MirrorStatus, mirrorStatus} from '../../lib/runtime/mirror/status.js';
import {askHosts} from '../ask-hosts.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson} from '../host-report.js';
import {renderTable} from '../render/table.js';
import {printable} from '../render/text.js';

export const command = defineCommand({
	description: `Shows the registry of each host: whether it serves the others or its own host alone, whether it answers, whom it reaches, and whether containerd asks it. The exit code is 1 when one is not as it should be. ${hostHelp}`,
	operands: hostOperands,
	flags: hostLoginFlags,
	examples: [{about: 'All hosts of a cluster', line: 'sealimage registry status --cluster default'}],
	async run(input, context) {
		const {outcomes, exitCode} = await askHosts('registry status', input, context, (transport, {signal}) =>
			mirrorStatus(transport, {signal}),
		);
		const rows = outcomes.flatMap(outcome => (outcome.ok ? [rowOf(outcome.host, outcome.value)] : []));
		const isWrong = outcomes.some(outcome => outcome.ok && problemsOf(outcome.value).length > 0);
		const columns = [{title: 'HOST'}, {title: 'REGISTRY'}, {title: 'SERVICE'}, {title: 'REACHES'}, {title: 'PROBLEMS'}];
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, status => ({...status}))),
			text: () => (rows.length === 0 ? '' : renderTable(columns, rows, context.style)),
			exitCode: exitCode === exitCodes.ok.code && isWrong ? exitCodes.failure.code : exitCode,
		};
	},
});

function rowOf(host: string, status: MirrorStatus): string[] {
	const {part, service, health} = status;
	if (part === 'none') return [host, 'none', '', '', ''];
	const upstreams = health?.upstreams ?? [];
	const reached = health === undefined ? '' : `${upstreams.filter(({ok}) => ok).length} of ${upstreams.length}`;
	return [host, part, service, reached, printable(problemsOf(status).join('; '))];
}

/** An upstream that is down is no problem of this host as long as there is another. */
function problemsOf({part, service, health, containerd}: MirrorStatus): readonly string[] {
	if (part === 'none') return [];
	const upstreams = health?.upstreams ?? [];
	const isAlone = upstreams.length > 0 && upstreams.every(({ok}) => !ok);
	return [
		...(service === 'active' ? [] : [`the service is ${service}`]),
		...(health === undefined ? ['there is no agent'] : []),
		...(health?.loopback.ok === false ? [`it does not answer: ${health.loopback.why}`] : []),
		...(isAlone ? [`it reaches none of the others: ${upstreams[0]?.why}`] : []),
		...(containerd === undefined ? [] : [`containerd does not ask it: ${containerd}`]),
	];
}
