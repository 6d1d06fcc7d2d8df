import type {MemberReport} from '../../lib/lb/report.js';
import type {BalanceStatus} from '../../lib/runtime/balance/status.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import {formatElapsed} from './progress-line.js';
import type {Style} from './style.js';
import {type Column, renderTable} from './table.js';
import {printable} from './text.js';

/** The load balancers of hosts: one line a host and member, one for a host that does not answer, and below what else is not as it should be. */
export function renderBalancers(outcomes: readonly HostOutcome<BalanceStatus>[], style: Style): string {
	const alone = outcomes.length === 1 && outcomes[0]?.ok === false;
	if (alone) return '';
	const table = renderTable(columns, outcomes.flatMap(rowsOf), style).trimEnd();
	const warnings = [...together(outcomes)].map(([problem, hosts]) => `${someOf(hosts)}: ${problem}`);
	return [table, ...warnings.map(text => `${style.yellow('warning:')} ${printable(text)}`)].join('\n');
}

/** What is wrong, and with which hosts: the same on a thousand hosts is one line. */
function together(outcomes: readonly HostOutcome<BalanceStatus>[]): ReadonlyMap<string, readonly string[]> {
	const found = new Map<string, string[]>();
	for (const outcome of outcomes) {
		for (const problem of outcome.ok ? problemsOf(outcome.value) : []) {
			const hosts = found.get(problem);
			if (hosts === undefined) found.set(problem, [outcome.host]);
			else hosts.push(outcome.host);
		}
	}
	return found;
}

function someOf(hosts: readonly string[]): string {
	const shown = hosts.slice(0, 3).join(', ');
	return hosts.length > 3 ? `${shown} and ${hosts.length - 3} more` : shown;
}

function rowsOf(outcome: HostOutcome<BalanceStatus>): string[][] {
	const host = printable(outcome.host);
	if (!outcome.ok) {
		const message = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
		return [[host, '', 'no answer', '', '', '', '', '', printable(message)]];
	}
	const {report} = outcome.value;
	if (report === undefined) return [[host, '', 'none', '', '', '', '', '', '']];
	return report.members.map(member => [host, ...memberRow(member, report.isRunning)]);
}

function memberRow(
	{member, phase, forMs, weight, activeConnections, connections, failovers, lastError}: MemberReport,
	isRunning: boolean,
): string[] {
	return [
		printable(member),
		printable(phase ?? (isRunning || weight === undefined ? '' : 'not watched')),
		forMs === undefined ? '' : formatElapsed(forMs),
		weight === undefined ? 'none' : String(weight),
		String(activeConnections),
		String(connections),
		failovers === undefined ? '' : String(failovers),
		printable(lastError ?? ''),
	];
}

function problemsOf({service, report}: BalanceStatus): readonly string[] {
	if (report === undefined) return [];
	return [
		...(service === 'active' ? [] : [`the service is ${service}`]),
		...(report.isRunning ? [] : ['no balancer runs; the kernel goes on with these rules']),
		...(report.inKernel ? [] : [`${report.service} is not in the kernel`]),
		...(report.failure === undefined ? [] : [report.failure]),
		...report.surroundings.filter(({ok}) => !ok).map(({text}) => text),
	];
}

const columns: readonly Column[] = [
	{title: 'HOST'},
	{title: 'MEMBER'},
	{title: 'STATE'},
	{title: 'FOR', align: 'right'},
	{title: 'WEIGHT', align: 'right'},
	{title: 'ACTIVE', align: 'right'},
	{title: 'CONNECTIONS', align: 'right'},
	{title: 'FAILOVERS', align: 'right'},
	{title: 'LAST ERROR'},
];
