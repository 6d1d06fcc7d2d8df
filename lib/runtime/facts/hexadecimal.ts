/** Addresses as /proc/net writes them. Both functions give undefined for what is none. */

/** `0500000A` is 10.0.0.5: the bytes of a word in the order of a little-endian machine, as all that sealimage runs on are but one. */
export function readIPv4(hex: string): string | undefined {
	if (!/^[0-9A-Fa-f]{8}$/.test(hex)) return undefined;
	return [...Buffer.from(hex, 'hex')].reverse().join('.');
}

/** `wordwise`: four little-endian words (net/tcp6, net/udp6); otherwise the bytes in order (net/ipv6_route, net/if_inet6). */
export function readIPv6(hex: string, order: 'wordwise' | 'plain'): string | undefined {
	if (!/^[0-9A-Fa-f]{32}$/.test(hex)) return undefined;
	const bytes = Buffer.from(hex, 'hex');
	if (order === 'wordwise') bytes.swap32();
	const groups = Array.from({length: 8}, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
	// Node has no other function that writes an address in its shortest form (RFC 5952).
	return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** The bits that are set at the front of a mask such as `00FFFFFF` (255.255.255.0). */
export function maskLength(hex: string): number | undefined {
	if (!/^[0-9A-Fa-f]{8}$/.test(hex)) return undefined;
	return Buffer.from(hex, 'hex').swap32().readUInt32BE().toString(2).padStart(32, '0').replace(/0+$/, '').length;
}
