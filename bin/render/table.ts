import type {Style} from './style.js';
import {padEnd, padStart, printable, textWidth} from './text.js';

export interface Column {
	readonly title: string;
	readonly align?: 'left' | 'right';
}

/** A table as docker prints it: titles in capitals, three spaces between columns, no lines. Cells are made printable. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], style: Style): string {
	const cells = rows.map(row => row.map(printable));
	const widths = columns.map((column, i) =>
		cells.reduce((most, row) => Math.max(most, textWidth(row[i] ?? '')), textWidth(column.title)),
	);
	const line = (row: readonly string[]): string =>
		row
			.map((cell, i) => (columns[i]!.align === 'right' ? padStart(cell, widths[i]!) : padEnd(cell, widths[i]!)))
			.join('   ')
			.trimEnd();
	return [style.dim(line(columns.map(column => column.title))), ...cells.map(line), ''].join('\n');
}

/** `Key:   value` lines with values in one column; values of several lines are indented under the first. */
export function renderFields(fields: readonly (readonly [string, string | readonly string[]])[], style: Style): string {
	const shown = fields.filter(([, value]) => value.length > 0);
	const width = Math.max(0, ...shown.map(([name]) => name.length));
	return shown
		.flatMap(([name, value]) =>
			(typeof value === 'string' ? [value] : value).map(
				(line, i) => `${style.bold(padEnd(i === 0 ? `${name}:` : '', width + 1))}  ${printable(line)}`,
			),
		)
		.concat('')
		.join('\n');
}
