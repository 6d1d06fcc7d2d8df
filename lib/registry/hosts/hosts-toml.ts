import {resolve} from 'node:path';
import type {HttpTls} from '../../core/http.js';
import {parseToml, type TomlTable} from '../../core/toml.js';
import {configError, readAuthorities, readClientPair} from './config-file.js';
import {allUses, type EndpointUse} from './endpoint.js';

/** One endpoint of containerd's `hosts.toml`. */
export interface HostEntry {
	/** Undefined for the registry itself under its own name. */
	readonly url: URL | undefined;
	readonly basePath: string;
	readonly uses: readonly EndpointUse[];
	/** Files; read when the endpoint is used. */
	readonly ca: readonly string[];
	readonly client: readonly (readonly [string, string])[];
	readonly skipVerify: boolean | undefined;
	readonly headers: Readonly<Record<string, string>>;
	readonly connectTimeoutMs: number | undefined;
}

/**
 * Reads a `hosts.toml`: the hosts in the order of the file, then the server. Paths are relative to the file's folder.
 * @throws SealError ERR_TOML, ERR_REGISTRY_CONFIG; containerd would pass over a broken file and ask the wrong place
 */
export function parseHostsToml(text: string, file: string): readonly HostEntry[] {
	const document = parseToml(text, file);
	const hosts = document.host ?? {};
	if (!isTable(hosts)) throw configError(file, '"host" is no table');
	const entries = Object.entries(hosts).map(([url, table]) => {
		if (!isTable(table)) throw configError(file, `host."${url}" is no table`);
		return readEntry(table, url, file, `host."${url}".`);
	});
	const {server} = document;
	if (server !== undefined && typeof server !== 'string') throw configError(file, '"server" is no text');
	return [...entries, readEntry(document, server === '' ? undefined : server, file, '')];
}

/** The certificates of an entry. @throws SealError naming the file */
export async function readHostTls({ca, client, skipVerify}: HostEntry): Promise<HttpTls | undefined> {
	if (ca.length === 0 && client.length === 0 && skipVerify !== true) return undefined;
	return {
		ca: await Promise.all(ca.map(readAuthorities)),
		client: await Promise.all(client.map(async ([cert, key]) => readClientPair(cert, key))),
		insecure: skipVerify === true,
	};
}

function readEntry(table: TomlTable, server: string | undefined, file: string, at: string): HostEntry {
	const bad = (key: string, wanted: string): Error => configError(file, `"${at}${key}" is not ${wanted}`);
	const bool = (key: string): boolean | undefined => {
		const value = table[key];
		if (value !== undefined && typeof value !== 'boolean') throw bad(key, 'true or false');
		return value;
	};
	const url = server === undefined ? undefined : readUrl(server, file);
	const {dial_timeout: dial} = table;
	const connectTimeoutMs = dial === undefined ? undefined : durationMs(dial);
	if (dial !== undefined && connectTimeoutMs === undefined) throw bad('dial_timeout', 'a duration like "3s"');
	const path = (relative: unknown): string => {
		if (typeof relative !== 'string' || relative === '') throw bad('ca or client', 'the name of a file');
		return resolve(file, '..', relative);
	};
	return {
		url,
		basePath: basePath(url, bool('override_path') === true),
		uses: readUses(table.capabilities, bad),
		ca: table.ca === undefined ? [] : [table.ca].flat().map(path),
		client: readPairs(table.client, path, bad),
		skipVerify: bool('skip_verify'),
		headers: readHeaders(table.header, bad),
		connectTimeoutMs,
	};
}

type Bad = (key: string, wanted: string) => Error;

function readUrl(text: string, file: string): URL {
	const whole = /^https?:\/\//i.test(text) ? text : `https://${text}`;
	const url = URL.canParse(whole) ? new URL(whole) : undefined;
	if (url === undefined || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
		throw configError(file, `"${text.slice(0, 200)}" is no address of a registry`);
	return url;
}

/** `/v2` is appended unless it is there, or the path is told to stand as it is. */
function basePath(url: URL | undefined, override: boolean): string {
	const path = (url?.pathname ?? '').replace(/\/+$/, '');
	return override || path.endsWith('/v2') ? path : `${path}/v2`;
}

function readUses(value: unknown, bad: Bad): readonly EndpointUse[] {
	if (value === undefined || (Array.isArray(value) && value.length === 0)) return allUses;
	if (!Array.isArray(value)) throw bad('capabilities', 'a list');
	return value.map(one => {
		const use = allUses.find(known => typeof one === 'string' && known === one.toLowerCase());
		if (use === undefined) throw bad('capabilities', `a list of ${allUses.join(', ')}`);
		return use;
	});
}

/** A file with both, several of them, or pairs of certificate and key. */
function readPairs(value: unknown, path: (relative: unknown) => string, bad: Bad): HostEntry['client'] {
	if (value === undefined) return [];
	const items: readonly unknown[] = Array.isArray(value) ? value : [value];
	return items.map(item => {
		if (!Array.isArray(item)) return [path(item), path(item)] as const;
		if (item.length !== 2) throw bad('client', 'a list of pairs');
		return [path(item[0]), path(item[1])] as const;
	});
}

function readHeaders(value: unknown, bad: Bad): Readonly<Record<string, string>> {
	if (value === undefined) return {};
	if (!isTable(value)) throw bad('header', 'a table');
	return Object.fromEntries(
		Object.entries(value).map(([name, given]) => {
			const texts: readonly unknown[] = Array.isArray(given) ? given : [given];
			const isGood = texts.every(text => typeof text === 'string' && /^[\t\x20-\x7e]*$/.test(text));
			if (!isGood || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw bad(`header.${name}`, 'a header');
			return [name.toLowerCase(), texts.join(', ')];
		}),
	);
}

const units: Readonly<Record<string, number>> = {ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000};

/** Go's durations: `3s`, `1m30s`, `500ms`. */
function durationMs(value: unknown): number | undefined {
	if (typeof value !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(value)) return undefined;
	const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
	const total = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0);
	return Math.max(1, Math.round(total));
}

function isTable(value: unknown): value is TomlTable {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
