import {cpus} from 'node:os';

/** The results as one markdown table per scenario, ratios against the first tool of each row group. */
export function formatReport(results) {
	const lines = [
		`Measured on ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}; ` +
			`median of ${results.runs} runs, inputs in the page cache.`,
		'',
	];
	for (const scenario of new Set(results.rows.map(row => row.scenario))) {
		lines.push(`**${scenario}**`, '', '| input | tool | seconds | times slower | CPU s | peak MB | result MB |');
		lines.push('|---|---|---:|---:|---:|---:|---:|');
		for (const row of results.rows.filter(item => item.scenario === scenario)) lines.push(formatRow(row, results.rows));
		lines.push('');
	}
	return lines.join('\n');
}

function formatRow(row, rows) {
	const ours = rows.find(
		item => item.tool === 'sealimage' && item.corpus === row.corpus && item.scenario === row.scenario,
	);
	const ratio = ours === undefined || ours === row ? '' : (row.wallSeconds / ours.wallSeconds).toFixed(1);
	const cells = [
		row.corpusTitle,
		row.toolTitle,
		row.wallSeconds.toFixed(2),
		ratio,
		row.cpuSeconds.toFixed(1),
		(row.peakBytes / 1e6).toFixed(0),
		// Rebuilds leave the results of earlier runs in the layout, so their size says nothing.
		row.fresh ? (row.resultBytes / 1e6).toFixed(0) : '',
	];
	return `| ${cells.join(' | ')} |`;
}
