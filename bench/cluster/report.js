import {median} from '../measure.js';
import {table} from '../table.js';

/** A row for each tool and size. */
export function formatHosts(rows) {
	if (rows.length === 0) return '';
	const lines = [...new Set(rows.map(({size}) => size))].flatMap(size => {
		const own = rows.filter(row => row.size === size);
		const byHand = own.find(({tool, runs}) => tool === 'by-hand' && runs.length > 0);
		return own.map(({tool, runs, again = [], failed = 0}) => {
			if (runs.length === 0) return [size, tool, 'failed', '', '', '', ''];
			const seconds = median(runs.map(run => run.seconds));
			const ratio = byHand === undefined || tool === 'by-hand' ? '' : (secondsOf(byHand) / seconds).toFixed(2);
			return [
				size,
				tool,
				`${seconds.toFixed(0)} s`,
				ratio,
				`${median(runs.map(run => run.cpuSeconds)).toFixed(0)} s`,
				again.length === 0 ? '' : `${median(again).toFixed(1)} s`,
				failed === 0 ? `${runs.length}` : `${runs.length}, ${failed} failed`,
			];
		});
	});
	const titles = [
		'masters+nodes',
		'tool',
		'until all are Ready',
		'times faster',
		'CPU of all',
		'nothing to do',
		'runs',
	];
	return table(titles, lines);
}

function secondsOf({runs}) {
	return median(runs.map(({seconds}) => seconds));
}

/** When the last run of each tool came to what. */
export function formatSteps({size, tool, runs}) {
	const {seconds, steps} = runs.at(-1);
	const lines = steps.map(({seconds: at, step}) => `  ${at.toFixed(0).padStart(5)} s  ${step}`);
	return [`${tool}, ${size}:`, ...lines, `  ${seconds.toFixed(0).padStart(5)} s  the end`].join('\n');
}

/** Of hosts that are only played: what each thing took, and what of it was the processor's. */
export function formatSimulated(rows) {
	if (rows.length === 0) return '';
	const of = ({seconds, cpuSeconds}) => `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s)`;
	const titles = [
		'hosts',
		'actions',
		'look and plan (CPU)',
		'plan',
		'show',
		'perform',
		'nothing to do',
		'logins at once',
		'peak',
		'state',
	];
	return table(
		titles,
		rows.map(row => [
			row.hosts,
			row.actions,
			of(row.lookAndPlan),
			of(row.plan),
			of(row.show),
			of(row.perform),
			of(row.again),
			row.again.mostAtOnce,
			`${row.peakMB.toFixed(0)} MB`,
			`${(row.stateBytes / 1000).toFixed(0)} kB`,
		]),
	);
}
