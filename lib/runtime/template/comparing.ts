import {compareVersions, isVersion} from '../../core/version-order.js';
import type {TemplateFunctions} from './render.js';
import {isTrue, kindOf} from './values.js';

/** Go's comparisons, and what sprig adds for values that may be missing. */
export const comparing: TemplateFunctions = {
	// `and` and `or` are part of the language (render.ts): they do not look at all of their arguments.
	not: (value: unknown) => !isTrue(value),
	eq: (first: unknown, ...others: readonly unknown[]) => others.some(other => isSame(first, other)),
	ne: (a: unknown, b: unknown) => !isSame(a, b),
	lt: (a: unknown, b: unknown) => order(a, b) < 0,
	le: (a: unknown, b: unknown) => order(a, b) <= 0,
	gt: (a: unknown, b: unknown) => order(a, b) > 0,
	ge: (a: unknown, b: unknown) => order(a, b) >= 0,
	default: (usual: unknown, value?: unknown) => (isTrue(value) ? value : usual),
	empty: (value: unknown) => !isTrue(value),
	coalesce: (...values: readonly unknown[]) => values.find(isTrue),
	all: (...values: readonly unknown[]) => values.every(isTrue),
	any: (...values: readonly unknown[]) => values.some(isTrue),
	ternary: (yes: unknown, no: unknown, value: unknown) => (isTrue(value) ? yes : no),
	required(message: string, value: unknown) {
		if (value === undefined || value === null || value === '') throw new Error(String(message));
		return value;
	},
	fail(message: string) {
		throw new Error(String(message));
	},
	kindOf: (value: unknown) => goKind(value),
	kindIs: (kind: string, value: unknown) => goKind(value) === kind,
	semverCompare: (range: string, version: string) => satisfies(String(range), String(version)),
};

/** Numbers in texts are texts: Go refuses to compare them, and so do we. */
function isSame(a: unknown, b: unknown): boolean {
	if (a === undefined || a === null || b === undefined || b === null) return (a ?? null) === (b ?? null);
	if (typeof a !== typeof b) throw new Error(`${kindOf(a)} and ${kindOf(b)} cannot be compared`);
	return typeof a === 'object' ? JSON.stringify(a) === JSON.stringify(b) : a === b;
}

function order(a: unknown, b: unknown): number {
	if (typeof a === 'number' && typeof b === 'number') return a - b;
	if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
	throw new Error(`${kindOf(a)} and ${kindOf(b)} have no order`);
}

function goKind(value: unknown): string {
	if (value === undefined || value === null) return 'invalid';
	if (Array.isArray(value)) return 'slice';
	if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
	return {string: 'string', boolean: 'bool', object: 'map'}[typeof value as 'string' | 'boolean' | 'object'];
}

/** Ranges of Masterminds/semver: `||` of blank- or comma-separated comparisons; `^1.2`, `~1.2`, `1.2.x`, `1.2 - 1.4`. */
function satisfies(range: string, version: string): boolean {
	if (!isVersion(version)) throw new Error(`${JSON.stringify(version)} is no version`);
	return range.split('||').some(part => {
		const joined = part
			.trim()
			.replaceAll(/(\S+)\s+-\s+(\S+)/g, '>=$1 <=$2')
			.replaceAll(/([<>=!~^]+)\s+/g, '$1');
		return joined.split(/[\s,]+/).every(comparison => comparison === '' || holds(comparison, version));
	});
}

function holds(comparison: string, version: string): boolean {
	const [, sign = '', text = ''] = /^([<>=!~^]*)(.*)$/.exec(comparison) ?? [];
	if (text === '*' || text === 'x' || text === '') return true;
	const numbers = text
		.replace(/^v/, '')
		.split(/[-+]/)[0]!
		.split('.')
		.filter(part => !/^[xX*]$/.test(part));
	if (!numbers.every(part => /^\d+$/.test(part)))
		throw new Error(`${JSON.stringify(comparison)} is no range of versions`);
	const isPartial = numbers.length < 3;
	const isBelow = (bound: readonly string[]): boolean => compareVersions(version, padded(bound)) < 0;
	const least = isPartial ? padded(numbers) : text;
	const compared = compareVersions(version, least);
	switch (sign) {
		case '>=':
			return compared >= 0;
		case '<':
			return compared < 0;
		case '>':
			return isPartial ? !isBelow(next(numbers, numbers.length - 1)) : compared > 0;
		case '<=':
			return isPartial ? isBelow(next(numbers, numbers.length - 1)) : compared <= 0;
		case '~':
			return compared >= 0 && isBelow(next(numbers, Math.min(1, numbers.length - 1)));
		case '^':
			return (
				compared >= 0 &&
				isBelow(
					next(
						numbers,
						Math.max(
							0,
							numbers.findIndex(part => part !== '0'),
						),
					),
				)
			);
		case '':
		case '=':
			return isPartial ? compared >= 0 && isBelow(next(numbers, numbers.length - 1)) : compared === 0;
		case '!=':
			return isPartial ? compared < 0 || !isBelow(next(numbers, numbers.length - 1)) : compared !== 0;
		default:
			throw new Error(`${JSON.stringify(comparison)} is no range of versions`);
	}
}

function next(numbers: readonly string[], at: number): readonly string[] {
	return numbers.slice(0, at + 1).map((part, index) => (index === at ? String(Number(part) + 1) : part));
}

function padded(numbers: readonly string[]): string {
	return [...numbers, '0', '0', '0'].slice(0, 3).join('.');
}
