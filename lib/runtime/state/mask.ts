import type {Secret} from '../../core/secret.js';

/** Takes secrets out of values, wherever they turn up in them. */
export interface Mask {
	add(secret: Secret): void;
	text(text: string): string;
	/** A copy of a JSON value. */
	value(value: unknown): unknown;
}

/** Shorter ones stand in too much that is none. */
const leastChars = 3;
/** Lines of keys. */
const leastLineChars = 16;

/** Secrets are found as they are, in base64, and, when they have several lines, line by line. */
export function createMask(secrets: readonly Secret[]): Mask {
	const hidden = new Set<string>();
	let longestFirst: readonly string[] = [];
	const add = (secret: Secret): void => {
		const value = secret.reveal();
		if (value.length < leastChars) return;
		hidden.add(value);
		hidden.add(Buffer.from(value).toString('base64').replace(/=+$/, ''));
		for (const line of value.split(/\r?\n/)) if (line.length >= leastLineChars) hidden.add(line);
		longestFirst = [...hidden].sort((a, b) => b.length - a.length);
	};
	for (const secret of secrets) add(secret);
	const text = (shown: string): string =>
		longestFirst.reduce(
			(masked, value) => (masked.includes(value) ? masked.replaceAll(value, '[secret]') : masked),
			shown,
		);
	const mask = (value: unknown): unknown => {
		if (typeof value === 'string') return text(value);
		if (Array.isArray(value)) return value.map(mask);
		if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
		return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), mask(item)]));
	};
	return {add, text, value: mask};
}
