import {installMirrors} from '../../lib/runtime/mirror/install.js';
import {defaultRegistryPort} from '../../lib/runtime/mirror/places.js';
import type {HostFinding} from '../../lib/runtime/preflight/finding.js';
import {agentFlags} from '../agent-flags.js';
import {agentInstaller} from '../agent-installer.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {readPairs} from '../key-values.js';
import {reachHosts} from '../reach.js';
import {renderChanges} from '../render/host-changes.js';
import {renderFindings} from '../render/host-findings.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Gives each host a registry service on 127.0.0.1, which containerd asks first for every image of every registry. Masters (--masters, or the role master of a Clusterfile) also give what they have to the other hosts, over TLS and with a login that is made once; what a host lacks it fetches from whichever of them is alive, and keeps. The agent is installed where it is missing. A second run changes nothing. ${hostHelp}`,
	operands: [
		{
			name: 'HOST',
			help: 'hosts that are no masters, beside those of the flags',
			optional: true,
			variadic: true,
			completes: 'host',
		},
	],
	flags: {
		...hostLoginFlags,
		...agentFlags,
		'registry-port': {
			type: 'integer',
			value: 'PORT',
			default: defaultRegistryPort,
			minimum: 1,
			help: 'where the registry listens: on 127.0.0.1 of every host, and on the address of masters',
		},
		address: {
			type: 'list',
			value: 'HOST=ADDRESS',
			help: 'under which address the others reach this master, when it is not the one you reach it under',
			completes: 'none',
		},
		'dry-run': {type: 'boolean', help: 'show what would change and change nothing'},
	},
	examples: [
		{
			about: 'Three masters and their nodes',
			line: 'sealimage registry install --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.10-10.0.0.40',
		},
		{about: 'What would change?', line: 'sealimage registry install --cluster default --dry-run'},
	],
	async run({operands, flags}, context) {
		const {'dry-run': dryRun, 'registry-port': port} = flags;
		const addresses = new Map(Object.entries(readPairs('--address', flags.address)));
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const stranger = [...addresses.keys()].find(name => !hosts.some(host => host.name === name));
		if (stranger !== undefined) throw new UsageError(`--address names ${stranger}, which is none of the hosts`);
		const startedMs = performance.now();
		const prepare = dryRun ? undefined : agentInstaller(flags, context);
		const request = {...options, port, addresses, dryRun, agentComes: dryRun, prepare};
		const outcomes = await installMirrors(hosts, open, request);
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		const findings = outcomes.flatMap(outcome => (outcome.ok ? outcome.value.findings : []));
		const width = context.io.stdout.columns || 100;
		return {
			json: {dryRun, hosts: outcomes.map(outcome => outcomeJson(outcome, ({changes}) => ({changes}))), findings},
			text: () =>
				[
					renderChanges(outcomes, {dryRun, style: context.style}),
					renderFindings(together(findings), hosts.length, context.style, width),
				]
					.filter(part => part !== '')
					.join('\n'),
			exitCode,
		};
	},
});

/** The same finding on many hosts is one. */
function together(findings: readonly HostFinding[]): readonly HostFinding[] {
	const found = new Map<string, HostFinding>();
	for (const finding of findings) {
		const key = `${finding.id} ${finding.what}`;
		found.set(key, {...finding, hosts: [...(found.get(key)?.hosts ?? []), ...finding.hosts]});
	}
	return [...found.values()];
}
