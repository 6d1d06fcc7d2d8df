import {isIP} from 'node:net';
import {isAbsolute} from 'node:path';
import {SealError} from '../../core/errors.js';

/** What the registry of one host does: the content of /etc/sealimage/registry.json. It holds no secret. */
export interface MirrorConfig {
	readonly version: 1;
	/** The folder with the content, in the stock layout. */
	readonly root: string;
	/** Plain HTTP on loopback: what containerd asks. */
	readonly port: number;
	/** What this host gives the others: only what it has itself, over TLS and with a login. */
	readonly network?: NetworkConfig | undefined;
	/** The registries of the others, in the order in which they are asked: `https://10.0.0.5:5443`. */
	readonly upstreams: readonly string[];
	/** Whether a tag that is here is given out without asking the others. */
	readonly prefer: 'local' | 'upstream';
	/** Paths of what is needed to ask the others. */
	readonly authority?: string | undefined;
	readonly login?: string | undefined;
}

export interface NetworkConfig {
	readonly address: string;
	readonly port: number;
	/** Paths. */
	readonly certificate: string;
	readonly key: string;
	readonly htpasswd: string;
}

/** @throws SealError ERR_MIRROR_CONFIG */
export function parseMirrorConfig(text: string, name: string): MirrorConfig {
	const fields = readObject(text, name);
	const check = <T>(key: string, test: (value: unknown) => value is T, what: string, from = fields): T => {
		const found = from[key];
		if (test(found)) return found;
		throw wrong(name, `${key} has to be ${what}`);
	};
	if (fields.version !== 1)
		throw wrong(name, `the version ${String(JSON.stringify(fields.version)).slice(0, 40)} is not known`);
	const upstreams = check('upstreams', isUrlList, 'a list of https addresses');
	const reaches = upstreams.length > 0;
	const network = fields.network === undefined ? undefined : check('network', isRecord, 'an object');
	return {
		version: 1,
		root: check('root', isPath, 'an absolute path'),
		port: check('port', isPort, 'a port'),
		upstreams,
		prefer: check('prefer', isPreference, '"local" or "upstream"'),
		...(reaches ? {authority: check('authority', isPath, 'an absolute path')} : {}),
		...(reaches ? {login: check('login', isPath, 'an absolute path')} : {}),
		...(network === undefined
			? {}
			: {
					network: {
						address: check('address', isAddress, 'an IP address', network),
						port: check('port', isPort, 'a port', network),
						certificate: check('certificate', isPath, 'an absolute path', network),
						key: check('key', isPath, 'an absolute path', network),
						htpasswd: check('htpasswd', isPath, 'an absolute path', network),
					},
				}),
	};
}

export function formatMirrorConfig(config: MirrorConfig): string {
	return `${JSON.stringify(config, undefined, '\t')}\n`;
}

/** Who a host is to the registries of the others: the content of login.json. */
export interface MirrorLogin {
	readonly username: string;
	readonly password: string;
}

/** @throws SealError ERR_MIRROR_CONFIG; what it holds is not shown */
export function parseMirrorLogin(text: string, name: string): MirrorLogin {
	const {username, password} = readObject(text, name);
	const isText = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,72}$/.test(value);
	if (!isText(username) || !isText(password) || username.includes(':')) {
		throw wrong(name, 'it has to hold a username and a password of at most 72 characters');
	}
	return {username, password};
}

export function formatMirrorLogin({username, password}: MirrorLogin): string {
	return `${JSON.stringify({username, password})}\n`;
}

function readObject(text: string, name: string): Readonly<Record<string, unknown>> {
	try {
		const found: unknown = JSON.parse(text);
		if (isRecord(found)) return found;
	} catch {
		// Said below: the parser's message quotes the text.
	}
	throw wrong(name, 'it is no JSON object');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPath(value: unknown): value is string {
	return typeof value === 'string' && isAbsolute(value) && !value.includes('\0');
}

function isPort(value: unknown): value is number {
	return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}

function isAddress(value: unknown): value is string {
	return typeof value === 'string' && isIP(value) !== 0;
}

function isPreference(value: unknown): value is MirrorConfig['prefer'] {
	return value === 'local' || value === 'upstream';
}

function isUrlList(value: unknown): value is readonly string[] {
	const isUrl = (url: unknown): boolean => typeof url === 'string' && /^https:\/\//.test(url) && URL.canParse(url);
	return Array.isArray(value) && value.length <= 1000 && value.every(isUrl);
}

function wrong(name: string, why: string): SealError {
	return new SealError('ERR_MIRROR_CONFIG', `${name} cannot be used: ${why}`, {
		hint: 'Write it anew with "sealimage registry install".',
	});
}
