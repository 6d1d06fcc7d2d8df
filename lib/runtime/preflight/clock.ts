import type {HostFacts} from '../facts/facts.js';
import {type FleetCheck, type HostCheck, seen} from './check.js';
import type {HostFinding} from './finding.js';

/** Does anything keep the clock? */
export const clockChecks: readonly HostCheck[] = [
	{
		id: 'clock-not-kept',
		severity: 'warning',
		why: 'A clock that nothing corrects drifts, and certificates and etcd depend on clocks that agree.',
		mend: 'Install and start chrony or systemd-timesyncd.',
		look: ({clock, system}) =>
			// Where services cannot be asked, there is nothing to say.
			seen(clock.service === undefined && system.init === 'systemd', () => 'No service keeps the clock'),
	},
];

/** Do the clocks agree? Only what the measurement proves is told: a slow answer makes no skew. */
export const clockFleetChecks: readonly FleetCheck[] = [
	{
		id: 'clock-skew',
		severity: 'error',
		why: 'Certificates are not valid yet, or tokens no longer, on a host whose clock is elsewhere; etcd warns and logs mislead.',
		mend: 'Set the clocks of the hosts from one source, with chrony or systemd-timesyncd.',
		compare: (all, {maxClockSkewMs = defaultMaxSkewMs}) => {
			const clocks = measured(all);
			const middle = median(clocks);
			if (middle === undefined) return [];
			return clocks.flatMap(clock => {
				const apartMs = clock.offsetMs - middle.offsetMs;
				const severity = judge(apartMs, clock.uncertaintyMs + middle.uncertaintyMs, maxClockSkewMs);
				if (severity === undefined) return [];
				return [
					{
						hosts: [clock.host],
						seen: {what: `The clock is ${side(apartMs)} those of most hosts`, detail: duration(apartMs), severity},
					},
				];
			});
		},
	},
	{
		id: 'clock-off-operator',
		severity: 'warning',
		why: 'Certificates made here begin to be valid by the clock of this machine.',
		mend: 'Set the clock of this machine, or those of the hosts, from one source.',
		compare: (all, {maxClockSkewMs = defaultMaxSkewMs}) => {
			const clocks = measured(all);
			const middle = median(clocks);
			if (middle === undefined) return [];
			const severity = judge(middle.offsetMs, middle.uncertaintyMs, maxClockSkewMs);
			if (severity === undefined) return [];
			const whose = clocks.length === 1 ? 'The clock is' : 'The clocks of most hosts are';
			return [
				{
					hosts: clocks.map(({host}) => host),
					seen: {
						what: `${whose} ${side(middle.offsetMs)} that of this machine`,
						detail: duration(middle.offsetMs),
						severity,
					},
				},
			];
		},
	},
];

const defaultMaxSkewMs = 5000;

interface Measured {
	readonly host: string;
	readonly offsetMs: number;
	readonly uncertaintyMs: number;
}

function measured(all: readonly HostFacts[]): readonly Measured[] {
	return all.flatMap(({host, clock: {offsetMs, uncertaintyMs = 0}}) =>
		offsetMs === undefined ? [] : [{host, offsetMs, uncertaintyMs}],
	);
}

/** The clock of most hosts: one host that is wrong does not make the others look wrong. */
function median(clocks: readonly Measured[]): Measured | undefined {
	return clocks.toSorted((a, b) => a.offsetMs - b.offsetMs)[Math.floor((clocks.length - 1) / 2)];
}

function judge(apartMs: number, uncertaintyMs: number, limitMs: number): HostFinding['severity'] | undefined {
	const provenMs = Math.abs(apartMs) - uncertaintyMs;
	if (provenMs > limitMs) return 'error';
	return provenMs > limitMs / 10 ? 'warning' : undefined;
}

function side(ms: number): string {
	return ms > 0 ? 'ahead of' : 'behind';
}

function duration(ms: number): string {
	const seconds = Math.abs(ms) / 1000;
	if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`;
	if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
	return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
