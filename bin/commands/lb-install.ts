import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {withIo} from '../../lib/core/io-error.js';
import {defaults, schedulers} from '../../lib/lb/spec.js';
import {installBalancers} from '../../lib/runtime/balance/install.js';
import {agentFlags} from '../agent-flags.js';
import {agentInstaller} from '../agent-installer.js';
import {balancerWish} from '../balancer-wish.js';
import {defineCommand} from '../command.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {reachHosts} from '../reach.js';
import {renderChanges} from '../render/host-changes.js';

export const command = defineCommand({
	description: `Gives each host the load balancer as a service: its kernel then balances the virtual address over the API servers, before kubelet starts, and goes on when the service does not. Members are the masters among the hosts, unless --members names them. Members that are taken off are drained. The agent is installed where it is missing. A second run changes nothing. ${hostHelp}`,
	operands: hostOperands,
	flags: {
		...hostLoginFlags,
		...agentFlags,
		members: {
			type: 'list',
			separator: ',',
			value: 'ADDRESS[:PORT]',
			help: 'the API servers (default: the hosts with the role master)',
			completes: 'none',
		},
		'virtual-address': {
			type: 'string',
			value: 'ADDRESS[:PORT]',
			help: `under which hosts reach the API (default: ${defaults.address}:${defaults.port})`,
			completes: 'none',
		},
		scheduler: {type: 'string', value: 'NAME', choices: schedulers, help: 'who gets the next connection (default: rr)'},
		probe: {
			type: 'string',
			value: 'KIND',
			choices: ['https', 'tcp'],
			help: 'ask members for /readyz over HTTPS, or see whether they take connections (default: https)',
		},
		ca: {
			type: 'string',
			value: 'FILE',
			help: "the authority of the members' certificates, brought to the hosts; none for no check (default: /etc/kubernetes/pki/ca.crt of each host)",
			completes: 'file',
		},
		kubeconfig: {
			type: 'string',
			value: 'PATH',
			help: 'a kubeconfig on the hosts with which members are learnt from the cluster, as /etc/kubernetes/kubelet.conf',
			completes: 'none',
		},
		settings: {
			type: 'string',
			value: 'FILE',
			help: 'what else the hosts get in their /etc/sealimage/lb.json, as JSON; flags win',
			completes: 'file',
		},
		'dry-run': {type: 'boolean', help: 'show what would change and change nothing'},
	},
	examples: [
		{
			about: 'Before a cluster is there',
			line: 'sealimage lb install --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.10-10.0.0.40 --ca ca.crt',
		},
		{
			about: 'Members that the cluster tells by itself from now on',
			line: 'sealimage lb install --cluster default --kubeconfig /etc/kubernetes/kubelet.conf',
		},
		{about: 'What would change?', line: 'sealimage lb install --cluster default --dry-run'},
	],
	async run({operands, flags}, context) {
		const {'dry-run': dryRun} = flags;
		const {hosts, open, options} = await reachHosts(flags, operands, context);
		const read = async (file: string): Promise<string> =>
			await withIo('read', file, () => readFile(resolve(context.io.cwd, file), 'utf8'));
		const wish = balancerWish(flags, hosts, {
			settings: flags.settings === undefined ? undefined : await read(flags.settings),
			authority: flags.ca === undefined || flags.ca === 'none' ? flags.ca : await read(flags.ca),
		});
		const startedMs = performance.now();
		const prepare = dryRun ? undefined : agentInstaller(flags, context);
		const outcomes = await installBalancers(hosts, open, wish, {...options, dryRun, agentComes: dryRun, prepare});
		const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
		return {
			json: {dryRun, hosts: outcomes.map(outcome => outcomeJson(outcome, ({changes}) => ({changes})))},
			text: () => renderChanges(outcomes, {dryRun, style: context.style}),
			exitCode,
		};
	},
});
