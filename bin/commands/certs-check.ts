import {checkHostCertificates, type HostCertificates, judgeCertificates} from '../../lib/runtime/pki/check/check.js';
import {askHosts} from '../ask-hosts.js';
import {defineCommand} from '../command.js';
import {exitCodes} from '../exit-codes.js';
import {hostHelp, hostLoginFlags, hostOperands, sudoFlag} from '../host-flags.js';
import {outcomeJson} from '../host-report.js';
import {renderCertificates} from '../render/certificates.js';
import {renderFindings} from '../render/host-findings.js';
import {count} from '../render/units.js';

export const command = defineCommand({
	description: `Shows every certificate of Kubernetes hosts: those in files and kubeconfigs, and those that their components really serve, each with its end, what signed it and for which names. Private keys are not read. The exit code is 1 when one has ended, ends within --days, is damaged, or is not from the authority that it should be from, when a host has none, and 3 when some hosts could not be asked. ${hostHelp}`,
	operands: hostOperands,
	flags: {
		...hostLoginFlags,
		...sudoFlag,
		days: {
			type: 'integer',
			value: 'N',
			minimum: 0,
			default: 30,
			help: 'what ends within so many days is an error',
		},
		live: {type: 'boolean', default: true, help: 'ask the components what they serve, beside reading files'},
		'host-root': {
			type: 'string',
			value: 'FOLDER',
			default: '/',
			help: 'the folder on the hosts where their disk is, when another system runs',
		},
	},
	examples: [
		{about: 'All hosts of a cluster', line: 'sealimage certs check --cluster default'},
		{about: 'Is everything good for 99 years?', line: 'sealimage certs check --masters 10.0.0.5-10.0.0.7 --days 36135'},
		{
			about: 'What ends first, for a script',
			line: "sealimage certs check --output json 10.0.0.5 | jq '[.certificates[].daysLeft] | min'",
		},
	],
	async run(input, context) {
		const {flags} = input;
		const now = new Date(context.io.now());
		const root = flags['host-root'].replace(/\/+$/, '');
		const as = flags.sudo ? 'root' : 'login';
		const asked = await askHosts('certs check', input, context, (transport, {signal}) =>
			checkHostCertificates(transport, {signal, now, live: flags.live, root, as}),
		);
		const {outcomes, values: checked} = asked;
		const findings = judgeCertificates(checked, {now, days: flags.days});
		const certificates = checked.flatMap(({rows}) => rows);
		const isWrong = findings.some(({severity}) => severity === 'error');
		return {
			json: {hosts: outcomes.map(outcome => outcomeJson(outcome)), certificates, findings},
			text: () => {
				if (checked.length === 0) return '';
				const found = renderFindings(findings, checked.length, context.style, Math.min(context.width, 100));
				const table = certificates.length === 0 ? '' : renderCertificates(certificates, context.style);
				return [table, found, verdict(checked)].filter(part => part !== '').join('\n');
			},
			exitCode: isWrong ? exitCodes.failure.code : asked.exitCode,
		};
	},
});

/** One line: how many, and which ends first. */
function verdict(checked: readonly HostCertificates[]): string {
	const rows = checked.flatMap(host => host.rows);
	const [first] = rows.toSorted((a, b) => a.endsAt.localeCompare(b.endsAt));
	if (first === undefined) return `no certificates on ${count(checked.length, 'host')}`;
	const where = `${first.item} of ${first.host}`;
	return `${count(rows.length, 'certificate')} on ${count(checked.length, 'host')}; the first to end is ${where}, on ${first.endsAt.slice(0, 10)}`;
}
