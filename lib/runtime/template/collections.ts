import type {TemplateFunctions} from './render.js';
import {isTrue, kindOf, print} from './values.js';

/** Functions on lists and maps. None changes what it is given, except for `set` and `unset`, which are there to do so. */
export const collections: TemplateFunctions = {
	len(value: unknown) {
		if (typeof value === 'string') return Buffer.byteLength(value);
		if (typeof value === 'object' && value !== null) return (Array.isArray(value) ? value : Object.keys(value)).length;
		throw new Error(`${kindOf(value)} has no length`);
	},
	index: (value: unknown, ...keys: readonly unknown[]) => keys.reduce<unknown>(at, value),
	slice(value: unknown, start = 0, end?: number) {
		if (typeof value === 'string' || Array.isArray(value)) return value.slice(start, end);
		throw new Error(`${kindOf(value)} has no parts`);
	},
	list: (...values: readonly unknown[]) => values,
	tuple: (...values: readonly unknown[]) => values,
	first: (value: unknown) => list(value)[0],
	last: (value: unknown) => list(value).at(-1),
	rest: (value: unknown) => list(value).slice(1),
	initial: (value: unknown) => list(value).slice(0, -1),
	append: (value: unknown, item: unknown) => [...list(value), item],
	prepend: (value: unknown, item: unknown) => [item, ...list(value)],
	concat: (...values: readonly unknown[]) => values.flatMap(value => [...list(value)]),
	reverse: (value: unknown) => [...list(value)].reverse(),
	uniq: (value: unknown) => [...new Map(list(value).map(item => [JSON.stringify(item), item])).values()],
	compact: (value: unknown) => list(value).filter(isTrue),
	has: (item: unknown, value: unknown) => list(value).some(other => JSON.stringify(other) === JSON.stringify(item)),
	without: (value: unknown, ...items: readonly unknown[]) =>
		list(value).filter(other => !items.some(item => JSON.stringify(item) === JSON.stringify(other))),
	dict(...pairs: readonly unknown[]) {
		if (pairs.length % 2 === 1) throw new Error('a key has no value');
		return Object.fromEntries(pairs.flatMap((key, index) => (index % 2 === 0 ? [[print(key), pairs[index + 1]]] : [])));
	},
	get: (value: unknown, key: string) => at(map(value), key) ?? '',
	set(value: Record<string, unknown>, key: string, item: unknown) {
		Object.defineProperty(map(value), key, {value: item, enumerable: true, configurable: true, writable: true});
		return value;
	},
	unset(value: Record<string, unknown>, key: string) {
		delete (map(value) as Record<string, unknown>)[key];
		return value;
	},
	hasKey: (value: unknown, key: string) => Object.hasOwn(map(value), key),
	keys: (...values: readonly unknown[]) => values.flatMap(value => Object.keys(map(value))).sort(),
	values: (value: unknown) =>
		Object.entries(map(value))
			.sort(byKey)
			.map(([, item]) => item),
	pick: (value: unknown, ...keys: readonly string[]) =>
		Object.fromEntries(Object.entries(map(value)).filter(([key]) => keys.includes(key))),
	omit: (value: unknown, ...keys: readonly string[]) =>
		Object.fromEntries(Object.entries(map(value)).filter(([key]) => !keys.includes(key))),
	merge: (...values: readonly unknown[]) => values.reduceRight((below, above) => merged(map(below), map(above)), {}),
	mergeOverwrite: (...values: readonly unknown[]) =>
		values.reduce((below, above) => merged(map(below), map(above)), {}),
};

type Map = Readonly<Record<string, unknown>>;

function at(value: unknown, key: unknown): unknown {
	if (Array.isArray(value)) {
		if (Number.isInteger(key) && (key as number) >= 0 && (key as number) < value.length) return value[key as number];
		throw new Error(`there is no item ${print(key)} in a list of ${value.length}`);
	}
	const name = print(key);
	return Object.hasOwn(map(value), name) ? map(value)[name] : undefined;
}

function list(value: unknown): readonly unknown[] {
	if (Array.isArray(value)) return value as unknown[];
	throw new Error(`a list is needed, and this is ${kindOf(value)}`);
}

function map(value: unknown): Map {
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Map;
	throw new Error(`a map is needed, and this is ${kindOf(value)}`);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
	return a < b ? -1 : 1;
}

function merged(below: Map, above: Map): Map {
	const result = new globalThis.Map(Object.entries(below));
	for (const [key, value] of Object.entries(above)) {
		const before = result.get(key);
		result.set(key, isPlain(before) && isPlain(value) ? merged(before, value) : value);
	}
	return Object.fromEntries(result);
}

function isPlain(value: unknown): value is Map {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
