import {isIPv4, isIPv6} from 'node:net';
import {SealError} from '../../core/errors.js';
import {readPlace} from './address.js';

/** More hosts than this are a slip of the finger, not a cluster. */
const maxHosts = 16_384;

/**
 * The addresses of `10.0.0.5-10.0.0.9`, `10.0.0.5-9`, `fd00::5-fd00::9`, both ends included; any other place is itself.
 * @throws SealError ERR_HOST_RANGE, ERR_HOST_INVALID
 */
export function expandPlace(place: string, text: string): readonly string[] {
	const dash = place.indexOf('-');
	const first = place.slice(0, dash);
	if (dash < 0 || !(isIPv4(first) || isIPv6(first))) return [readPlace(place, text)];
	const last = lastOf(first, place.slice(dash + 1));
	if (isIPv4(first) !== isIPv4(last)) throw broken(text, 'one end is IPv4, the other IPv6');
	if (first.includes('%') || last.includes('%'))
		throw broken(text, 'an address with a zone can be in no range', 'Name these hosts one by one.');
	const [from, to] = [numberOf(readPlace(first, text)), numberOf(readPlace(last, text))];
	if (to < from) throw broken(text, `it ends before it begins`, `Write ${last}-${first}.`);
	if (to - from >= BigInt(maxHosts)) {
		throw broken(text, `it has ${to - from + 1n} addresses, and ${maxHosts} is the most`, 'Check both ends.');
	}
	const isV4 = isIPv4(first);
	return Array.from({length: Number(to - from) + 1}, (_, i) => {
		const number = from + BigInt(i);
		return isV4 ? formatV4(number) : readPlace(formatV6(number), text);
	});
}

/** @throws SealError ERR_HOST_RANGE for a list with more hosts than any cluster has */
export function checkCount(hosts: number): void {
	if (hosts <= maxHosts) return;
	throw new SealError('ERR_HOST_RANGE', `The list has more than ${maxHosts} hosts`, {
		hint: 'Check the ranges, or take the hosts in several runs.',
	});
}

/** `9` after `10.0.0.5` is `10.0.0.9`. */
function lastOf(first: string, written: string): string {
	return isIPv4(first) && /^\d{1,3}$/.test(written) ? first.replace(/\d+$/, String(Number(written))) : written;
}

function broken(text: string, why: string, hint?: string): SealError {
	return new SealError('ERR_HOST_RANGE', `The range ${JSON.stringify(text.slice(0, 100))} cannot be used: ${why}`, {
		hint: hint ?? 'Write a range as 10.0.0.5-10.0.0.9.',
	});
}

function numberOf(address: string): bigint {
	if (isIPv4(address)) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
	const [head = '', tail] = address.split('::');
	const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
	const [before, after] = [groups(head), groups(tail ?? '')];
	const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
	return [...before, ...Array<string>(zeros).fill('0'), ...after].reduce(
		(sum, group) => sum * 65_536n + BigInt(`0x${group}`),
		0n,
	);
}

function formatV4(number: bigint): string {
	return [24n, 16n, 8n, 0n].map(shift => (number >> shift) & 255n).join('.');
}

function formatV6(number: bigint): string {
	return Array.from({length: 8}, (_, i) => ((number >> BigInt(112 - 16 * i)) & 65_535n).toString(16)).join(':');
}
