import {balances, reportNode} from '../../lib/lb/node-report.js';
import {type BalanceStatus, balancerStatus} from '../../lib/runtime/balance/status.js';
import {onHosts} from '../../lib/runtime/host/on-hosts.js';
import {defineCommand, type FlagValues, type Result} from '../command.js';
import type {Context} from '../context.js';
import {exitCodeOfHosts, exitCodes} from '../exit-codes.js';
import {hostHelp, hostLoginFlags, hostOperands} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {namesHosts} from '../hosts.js';
import {balancerFlags} from '../node-balancer.js';
import {reachHosts} from '../reach.js';
import {renderBalancer} from '../render/balancer.js';
import {renderBalancers} from '../render/balancers.js';

const flags = {...balancerFlags, ...hostLoginFlags};

export const command = defineCommand({
	description: `Shows how the load balancer of each host stands, or that of this machine when none is named: each member with its phase, since when, its last error, its connections and how often it died, and whether routes and settings are as they should be. Where no balancer runs it shows what the kernel has. A host that does not answer is a line of the table. Needs root. The exit code is 1 when something is not as it should be. ${hostHelp}`,
	operands: hostOperands,
	flags,
	examples: [
		{about: 'How does this machine stand?', line: 'sealimage lb status'},
		{about: 'All hosts of a cluster', line: 'sealimage lb status --cluster default'},
	],
	async run({operands, flags: given}, context) {
		if (namesHosts(given, operands)) return await showHosts(given, operands, context);
		const report = await reportNode(given.config);
		return {
			json: report,
			text: () => renderBalancer(report, context.style),
			exitCode: balances(report) ? exitCodes.ok.code : exitCodes.failure.code,
		};
	},
});

async function showHosts(
	given: FlagValues<typeof flags>,
	operands: readonly string[],
	context: Context,
): Promise<Result> {
	const {hosts, open, options} = await reachHosts(given, operands, context);
	const {signal} = options;
	const startedMs = performance.now();
	const ask = {...options, title: 'lb status'};
	const outcomes = await onHosts(hosts, open, transport => balancerStatus(transport, {signal}), ask);
	// The failure of a single host is told with its hint, those of several are lines of the table.
	const exitCode =
		outcomes.length === 1 ? reportHosts(outcomes, performance.now() - startedMs, context) : exitCodeOfHosts(outcomes);
	const isWell = outcomes.every(outcome => outcome.ok && isRight(outcome.value));
	return {
		json: outcomes.map(outcome => outcomeJson(outcome, status => ({...status}))),
		text: () => renderBalancers(outcomes, context.style),
		exitCode: exitCode === exitCodes.ok.code && !isWell ? exitCodes.failure.code : exitCode,
	};
}

function isRight({service, report}: BalanceStatus): boolean {
	return report !== undefined && service === 'active' && report.isRunning && balances(report);
}
