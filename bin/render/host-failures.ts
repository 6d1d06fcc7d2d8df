import type {ErrorReport} from '../../lib/core/errors.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import {reportError} from './error.js';
import {hostsText} from './hosts-text.js';
import type {Style} from './style.js';
import {renderTable} from './table.js';
import {printable, textWidth, wrap} from './text.js';

/** More hosts than this with the very same failure share a row. */
const maxOwnRows = 3;

/**
 * What failed on which host: one table, and each hint once. Hosts with the same failure share a row when they are many. `width`
 * is that of the terminal, if there is one.
 */
export function renderHostFailures(
	outcomes: readonly HostOutcome<unknown>[],
	style: Style,
	width: number | undefined,
): string {
	const failures = outcomes.flatMap(outcome =>
		outcome.ok ? [] : [{host: outcome.host, report: reportError(outcome.error)}],
	);
	const groups = [...groupBy(failures, ({report}) => `${report.code} ${whatHappened(report)}`).values()].flatMap(
		group => (group.length > maxOwnRows ? [group] : group.map(one => [one])),
	);
	const names = groups.map(group => hostsText(group.map(({host}) => host)));
	const room = width === undefined ? undefined : width - columnsBefore(names, groups) - 1;
	const rows = groups.flatMap(([first], i) => {
		const {code} = first!.report;
		const [line = '', ...more] = inRoom(printable(whatHappened(first!.report)), room);
		return [[names[i]!, code, line], ...more.map(text => ['', '', text])];
	});
	const table = renderTable([{title: 'HOST'}, {title: 'ERROR'}, {title: 'WHAT HAPPENED'}], rows, style);
	return `${table}${hintLines(failures, style, width).join('\n')}`.trimEnd();
}

interface Failure {
	readonly host: string;
	readonly report: ErrorReport;
}

/** The message, and the innermost error of ours behind it; what the system or a package said the message has put in words. */
function whatHappened(report: ErrorReport): string {
	let said: ErrorReport | undefined;
	for (let cause = report.cause; cause !== undefined; cause = cause.cause)
		if (cause.code.startsWith('ERR_')) said = cause;
	const first = report.message.split('\n')[0] ?? '';
	return said === undefined || first.includes(said.message) ? first : `${first}: ${said.message.split('\n')[0]}`;
}

/** The width of the columns of hosts and codes, with the spaces behind them. */
function columnsBefore(names: readonly string[], groups: readonly (readonly Failure[])[]): number {
	const widest = (texts: readonly string[]): number =>
		texts.reduce((most, text) => Math.max(most, textWidth(printable(text))), 5);
	return widest(names) + widest(groups.map(([first]) => first!.report.code)) + 2 * 3;
}

/** As many lines as a terminal needs; one that is too narrow for columns wraps by itself. */
function inRoom(text: string, room: number | undefined): readonly string[] {
	return room === undefined || room < 24 ? [text] : wrap(text, room);
}

function hintLines(failures: readonly Failure[], style: Style, width = 100): string[] {
	const groups = groupBy(
		failures.filter(({report}) => report.hint !== undefined),
		({report}) => report.hint ?? '',
	);
	return [...groups].flatMap(([hint, group]) => {
		const about =
			groups.size === 1 && group.length === failures.length ? '' : `${hostsText(group.map(one => one.host))}: `;
		return wrap(`${printable(about)}${printable(hint)}`, width - 7).map((line, i) =>
			i === 0 ? `${style.cyan('hint:')} ${line}` : `      ${line}`,
		);
	});
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> {
	const groups = new Map<string, T[]>();
	for (const item of items) {
		const group = groups.get(key(item));
		if (group === undefined) groups.set(key(item), [item]);
		else group.push(item);
	}
	return groups;
}
