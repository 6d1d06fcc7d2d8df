import {closest} from '../../lib/core/closest.js';
import {formatPlatform, parsePlatform} from '../../lib/oci/platform.js';
import {gatherFacts} from '../../lib/runtime/facts/gather.js';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import {preflightTopics} from '../../lib/runtime/preflight/checks.js';
import {parseCidr} from '../../lib/runtime/preflight/cidr.js';
import type {HostFinding} from '../../lib/runtime/preflight/finding.js';
import type {PreflightOptions} from '../../lib/runtime/preflight/options.js';
import {preflight} from '../../lib/runtime/preflight/preflight.js';
import {askHosts} from '../ask-hosts.js';
import {defineCommand, type Flags, type FlagValues} from '../command.js';
import {readDuration} from '../duration.js';
import {exitCodes} from '../exit-codes.js';
import {hostHelp, hostLoginFlags, hostOperands, sudoFlag} from '../host-flags.js';
import {outcomeJson} from '../host-report.js';
import {renderFindings} from '../render/host-findings.js';
import type {Style} from '../render/style.js';
import {count} from '../render/units.js';
import {readArgument, UsageError} from '../usage-error.js';

const preflightFlags = {
	...hostLoginFlags,
	...sudoFlag,
	platform: {
		type: 'list',
		separator: ',',
		value: 'PLATFORM',
		help: 'the platforms that the images are there for; hosts of others are errors',
		completes: 'platform',
	},
	'pod-network': {type: 'list', separator: ',', value: 'CIDR', help: 'networks of pods, which hosts must not be in'},
	'service-network': {type: 'list', separator: ',', value: 'CIDR', help: 'networks of services'},
	'virtual-address': {
		type: 'list',
		separator: ',',
		value: 'ADDRESS',
		help: 'addresses that the cluster will use itself',
	},
	'max-clock-skew': {type: 'string', value: 'TIME', help: 'how far clocks of hosts may be apart'},
	ignore: {type: 'list', separator: ',', value: 'ID', help: 'findings that are known, by the name in brackets'},
} as const satisfies Flags;

export const command = defineCommand({
	description: `Looks at hosts before anything is installed on them, each alone and all together: what is missing, what is in the way, and what must not be equal or apart (names, machine ids, clocks, addresses). Each finding says why it matters and how to mend it. The exit code is 1 when there is an error, and 3 when some hosts could not be asked. ${hostHelp}`,
	operands: hostOperands,
	flags: preflightFlags,
	examples: [
		{
			about: 'The hosts of a cluster to be',
			line: 'sealimage preflight --masters 10.0.0.5-10.0.0.7 --nodes 10.0.0.8-10.0.0.40',
		},
		{
			about: 'With the networks that it will use',
			line: 'sealimage preflight --cluster ./Clusterfile --pod-network 100.64.0.0/10 --service-network 10.96.0.0/22',
		},
	],
	async run(input, context) {
		const judgement = readOptions(input.flags);
		const as = input.flags.sudo ? 'root' : 'login';
		const asked = await askHosts('preflight', input, context, (transport, options) =>
			gatherFacts(transport, {...options, as, now: context.io.now}),
		);
		const {hosts, outcomes, values: facts} = asked;
		const findings = preflight(facts, {...judgement, roles: rolesOf(hosts)});
		const isWrong = findings.some(({severity}) => severity === 'error');
		return {
			json: {hosts: outcomes.map(outcome => outcomeJson(outcome)), findings},
			text: () => {
				if (facts.length === 0) return '';
				const found = renderFindings(findings, facts.length, context.style, Math.min(context.width, 100));
				return `${found}${found === '' ? '' : '\n'}${verdict(findings, facts.length, context.style)}`;
			},
			exitCode: isWrong ? exitCodes.failure.code : asked.exitCode,
		};
	},
});

function readOptions(flags: FlagValues<typeof preflightFlags>): PreflightOptions {
	const networks = {
		pods: readNetworks('--pod-network', flags['pod-network']),
		services: readNetworks('--service-network', flags['service-network']),
		virtual: readNetworks('--virtual-address', flags['virtual-address']),
	};
	const skew = flags['max-clock-skew'];
	return {
		networks: Object.fromEntries(Object.entries(networks).filter(([, list]) => list.length > 0)),
		...(flags.platform.length === 0
			? {}
			: {platforms: flags.platform.map(text => readArgument('--platform', () => formatPlatform(parsePlatform(text))))}),
		...(skew === undefined ? {} : {maxClockSkewMs: readDuration('--max-clock-skew', skew)}),
		ignore: flags.ignore.map(readIgnored),
	};
}

/** What is wrong is told before any host is asked. */
function readNetworks(flag: string, texts: readonly string[]): readonly string[] {
	return texts.map(text => readArgument(flag, () => parseCidr(text)).text);
}

function readIgnored(id: string): string {
	const ids = preflightTopics.map(topic => topic.id);
	if (ids.includes(id)) return id;
	const meant = closest(id, ids);
	throw new UsageError(`--ignore: there is no finding "${id}"`, {
		hint: meant === undefined ? 'Use an id of docs/preflight.md.' : `Did you mean ${meant}?`,
	});
}

function rolesOf(hosts: readonly HostTarget[]): Readonly<Record<string, readonly string[]>> {
	return Object.fromEntries(hosts.map(({name, roles}) => [name, roles]));
}

function verdict(findings: readonly HostFinding[], hostCount: number, style: Style): string {
	const errors = findings.filter(({severity}) => severity === 'error').length;
	const warnings = findings.length - errors;
	const state = errors > 0 ? style.red('not ready') : style.green('ready');
	return `${state}: ${count(hostCount, 'host')}, ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
}
