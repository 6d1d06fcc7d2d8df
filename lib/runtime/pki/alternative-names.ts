import {isIP} from 'node:net';
import {SealError} from '../../core/errors.js';
import {addressBytes, addressText} from '../../core/ip-address.js';
import {sequence, taggedPrimitive} from './der.js';

/**
 * The content of a subjectAltName extension: addresses as addresses, all else as DNS names.
 * @param names `10.0.0.5`, `fd00::5`, `registry.internal`, `*.example.com`; duplicates are left out
 * @throws SealError ERR_CERTIFICATE
 */
export function encodeAlternativeNames(names: readonly string[]): Buffer {
	const unique = new Map(names.map(name => [canonicalName(name), name]));
	return sequence(...[...unique.keys()].map(name => (isIP(name) === 0 ? dnsName(name) : ipAddress(name))));
}

/**
 * A name in the one spelling that is compared: lower case, addresses in their shortest form.
 * @throws SealError ERR_CERTIFICATE
 */
export function canonicalName(name: string): string {
	if (isIP(name) !== 0 && !name.includes('%')) return addressText(addressBytes(name));
	const lower = name.toLowerCase();
	const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
	if (lower.length > 253 || !new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`).test(lower)) {
		throw new SealError(
			'ERR_CERTIFICATE',
			`${JSON.stringify(name.slice(0, 300))} is neither a host name nor an address`,
			{
				hint: 'Name hosts by their DNS name or by an address without a zone.',
			},
		);
	}
	return lower;
}

function dnsName(name: string): Buffer {
	return taggedPrimitive(2, Buffer.from(name, 'latin1'));
}

function ipAddress(address: string): Buffer {
	return taggedPrimitive(7, addressBytes(address));
}
