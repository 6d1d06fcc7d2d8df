import {isIPv4, isIPv6} from 'node:net';
import {SealError} from '../../core/errors.js';

/** A stretch of addresses of one family, as numbers. */
export interface Cidr {
	readonly text: string;
	readonly family: 4 | 6;
	readonly first: bigint;
	readonly last: bigint;
}

/** Reads `10.0.0.0/8`, `fd00::/64`, or one address. @throws SealError ERR_CIDR */
export function parseCidr(text: string): Cidr {
	const found = readCidr(text);
	if (found !== undefined) return found;
	throw new SealError('ERR_CIDR', `${JSON.stringify(text.slice(0, 100))} is no network`, {
		hint: 'Write an address and the length of its prefix, as 10.0.0.0/16 or fd00::/64.',
	});
}

/** `parseCidr` for what hosts say: undefined for what is none. */
export function readCidr(text: string): Cidr | undefined {
	const [address = '', length, ...more] = text.split('/');
	const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined;
	if (family === undefined || more.length > 0) return undefined;
	const bits = family === 4 ? 32 : 128;
	if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
	const prefix = length === undefined ? bits : Number(length);
	if (prefix > bits) return undefined;
	const number = family === 4 ? ipv4Number(address) : ipv6Number(address);
	const hostBits = BigInt(bits - prefix);
	const first = (number >> hostBits) << hostBits;
	return {text, family, first, last: first + (1n << hostBits) - 1n};
}

export function overlap(one: Cidr, other: Cidr): boolean {
	return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** The same addresses, however they are written. */
export function isSame(one: Cidr, other: Cidr): boolean {
	return one.family === other.family && one.first === other.first && one.last === other.last;
}

/** The network itself: `10.0.0.0/24` for 10.0.0.5/24. */
export function formatCidr({family, first, last}: Cidr): string {
	const bits = family === 4 ? 32 : 128;
	const prefix = bits - (last - first).toString(2).replace(/^0$/, '').length;
	const hex = first.toString(16).padStart(bits / 4, '0');
	const parts = hex.match(family === 4 ? /../g : /..../g) ?? [];
	const address =
		family === 4
			? parts.map(part => Number.parseInt(part, 16)).join('.')
			: new URL(`http://[${parts.join(':')}]/`).hostname.slice(1, -1);
	return `${address}/${prefix}`;
}

function ipv4Number(address: string): bigint {
	return address.split('.').reduce((number, part) => number * 256n + BigInt(part), 0n);
}

function ipv6Number(address: string): bigint {
	// The URL parser, which is slow, knows those that end as IPv4 does too, and gives groups in hexadecimal.
	const text = address.includes('.') ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
	const [head = '', tail] = text.split('::');
	const before = head.split(':').filter(Boolean);
	const after = (tail ?? '').split(':').filter(Boolean);
	const zeros = Array.from({length: 8 - before.length - after.length}, () => '0');
	return BigInt(`0x${[...before, ...zeros, ...after].map(group => group.padStart(4, '0')).join('')}`);
}
