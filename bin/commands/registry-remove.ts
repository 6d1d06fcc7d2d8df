import {removeMirrors} from '../../lib/runtime/mirror/install.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderChanges} from '../render/host-changes.js';

export const command = defineCommand({
	description: `Takes the registry service off hosts, with its certificates and its login; what others wrote into the hosts.toml of containerd stays. The content stays too, unless --purge is given. ${hostHelp}`,
	operands: hostOperands,
	flags: {
		...hostLoginFlags,
		purge: {
			type: 'boolean',
			help: 'remove /var/lib/sealimage/registry, too: images that the host keeps are not served any more',
		},
		'dry-run': {type: 'boolean', help: 'show what would be removed and remove nothing'},
	},
	examples: [{about: 'One node', line: 'sealimage registry remove root@10.0.0.12'}],
	async run({operands, flags}, context) {
		const {'dry-run': dryRun, purge} = flags;
		const startedMs = performance.now();
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const outcomes = await removeMirrors(hosts, open, {...options, dryRun, purge});
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		return {
			json: {dryRun, hosts: outcomes.map(outcome => outcomeJson(outcome, ({changes}) => ({changes})))},
			text: () => renderChanges(outcomes, {dryRun, style: context.style}),
			exitCode,
		};
	},
});
