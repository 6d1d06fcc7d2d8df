import {hasCode} from '../../core/errors.js';
import {canonicalName} from './alternative-names.js';
import type {KeyPair} from './authority.js';
import {readPrivateKey} from './keys.js';
import {readCertificate} from './read-certificate.js';

export interface LeafDemands {
	/** The certificate of the authority. */
	readonly authorityPem: string;
	/** Names and addresses that it has to serve. */
	readonly alternativeNames: readonly string[];
	readonly now: Date;
	/** It has to be good for so many more days. Default 365. */
	readonly days?: number | undefined;
}

/** Why a certificate has to be issued anew, in a few words; undefined when it may stay. */
export function leafProblem(pair: KeyPair, demands: LeafDemands): string | undefined {
	const {alternativeNames, now, days = 365} = demands;
	try {
		const {x509, notBefore, notAfter} = readCertificate(pair.certPem, 'The certificate');
		const authority = readCertificate(demands.authorityPem, 'The authority').x509;
		if (!x509.checkIssued(authority) || !x509.verify(authority.publicKey)) return 'another authority signed it';
		if (!x509.checkPrivateKey(readPrivateKey(pair.keyPem, 'The key'))) return 'its key is another one';
		if (notBefore > now) return 'it is not valid yet';
		if (notAfter.getTime() - now.getTime() < days * 86_400_000)
			return `it ends on ${notAfter.toISOString().slice(0, 10)}`;
		const named = namesOf(x509.subjectAltName ?? '');
		const missing = alternativeNames.find(name => !named.has(canonicalName(name)));
		return missing === undefined ? undefined : `it does not name ${missing}`;
	} catch (error) {
		if (hasCode(error, 'ERR_CERTIFICATE')) return 'it cannot be read';
		throw error;
	}
}

/** Node's text form: `DNS:a.example, IP Address:10.0.0.5`. Names that would be ambiguous there are quoted by Node, and are none of ours. */
function namesOf(text: string): ReadonlySet<string> {
	const names = text.split(', ').map(entry => entry.replace(/^(?:DNS|IP Address):/, ''));
	return new Set(names.filter(name => !name.includes('"')).map(name => tryCanonical(name)));
}

function tryCanonical(name: string): string {
	try {
		return canonicalName(name);
	} catch {
		return name;
	}
}
