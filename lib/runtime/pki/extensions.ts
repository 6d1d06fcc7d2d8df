import {encodeAlternativeNames} from './alternative-names.js';
import {boolean, namedBits, objectIdentifier, octetString, sequence, smallInteger, taggedPrimitive} from './der.js';

/** What a certificate may be used for in TLS. */
export type KeyPurpose = 'server' | 'client';

export interface LeafExtensions {
	readonly purposes: readonly KeyPurpose[];
	/** Host names and addresses; none for clients. */
	readonly alternativeNames: readonly string[];
	/** The key is RSA: TLS 1.2 may then encrypt with it. */
	readonly enciphers: boolean;
	readonly subjectKey: Buffer;
	readonly authorityKey: Buffer;
}

/**
 * Strict verifiers (OpenSSL's -x509_strict, which Python turns on) want all of these: key identifiers everywhere, and key usage and
 * basic constraints of an authority critical (RFC 5280, 4.2.1).
 */
export function authorityExtensions(
	subjectKey: Buffer,
	names: readonly string[],
	pathLength: number | undefined,
	authorityKey: Buffer = subjectKey,
): readonly Buffer[] {
	return [
		extension(
			basicConstraints,
			sequence(boolean(true), ...(pathLength === undefined ? [] : [smallInteger(pathLength)])),
			{
				isCritical: true,
			},
		),
		// kubeadm gives its authorities digitalSignature as well.
		extension(keyUsage, namedBits(digitalSignature, keyCertSign, crlSign), {isCritical: true}),
		extension(subjectKeyIdentifier, octetString(subjectKey)),
		extension(authorityKeyIdentifier, sequence(taggedPrimitive(0, authorityKey))),
		...alternativeNames(names),
	];
}

export function leafExtensions(leaf: LeafExtensions): readonly Buffer[] {
	const usage = leaf.enciphers ? [digitalSignature, keyEncipherment] : [digitalSignature];
	return [
		extension(basicConstraints, sequence(), {isCritical: true}),
		extension(keyUsage, namedBits(...usage), {isCritical: true}),
		extension(extendedKeyUsage, sequence(...leaf.purposes.map(purpose => objectIdentifier(purposes[purpose])))),
		extension(subjectKeyIdentifier, octetString(leaf.subjectKey)),
		extension(authorityKeyIdentifier, sequence(taggedPrimitive(0, leaf.authorityKey))),
		...alternativeNames(leaf.alternativeNames),
	];
}

/** What `readCertificate` looks for. */
export const subjectKeyIdentifier = '2.5.29.14';
export const basicConstraints = '2.5.29.19';
export const keyUsage = '2.5.29.15';

const extendedKeyUsage = '2.5.29.37';
const authorityKeyIdentifier = '2.5.29.35';
const subjectAlternativeName = '2.5.29.17';

const purposes: Readonly<Record<KeyPurpose, string>> = {server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2'};

/** Bits of KeyUsage. */
const digitalSignature = 0;
const keyEncipherment = 2;
const keyCertSign = 5;
const crlSign = 6;

function alternativeNames(names: readonly string[]): readonly Buffer[] {
	return names.length === 0 ? [] : [extension(subjectAlternativeName, encodeAlternativeNames(names))];
}

function extension(oid: string, content: Buffer, {isCritical = false} = {}): Buffer {
	return sequence(objectIdentifier(oid), ...(isCritical ? [boolean(true)] : []), octetString(content));
}
