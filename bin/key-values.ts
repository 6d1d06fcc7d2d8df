import {UsageError} from './usage-error.js';

/**
 * The values of a repeatable `NAME=VALUE` flag as one map; the last of equal names wins. A name without `=` takes its
 * value from `env`, and is left out when it has none there (docker's rule); without `env` its value is empty.
 * @throws UsageError for an empty name
 */
export function readPairs(
	flag: string,
	values: readonly string[],
	env?: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
	const pairs: Array<readonly [string, string]> = [];
	for (const text of values) {
		const equals = text.indexOf('=');
		const name = equals < 0 ? text : text.slice(0, equals);
		if (name.trim() === '') throw new UsageError(`${flag} is NAME=VALUE, found "${text}"`);
		const value = equals >= 0 ? text.slice(equals + 1) : env === undefined ? '' : env[name];
		if (value !== undefined) pairs.push([name, value]);
	}
	return Object.fromEntries(pairs);
}

/** `id=x,src=y` as a map, every key one of `known`. @throws UsageError */
export function readFields<const K extends string>(
	flag: string,
	text: string,
	known: readonly K[],
): Partial<Record<K, string>> {
	const fields: Partial<Record<K, string>> = {};
	for (const part of text.split(',')) {
		const equals = part.indexOf('=');
		const key = known.find(name => name === part.slice(0, equals));
		if (equals < 0 || key === undefined)
			throw new UsageError(`${flag} is a list of ${known.map(name => `${name}=...`).join(',')}, found "${part}"`);
		fields[key] = part.slice(equals + 1);
	}
	return fields;
}
