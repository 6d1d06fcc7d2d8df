import {removeNode} from '../../lib/lb/remove.js';
import {removeBalancers} from '../../lib/runtime/balance/install.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {namesHosts} from '../hosts.js';
import {balancerFlags} from '../node-balancer.js';
import {reachHosts} from '../reach.js';
import {renderChanges} from '../render/host-changes.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Takes the rules out of the kernel and puts settings, route and modules back as they were before. On hosts the service and its files go, too, and a second run finds nothing to do. Without a host it works on this machine, where a service that runs would write the rules again: stop it first. Needs root. ${hostHelp}`,
	operands: hostOperands,
	flags: {
		...balancerFlags,
		...hostLoginFlags,
		'dry-run': {type: 'boolean', help: 'show what would be removed from hosts and remove nothing'},
	},
	examples: [
		{about: 'Leave this machine as it was', line: 'systemctl disable --now sealimage-lb; sealimage lb remove'},
		{about: 'All hosts of a cluster', line: 'sealimage lb remove --cluster default'},
	],
	async run({operands, flags}, context) {
		const {'dry-run': dryRun} = flags;
		if (!namesHosts(flags, operands)) {
			if (dryRun) throw new UsageError('--dry-run is for hosts, and none is named');
			const changes = await removeNode(flags.config);
			return {json: {changes}, text: () => (changes.length === 0 ? 'There was nothing to remove' : changes.join('\n'))};
		}
		const startedMs = performance.now();
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const outcomes = await removeBalancers(hosts, open, {...options, dryRun});
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		return {
			json: {dryRun, hosts: outcomes.map(outcome => outcomeJson(outcome, ({changes}) => ({changes})))},
			text: () => renderChanges(outcomes, {dryRun, style: context.style}),
			exitCode,
		};
	},
});
