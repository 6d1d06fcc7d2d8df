import {parseToml, type TomlTable} from '../../core/toml.js';
import {configError} from './config-file.js';
import type {EndpointUse} from './endpoint.js';

/** One `[[registry]]` of containers' `registries.conf`, version 2. */
export interface RegistryRule {
	/** `docker.io`, `quay.io/team`, `*.example.com`. */
	readonly prefix: string;
	/** What takes the place of the prefix; undefined when the name stays as it is. */
	readonly location: string | undefined;
	readonly insecure: boolean;
	readonly blocked: boolean;
	readonly mirrors: readonly RegistryMirror[];
	/** For messages. */
	readonly file: string;
}

export interface RegistryMirror {
	readonly location: string;
	readonly insecure: boolean;
	readonly uses: readonly EndpointUse[];
}

/**
 * Reads a `registries.conf`. Short names (`unqualified-search-registries`, `aliases`) are not read: a reference means the
 * same image on every machine.
 * @throws SealError ERR_TOML, ERR_REGISTRY_CONFIG
 */
export function parseRegistriesConf(text: string, file: string): readonly RegistryRule[] {
	const document = parseToml(text, file);
	if (document.registries !== undefined)
		throw configError(file, 'it is of version 1, which has [registries.search] and is no longer read');
	const tables = document.registry ?? [];
	if (!Array.isArray(tables)) throw configError(file, '"registry" is no list of tables: write [[registry]]');
	return tables.map((table: unknown, at) => readRule(table, file, `registry[${at}]`));
}

/** Later rules take the place of earlier ones with the same prefix, as files in registries.conf.d do. */
export function mergeRules(...files: readonly (readonly RegistryRule[])[]): readonly RegistryRule[] {
	return [...new Map(files.flat().map(rule => [rule.prefix, rule])).values()];
}

export interface RuleMatch {
	readonly rule: RegistryRule;
	/** How many characters of the name the prefix stands for. */
	readonly length: number;
}

/** The rule with the longest prefix. @param name host and repository, `docker.io/library/redis` */
export function matchRule(rules: readonly RegistryRule[], name: string): RuleMatch | undefined {
	let best: RuleMatch | undefined;
	for (const rule of rules) {
		const length = matchedLength(rule.prefix, name);
		// A name in full counts more than a wildcard for it.
		const isBetter = length > (best?.length ?? 0) || (length === best?.length && best.rule.prefix.startsWith('*.'));
		if (length > 0 && isBetter) best = {rule, length};
	}
	return best;
}

/** 0 when it does not fit. A host without a port is not the host with one (containers/image calls its own habit unintended). */
function matchedLength(prefix: string, name: string): number {
	if (prefix.startsWith('*.')) {
		const host = name.split('/')[0] ?? '';
		return host.length > prefix.length - 1 && host.endsWith(prefix.slice(1)) ? host.length : 0;
	}
	return name === prefix || name.startsWith(`${prefix}/`) ? prefix.length : 0;
}

function readRule(value: unknown, file: string, at: string): RegistryRule {
	if (!isTable(value)) throw configError(file, `"${at}" is no table`);
	const location = readText(value, 'location', file, at);
	const prefix = readText(value, 'prefix', file, at) ?? location;
	if (prefix === undefined) throw configError(file, `"${at}" has neither a prefix nor a location`);
	if (location !== undefined) checkName(location, file, `${at}.location`);
	checkName(prefix.replace(/^\*\./, ''), file, `${at}.prefix`);
	const digestOnly = readBool(value, 'mirror-by-digest-only', file, at);
	const mirrors = value.mirror ?? [];
	if (!Array.isArray(mirrors))
		throw configError(file, `"${at}.mirror" is no list of tables: write [[registry.mirror]]`);
	return {
		prefix,
		location: location === prefix ? undefined : location,
		insecure: readBool(value, 'insecure', file, at) ?? false,
		blocked: readBool(value, 'blocked', file, at) ?? false,
		mirrors: mirrors.map((mirror: unknown, number) =>
			readMirror(mirror, digestOnly === true, file, `${at}.mirror[${number}]`),
		),
		file,
	};
}

function readMirror(value: unknown, digestOnly: boolean, file: string, at: string): RegistryMirror {
	if (!isTable(value)) throw configError(file, `"${at}" is no table`);
	const location = readText(value, 'location', file, at);
	if (location === undefined) throw configError(file, `"${at}" has no location`);
	checkName(location, file, `${at}.location`);
	const from = readText(value, 'pull-from-mirror', file, at);
	if (from !== undefined && digestOnly)
		throw configError(file, `"${at}.pull-from-mirror" stands beside "mirror-by-digest-only"`);
	const uses = usesOf[digestOnly ? 'digest-only' : (from ?? 'all')];
	if (uses === undefined)
		throw configError(file, `"${at}.pull-from-mirror" is not one of ${Object.keys(usesOf).join(', ')}`);
	return {location, insecure: readBool(value, 'insecure', file, at) ?? false, uses};
}

const usesOf: Readonly<Record<string, readonly EndpointUse[]>> = {
	all: ['pull', 'resolve'],
	'digest-only': ['pull'],
	'tag-only': ['resolve'],
};

function checkName(text: string, file: string, at: string): void {
	const host = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[a-fA-F0-9:]+\\])(?::\\d+)?';
	if (!new RegExp(`^${host}(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$`).test(text))
		throw configError(file, `"${at}" is no host with an optional path: ${JSON.stringify(text.slice(0, 200))}`);
}

function readText(table: TomlTable, key: string, file: string, at: string): string | undefined {
	const value = table[key];
	if (value === undefined || value === '') return undefined;
	if (typeof value !== 'string') throw configError(file, `"${at}.${key}" is no text`);
	return value;
}

function readBool(table: TomlTable, key: string, file: string, at: string): boolean | undefined {
	const value = table[key];
	if (value !== undefined && typeof value !== 'boolean') throw configError(file, `"${at}.${key}" is not true or false`);
	return value;
}

function isTable(value: unknown): value is TomlTable {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
