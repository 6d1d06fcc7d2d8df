import {isIPv4, isIPv6} from 'node:net';
import {SealError} from './errors.js';

/** The bytes of an IPv4 or IPv6 address: 4 or 16. @throws SealError ERR_ADDRESS */
export function addressBytes(address: string): Buffer {
	if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
	if (isIPv6(address) && !address.includes('%')) return ipv6Bytes(address);
	throw new SealError('ERR_ADDRESS', `${JSON.stringify(address)} is no IPv4 or IPv6 address`, {
		hint: 'Write it as 10.103.97.2 or fd00::2, without brackets or a zone.',
	});
}

/** The text of 4 or 16 bytes; IPv6 as RFC 5952 wants it, so that equal addresses are equal texts. */
export function addressText(bytes: Uint8Array): string {
	if (bytes.length === 4) return bytes.join('.');
	const groups = Array.from({length: 8}, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
	const [start, length] = longestZeros(groups);
	const hex = groups.map(group => group.toString(16));
	if (length < 2) return hex.join(':');
	return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** `10.0.0.1:6443`, `[fd00::1]:6443`. */
export function endpointText({address, port}: {readonly address: string; readonly port: number}): string {
	return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function ipv6Bytes(address: string): Buffer {
	// A dotted tail stands for the last two groups (RFC 4291, 2.2).
	const tail = /^(.*:)([\d.]+\.[\d.]+)$/.exec(address);
	const [a = 0, b = 0, c = 0, d = 0] = (tail?.[2] ?? '').split('.').map(Number);
	const plain = tail === null ? address : `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
	const [head = '', rest] = plain.split('::');
	const before = head === '' ? [] : head.split(':');
	const after = rest === undefined || rest === '' ? [] : rest.split(':');
	const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
	const bytes = Buffer.alloc(16);
	for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
	return bytes;
}

/** The first longest run of zero groups: where, and how many. */
function longestZeros(groups: readonly number[]): readonly [number, number] {
	let best: readonly [number, number] = [0, 0];
	for (let start = 0; start < groups.length; start++) {
		let length = 0;
		while (groups[start + length] === 0) length++;
		if (length > best[1]) best = [start, length];
	}
	return best;
}
