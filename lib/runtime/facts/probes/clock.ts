import type {Probe} from '../probe.js';

/** When the script began, by the host's clock. */
export interface HostTime {
	readonly epochMs: number;
	/** How much later it may have been: a second where `date` knows no fractions. */
	readonly coarseMs: number;
}

/** The first thing the host says, so that its arrival is close to when it was said. */
export const clockProbe: Probe<HostTime | undefined> = {
	script: () => `say clock "$(date +%s.%N 2>/dev/null || date +%s 2>/dev/null)"`,
	read: answers => {
		const match = /^(\d{1,12})(?:\.(\d{1,9}))?/.exec(answers.said('clock')[0] ?? '');
		if (match === null) return undefined;
		const fraction = match[2];
		return {
			epochMs: Number(match[1]) * 1000 + (fraction === undefined ? 0 : Number(`0.${fraction}`) * 1000),
			coarseMs: fraction === undefined ? 1000 : 0,
		};
	},
};
