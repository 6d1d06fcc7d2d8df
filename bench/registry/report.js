import {cpus} from 'node:os';

export function machine(runs) {
	return (
		`Measured on ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}; ` +
		`median of ${runs} runs, contents in the page cache.`
	);
}

/** One row per load and server; ratios of throughput against docker-registry. */
export function formatLoads(rows) {
	if (rows.length === 0) return '';
	const lines = [
		'| load | server | throughput | ratio | p50 ms | p99 ms | CPU s/GB | peak MB |',
		'|---|---|---:|---:|---:|---:|---:|---:|',
	];
	for (const row of rows) {
		const rate = one => one.bytesPerSecond ?? one.perSecond;
		const peer = rows.find(one => one.load === row.load && one.server === 'docker-registry');
		const cells = [
			row.load,
			row.serverTitle,
			row.bytesPerSecond === undefined
				? `${row.perSecond.toFixed(0)}/s`
				: `${(row.bytesPerSecond / 1e6).toFixed(0)} MB/s`,
			peer === undefined || peer === row ? '' : (rate(row) / rate(peer)).toFixed(2),
			(row.p50 * 1000).toFixed(1),
			(row.p99 * 1000).toFixed(1),
			row.cpuPerGB?.toFixed(2) ?? '',
			(row.peakBytes / 1e6).toFixed(0),
		];
		lines.push(`| ${cells.join(' | ')} |`);
	}
	return lines.join('\n');
}

/** One row per transfer and tool; ratios of time against sealimage. */
export function formatTransfers(rows) {
	if (rows.length === 0) return '';
	const lines = ['| transfer | tool | seconds | times slower | CPU s | peak MB |', '|---|---|---:|---:|---:|---:|'];
	for (const what of new Set(rows.map(row => row.what))) {
		for (const row of rows.filter(one => one.what === what)) {
			const ours = rows.find(one => one.what === what && one.tool === 'sealimage');
			const ratio = ours === undefined || ours === row ? '' : (row.seconds / ours.seconds).toFixed(1);
			const cells = [
				what,
				row.toolTitle,
				row.seconds.toFixed(2),
				ratio,
				row.cpuSeconds.toFixed(1),
				(row.peakBytes / 1e6).toFixed(0),
			];
			lines.push(`| ${cells.join(' | ')} |`);
		}
	}
	return lines.join('\n');
}
