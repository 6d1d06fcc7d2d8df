import {isIPv4, isIPv6} from 'node:net';
import {SealError} from '../../core/errors.js';

/** One machine as people write it. */
export interface HostAddress {
	readonly user?: string | undefined;
	/** Without brackets; IP addresses in their shortest form. */
	readonly address: string;
	readonly port?: number | undefined;
}

/**
 * Reads `[user@]host[:port]`, where a host is a name, an alias, an IPv4 address, or an IPv6 address, which takes brackets
 * when a port follows. Names are no more than what OpenSSH and DNS take, so that none can be mistaken for an option.
 * @throws SealError ERR_HOST_INVALID
 */
export function parseHostAddress(text: string): HostAddress {
	const {user, place, port} = splitHost(text);
	return {user, address: readPlace(place, text), port};
}

/** The parts of `[user@]place[:port]`; the place is not looked at yet. @throws SealError ERR_HOST_INVALID */
export function splitHost(text: string): {
	readonly user: string | undefined;
	readonly place: string;
	readonly port: number | undefined;
} {
	const at = text.lastIndexOf('@');
	const user = at < 0 ? undefined : text.slice(0, at);
	const rest = text.slice(at + 1);
	if (user !== undefined && !/^[^\s\p{Cc}:/-][^\s\p{Cc}:/]{0,255}$/u.test(user)) {
		throw invalid(text, 'the name of the user is empty or has characters that no user name has', 'Write USER@HOST.');
	}
	const bracketed = /^\[([^[\]]+)\](?::(.*))?$/s.exec(rest);
	if (bracketed !== null) return {user, place: bracketed[1]!, port: readPort(bracketed[2], text)};
	const colon = rest.indexOf(':');
	// An address of IPv6 without brackets has several colons, and none of them begins a port.
	if (colon < 0 || rest.includes(':', colon + 1)) return {user, place: rest, port: undefined};
	return {user, place: rest.slice(0, colon), port: readPort(rest.slice(colon + 1), text)};
}

/** An address as it is written before a port. */
export function bracketed(address: string): string {
	return address.includes(':') ? `[${address}]` : address;
}

/** @throws SealError ERR_HOST_INVALID */
export function readPlace(place: string, text: string): string {
	if (isIPv4(place)) return place;
	if (isIPv6(place)) return shortIPv6(place);
	if (place.includes('/')) {
		throw invalid(
			text,
			'a network is not a list of hosts: most of its addresses have no host',
			'Name the hosts, or a range as 10.0.0.5-10.0.0.9.',
		);
	}
	if (/^[\d.]+$/.test(place))
		throw invalid(text, 'it is no IPv4 address', 'Write four numbers from 0 to 255 with dots between them.');
	if (place.includes(':')) throw invalid(text, 'it is no IPv6 address', 'Write [ADDRESS]:PORT, as [fd00::5]:22.');
	if (/^[A-Za-z0-9_](?:[\w.-]{0,251}\w)?\.?$/.test(place)) return place;
	throw invalid(text, 'it is neither a name nor an address', 'Write a host as [USER@]HOST[:PORT].');
}

export function invalid(text: string, why: string, hint: string): SealError {
	return new SealError('ERR_HOST_INVALID', `${JSON.stringify(text.slice(0, 100))} is no host: ${why}`, {hint});
}

function readPort(text: string | undefined, whole: string): number | undefined {
	if (text === undefined) return undefined;
	const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
	if (port > 0 && port <= 65_535) return port;
	throw invalid(whole, `the port is not a number from 1 to 65535`, 'Write HOST:PORT, as 10.0.0.5:22.');
}

/** One spelling for each address (RFC 5952), so that two spellings are seen to be one host. The zone stays. */
function shortIPv6(address: string): string {
	const [plain = '', zone] = address.split('%');
	const short = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
	return zone === undefined ? short : `${short}%${zone}`;
}
