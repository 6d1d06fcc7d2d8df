import {distribute, type HostDistributed} from '../../lib/runtime/distribute/distribute.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderTable} from '../render/table.js';
import {formatBytes} from '../render/units.js';
import {withStore} from '../store.js';

export const command = defineCommand({
	description: `Brings images of the store to hosts and unpacks them below /var/lib/sealimage. Each host gets what it lacks, for its own platform; layers of the embedded registry go to hosts with the role master or registry, and to hosts without a role. Hosts pass content on to each other, verified at every step, so that little more than one copy leaves this machine; hosts that cannot reach others are served from here. A run that was cut goes on where it ended when it is started again. ${hostHelp}`,
	operands: [
		{name: 'IMAGE', help: 'names, digests or short digests of images in the store', variadic: true, completes: 'image'},
	],
	flags: hostLoginFlags,
	examples: [
		{
			about: 'All hosts of a cluster to be',
			line: 'sealimage distribute kubernetes:v1.30 --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.4-10.0.0.90',
		},
		{about: 'What an upgrade would move', line: 'sealimage distribute --dry-run kubernetes:v1.31 --cluster default'},
	],
	async run({operands, flags}, context) {
		const {hosts, open, options} = await reachHosts(flags, [], context);
		return await withStore(context, async store => {
			const done = await distribute({...options, images: operands, hosts, open, store});
			const exitCode = reportHosts(done.outcomes, done.elapsedMs, context);
			return {
				json: {
					hosts: done.outcomes.map(outcome => outcomeJson(outcome, value => ({...value}))),
					sentBytes: done.sentBytes,
					elapsedMs: done.elapsedMs,
				},
				text: () => (context.quiet ? '' : textOf(done.outcomes, done.sentBytes)),
				exitCode,
			};
		});

		function textOf(outcomes: readonly HostOutcome<HostDistributed>[], sentBytes: number): string {
			void outcomes;
			void sentBytes;
			return '';
		}
	},
});
