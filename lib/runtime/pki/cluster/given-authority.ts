import {SealError} from '../../../core/errors.js';
import type {Secret} from '../../../core/secret.js';
import {readPrivateKey, signerOf} from '../keys.js';
import {type ReadCertificate, readCertificates} from '../read-certificate.js';
import type {AuthorityId} from './places.js';

/** An authority of the cluster: made by us, found on masters, or brought along by the user. */
export interface ClusterAuthority {
	readonly id: AuthorityId;
	/** The certificate that signs, followed by those above it, up to the root. */
	readonly chainPem: string;
	/** The certificate that signs, alone. */
	readonly certPem: string;
	/** What a leaf's file holds after the leaf, so that who knows the root alone can follow. Empty under a root. */
	readonly intermediatesPem: string;
	/** Absent where somebody else signs: then every certificate has to be there already. */
	readonly keyPem: Secret | undefined;
	/** The first of the chain to end. */
	readonly notAfter: Date;
}

/** An authority as a user brings it along. */
export interface GivenAuthority {
	/** PEM: the authority that signs first, then those above it, up to the root. */
	readonly certPem: string;
	readonly keyPem?: Secret | undefined;
}

/**
 * Checks an authority and the chain above it.
 * @param name for messages: the path of the file
 * @throws SealError ERR_PKI_AUTHORITY with what is wrong, ERR_CERTIFICATE when a file cannot be read
 */
export function readAuthority(
	id: AuthorityId,
	{certPem, keyPem}: GivenAuthority,
	name: string,
	now: Date,
): ClusterAuthority {
	const chain = readCertificates(certPem, name);
	const [signer] = chain as [ReadCertificate];
	for (const [index, certificate] of chain.entries()) {
		const problem = linkProblem(certificate, chain[index + 1], index, now);
		if (problem === undefined) continue;
		const [why, hint] = problem;
		throw new SealError('ERR_PKI_AUTHORITY', `${name} cannot be the authority "${id}": ${nameOf(certificate)} ${why}`, {
			hint,
		});
	}
	if (keyPem !== undefined) checkKey(id, signer, keyPem, name);
	const pems = chain.map(({x509}) => x509.toString());
	return {
		id,
		chainPem: pems.join(''),
		certPem: pems[0] ?? '',
		intermediatesPem: pems.slice(0, -1).join(''),
		keyPem,
		notAfter: new Date(Math.min(...chain.map(({notAfter}) => notAfter.getTime()))),
	};
}

/** What is wrong with one certificate of a chain, and what to do. `index` authorities stand below it. */
function linkProblem(
	certificate: ReadCertificate,
	above: ReadCertificate | undefined,
	index: number,
	now: Date,
): readonly [string, string] | undefined {
	const {x509, notBefore, notAfter, maySign, pathLength, isWeak} = certificate;
	const isRoot = x509.checkIssued(x509) && x509.verify(x509.publicKey);
	if (!maySign)
		return ['is no authority that may sign certificates', 'Give a certificate with CA:TRUE and keyCertSign.'];
	if (notBefore > now) return ['is not valid yet', 'Check the clock of this machine.'];
	if (notAfter <= now) return [`ended on ${dateText(notAfter)}`, 'Give an authority that is still valid.'];
	if (pathLength !== undefined && pathLength < index)
		return [`allows no more than ${pathLength} authorities below it`, 'Sign with an authority that stands higher.'];
	if (isRoot) {
		return above === undefined
			? undefined
			: [
					'is a root, and more certificates follow it',
					'End the file with the root, and leave out what does not belong.',
				];
	}
	if (isWeak) return ['is signed with a broken hash', 'Have it signed anew with SHA-256.'];
	if (above === undefined)
		// Programs with OpenSSL, as Python's, follow a chain up to a root.
		return ['is no root, and nothing follows it', 'Add the certificates above it to the file, the root last.'];
	if (!x509.checkIssued(above.x509) || !x509.verify(above.x509.publicKey))
		return [`is not signed by ${nameOf(above)}`, 'Put each certificate before the one that signed it.'];
	return undefined;
}

function checkKey(id: AuthorityId, {x509}: ReadCertificate, keyPem: Secret, name: string): void {
	const key = readPrivateKey(keyPem, `The key of ${name}`);
	signerOf(key);
	if (x509.checkPrivateKey(key)) return;
	throw new SealError('ERR_PKI_AUTHORITY', `The key of the authority "${id}" does not belong to ${name}`, {
		hint: 'Give the key of the first certificate in the file.',
	});
}

function nameOf({x509}: ReadCertificate): string {
	return `"${x509.subject.replaceAll('\n', ', ')}"`;
}

function dateText(date: Date): string {
	return date.toISOString().slice(0, 10);
}
