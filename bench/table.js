/** A table of Markdown. */
export function table(titles, rows) {
	const line = cells => `| ${cells.join(' | ')} |`;
	return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}
