import {BlockList, isIP} from 'node:net';
import {SealError} from './errors.js';

/** Proxies by scheme of the address that is asked for, and the hosts that are reached without, as NO_PROXY has them. */
export interface ProxySettings {
	readonly http?: string | undefined;
	readonly https?: string | undefined;
	/** Names (with all below them), addresses, CIDR ranges, each with an optional port; `*` for all. Separated by commas or spaces. */
	readonly except?: string | undefined;
}

/** Where a request goes through. */
export interface ProxyRoute {
	/** `http://proxy:3128`, without its login. */
	readonly origin: string;
	/** The value of Proxy-Authorization. */
	readonly authorization?: string | undefined;
}

/**
 * The proxy for an address, or undefined when it is reached directly. This machine itself never is behind a proxy.
 * @throws SealError ERR_NETWORK for a proxy that is no http or https address
 */
export function proxyFor(url: URL, settings: ProxySettings | undefined): ProxyRoute | undefined {
	const text = url.protocol === 'https:' ? settings?.https : settings?.http;
	if (text === undefined || text === '' || isExcepted(url, settings?.except ?? '')) return undefined;
	return readProxy(text);
}

/** Whether NO_PROXY, in the reading of Go's programs and so of every other registry client, names the host of an address. */
export function isExcepted(url: URL, except: string): boolean {
	const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
	if (host === 'localhost' || host.endsWith('.localhost')) return true;
	const address = host.replace(/\.$/, '');
	if (loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return true;
	const port = url.port || (url.protocol === 'https:' ? '443' : '80');
	return except.split(/[\s,]+/).some(entry => matches(entry.toLowerCase(), address, port));
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

function matches(entry: string, host: string, port: string): boolean {
	if (entry === '') return false;
	if (entry === '*') return true;
	const range = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/.exec(entry);
	if (range !== null) return inRange(host, range[1] ?? '', Number(range[2]));
	const {name, port: wantedPort} = splitPort(entry);
	if (wantedPort !== undefined && wantedPort !== port) return false;
	if (isIP(name) !== 0 || isIP(host) !== 0) return sameAddress(name, host);
	// `.example.com` and `*.example.com` mean what is below, `example.com` itself too.
	const below = name.replace(/^\*?\./, '.');
	return below.startsWith('.') ? host.endsWith(below) : host === name || host.endsWith(`.${name}`);
}

function splitPort(entry: string): {readonly name: string; readonly port: string | undefined} {
	const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry);
	if (bracketed !== null) return {name: bracketed[1] ?? '', port: bracketed[2]};
	if (isIP(entry) === 6) return {name: entry, port: undefined};
	const [, name = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
	return {name: name.replace(/(?<=.)\.$/, ''), port};
}

function sameAddress(a: string, b: string): boolean {
	return a === b || inRange(a, b, isIP(b) === 6 ? 128 : 32);
}

function inRange(host: string, net: string, prefix: number): boolean {
	const family = isIP(net);
	if (isIP(host) === 0 || isIP(host) !== family || prefix > (family === 6 ? 128 : 32)) return false;
	const list = new BlockList();
	const type = family === 6 ? 'ipv6' : 'ipv4';
	list.addSubnet(net, prefix, type);
	return list.check(host, type);
}

function readProxy(text: string): ProxyRoute {
	const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
	const url = URL.canParse(whole) ? new URL(whole) : undefined;
	if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
		// The text may hold a password.
		throw new SealError('ERR_NETWORK', 'The proxy that was set is no http or https address', {
			hint: 'Write it as http://host:port in HTTP_PROXY and HTTPS_PROXY.',
		});
	}
	const {username, password} = url;
	if (username === '' && password === '') return {origin: url.origin};
	const login = `${decodePercents(username)}:${decodePercents(password)}`;
	return {origin: url.origin, authorization: `Basic ${Buffer.from(login).toString('base64')}`};
}

/** The text as it is when it is no percent encoding: a password may hold a bare `%`. */
export function decodePercents(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
