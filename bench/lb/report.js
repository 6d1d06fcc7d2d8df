import {median} from '../measure.js';

const policyTitles = {sealimage: 'sealimage', lvscare: 'the policy of lvscare, same probes and kernel code'};
const wayTitles = {
	direct: 'straight to one server',
	ipvs: 'sealimage, IPVS',
	nftables: 'sealimage, nftables',
	haproxy: 'haproxy 2.6, mode tcp',
};

export function formatFailover(rows) {
	if (rows.length === 0) return '';
	const of = (list, pick) => list.map(pick).filter(value => value !== undefined);
	const both = list => (list.length === 0 ? 'never' : `${whole(median(list))} / ${whole(Math.max(...list))} ms`);
	const crashTable = table(
		[
			'power cut of one of three',
			'runs',
			'last failed connection was begun (median / worst)',
			'and given up by the client, 1 s later',
			'failed',
			'long connections told of it',
			'the last of them',
			'long ones of others cut',
		],
		rows.map(({policy, crashes}) => [
			policyTitles[policy],
			crashes.length,
			both(of(crashes, one => one.lastBegunMs)),
			both(of(crashes, one => one.lastGivenUpMs)),
			whole(median(crashes.map(one => one.failed))),
			`${sum(crashes, one => one.longTold)} of ${sum(crashes, one => one.longTold + one.longUntold)}`,
			both(of(crashes, one => one.longToldMs)),
			sum(crashes, one => one.othersCut),
		]),
	);
	const drainTable = table(
		['planned end, 3 s after its notice', 'runs', 'failed connections in all'],
		rows.map(({policy, planned}) => [policyTitles[policy], planned.length, sum(planned, one => one.failed)]),
	);
	return `${crashTable}\n\n${drainTable}`;
}

export function formatPath(rows) {
	return [...new Set(rows.map(row => row.where))]
		.map(where =>
			table(
				[
					`on ${where}`,
					'way',
					'per second',
					'of straight',
					'p50 ms',
					'p99 ms',
					'CPU s for 10,000',
					'more than straight',
				],
				rows
					.filter(row => row.where === where)
					.map(row => {
						const direct = rows.find(one => one.where === where && one.load === row.load && one.way === 'direct');
						return [
							row.title,
							wayTitles[row.way],
							whole(row.perSecond),
							(row.perSecond / direct.perSecond).toFixed(2),
							row.p50.toFixed(1),
							row.p99.toFixed(1),
							row.cpuPer10000.toFixed(2),
							row === direct ? '' : (row.cpuPer10000 - direct.cpuPer10000).toFixed(2),
						];
					}),
			),
		)
		.join('\n\n');
}

export function formatIdle(rows) {
	if (rows.length === 0) return '';
	return table(
		[
			'balancer on',
			'members',
			'resident MB',
			'private MB',
			'of it heap and stacks',
			'at most',
			'CPU of one processor',
			'seconds',
		],
		rows.map(row => [
			row.where,
			row.members,
			row.residentMB.toFixed(1),
			row.privateMB.toFixed(1),
			row.anonymousMB.toFixed(1),
			row.peakMB.toFixed(1),
			`${row.cpuPercent.toFixed(2)}%`,
			row.seconds,
		]),
	);
}

function sum(list, pick) {
	return list.reduce((total, one) => total + pick(one), 0);
}

function whole(number) {
	return number.toFixed(0);
}

function table(titles, rows) {
	const line = cells => `| ${cells.join(' | ')} |`;
	return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}
