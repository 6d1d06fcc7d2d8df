import {table} from '../table.js';

const titles = {
	sealimage: 'sealimage distribute',
	scp: 'scp -r, all hosts at once',
	rsync: 'rsync -a, all hosts at once',
};

export function formatReal({real, sizeMB}) {
	if (real.length === 0) return '';
	const rows = real.map(({hosts, tool, first, again, changed}) => [
		hosts,
		titles[tool],
		`${first.toFixed(1)} s`,
		`${again.toFixed(1)} s`,
		`${changed.toFixed(1)} s`,
	]);
	const {agentSeconds} = real[0];
	const agent =
		agentSeconds > 0 ? `\nInstalling the agent on all hosts before that took ${agentSeconds.toFixed(1)} s.` : '';
	return `${table(['hosts', `${sizeMB} MB with`, 'first', 'again', 'one component changed'], rows)}${agent}`;
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
