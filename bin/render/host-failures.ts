import type {ErrorReport} from '../../lib/core/errors.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import {reportError} from './error.js';
import {hostsText} from './hosts-text.js';
import type {Style} from './style.js';
import {renderTable} from './table.js';
import {printable, truncate, wrap} from './text.js';

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
	const rows = groups.map(group => {
		const {report} = group[0]!;
		return [hostsText(group.map(({host}) => host)), report.code, whatHappened(report)];
	});
	const table = renderTable([{title: 'HOST'}, {title: 'ERROR'}, {title: 'WHAT HAPPENED'}], rows, style);
	const shown = width === undefined ? table : cutLines(table, width);
	return `${shown}${hintLines(failures, style, width).join('\n')}`.trimEnd();
}

interface Failure {
	readonly host: string;
	readonly report: ErrorReport;
}

/** The message, and the innermost cause when it says more: that is what the operating system or the server said. */
function whatHappened(report: ErrorReport): string {
	let cause = report.cause;
	while (cause?.cause !== undefined) cause = cause.cause;
	const first = report.message.split('\n')[0] ?? '';
	return cause === undefined || first.includes(cause.message) ? first : `${first}: ${cause.message.split('\n')[0]}`;
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

function cutLines(table: string, width: number): string {
	return table
		.split('\n')
		.map((line, i) => (i === 0 ? line : truncate(line, width - 1)))
		.join('\n');
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
