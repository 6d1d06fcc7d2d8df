import type {NodeReport} from '../../lib/lb/node-report.js';
import {formatElapsed} from './progress-line.js';
import type {Style} from './style.js';
import {type Column, renderTable} from './table.js';
import {printable} from './text.js';

/** One line a member, and what is not as it should be. */
export function renderBalancer(report: NodeReport, style: Style): string {
	const {service, form, scheduler, inKernel, isRunning, members, failure, surroundings} = report;
	const state = inKernel
		? isRunning
			? 'running'
			: 'no balancer runs; the kernel goes on with these rules'
		: 'not in the kernel';
	const rows = members.map(
		({member, phase, forMs, weight, activeConnections, inactiveConnections, connections, lastError}) => [
			member,
			phase ?? '',
			forMs === undefined ? '' : formatElapsed(forMs),
			weight === undefined ? 'none' : String(weight),
			String(activeConnections),
			String(inactiveConnections),
			String(connections),
			lastError ?? '',
		],
	);
	const wrong = surroundings.filter(({ok}) => !ok).map(({text}) => `${style.yellow('warning:')} ${printable(text)}`);
	return [
		`${style.bold(printable(service))}  ${printable(`${form}, ${scheduler}`)}: ${state}`,
		renderTable(columns, rows, style).trimEnd(),
		...(failure === undefined ? [] : [`${style.red('error:')} ${printable(failure)}`]),
		...wrong,
	].join('\n');
}

const columns: readonly Column[] = [
	{title: 'MEMBER'},
	{title: 'PHASE'},
	{title: 'FOR', align: 'right'},
	{title: 'WEIGHT', align: 'right'},
	{title: 'ACTIVE', align: 'right'},
	{title: 'INACTIVE', align: 'right'},
	{title: 'SINCE ADDED', align: 'right'},
	{title: 'LAST ERROR'},
];
