import {UsageError} from './usage-error.js';

const units: Readonly<Record<string, number>> = {s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000};

/** Milliseconds of `90s`, `36h`, `1h30m`, `30d`, `2w`, `0`. @throws UsageError naming the flag */
export function readDuration(flag: string, text: string): number {
	const parts = [...text.matchAll(/(\d{1,9})([smhdw])/g)];
	if (text === '0') return 0;
	if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
		throw new UsageError(`${flag}: ${JSON.stringify(text.slice(0, 80))} is no length of time`, {
			hint: 'Write it as 90s, 15m, 36h, 30d or 2w.',
		});
	}
	return parts.reduce((sum, [, number, unit = 's']) => sum + Number(number) * (units[unit] ?? 0), 0);
}
