import {table} from '../table.js';

const titles = {
	sealimage: 'sealimage distribute',
	scp: 'scp -r, all hosts at once',
	rsync: 'rsync -a, all hosts at once',
};
const scenarios = {
	first: 'first time',
	again: 'again, nothing to do',
	changed: 'one component changed',
	facts: 'facts',
};

/** A row for each thing done with each tool, a column for each number of hosts. */
export function formatReal({real, sizeMB}) {
	if (real.length === 0) return '';
	const counts = [...new Set(real.map(({hosts}) => hosts))].sort((a, b) => a - b);
	const rows = [];
	for (const [scenario, about] of Object.entries(scenarios)) {
		for (const [tool, title] of Object.entries(titles)) {
			const cells = counts.map(hosts => real.find(row => row.hosts === hosts && row.tool === tool)?.[scenario]);
			if (cells.every(cell => cell === undefined)) continue;
			const name = scenario === 'facts' ? 'sealimage facts' : title;
			rows.push([about, name, ...cells.map(cell => (cell === undefined ? '' : `${cell.toFixed(1)} s`))]);
		}
	}
	const agentSeconds = Math.max(...real.map(row => row.agentSeconds ?? 0));
	const agent =
		agentSeconds > 0 ? `\nInstalling the agent on all hosts before that took ${agentSeconds.toFixed(1)} s.` : '';
	const heads = counts.map(count => `${count} ${count === 1 ? 'host' : 'hosts'}`);
	return `${table([`${sizeMB} MB`, 'tool', ...heads], rows)}${agent}`;
}

export function formatSimulated(rows) {
	if (rows.length === 0) return '';
	return table(
		[
			'simulated hosts',
			'1 GB at 1 Gb/s',
			'bound',
			'one source to all',
			'copies from the operator',
			'most from one host',
			'CPU',
			'memory',
		],
		rows.map(row => [
			row.hosts,
			`${row.seconds.toFixed(1)} s`,
			`${row.boundSeconds.toFixed(1)} s`,
			`${row.directSeconds.toFixed(0)} s`,
			row.copies.toFixed(2),
			`${row.mostGivenCopies.toFixed(2)} copies`,
			`${row.cpuSeconds.toFixed(1)} s`,
			`${row.residentMB.toFixed(0)} MB`,
		]),
	);
}
