import {formatBytes} from '../../lib/core/bytes.js';
import {hexOf, isDigest} from '../../lib/oci/digest.js';

export {formatBytes};

/** The digits of a digest that people use: as many as docker shows. */
export function shortDigest(digest: string): string {
	return isDigest(digest) ? hexOf(digest).slice(0, 12) : digest;
}

/** "1 layer", "2 layers". */
export function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

const spans = [
	['year', 365 * 86_400],
	['month', 30 * 86_400],
	['week', 7 * 86_400],
	['day', 86_400],
	['hour', 3600],
	['minute', 60],
	['second', 1],
] as const;

/** "3 days ago"; the date itself for times in the future or of the epoch (reproducible builds), "" for none. */
export function formatAge(created: string | undefined, nowMs: number): string {
	const thenMs = created === undefined ? Number.NaN : Date.parse(created);
	if (Number.isNaN(thenMs)) return '';
	const seconds = Math.floor((nowMs - thenMs) / 1000);
	if (seconds < 0 || thenMs < 86_400_000) return new Date(thenMs).toISOString().slice(0, 10);
	const [unit, size] = spans.find(([, length]) => seconds >= length * 2) ?? ['second', 1];
	const count = Math.floor(seconds / size);
	return count < 2 && unit === 'second' ? 'now' : `${count} ${unit}s ago`;
}
