import {type KeyObject, randomBytes} from 'node:crypto';
import {SealError} from '../../core/errors.js';
import type {Secret} from '../../core/secret.js';
import {signCertificate} from './certificate.js';
import {authorityExtensions, type KeyPurpose, leafExtensions} from './extensions.js';
import {
	generateKey,
	type KeyAlgorithm,
	keyIdentifier,
	privateKeyPem,
	publicKeyInfo,
	readPrivateKey,
	signerOf,
} from './keys.js';
import {readCertificate} from './read-certificate.js';
import {encodeSubject, type Subject} from './subject.js';

/** A certificate and its private key. */
export interface KeyPair {
	readonly certPem: string;
	readonly keyPem: Secret;
}

/** Where time and chance come from; tests pass their own. */
export interface Circumstances {
	readonly now?: Date | undefined;
	/** As many random bytes as asked for. */
	readonly random?: ((bytes: number) => Buffer) | undefined;
}

export interface AuthorityRequest extends Circumstances {
	readonly subject: Subject;
	/** Default: as long as everything that it signs within ten years may live. */
	readonly years?: number | undefined;
	readonly algorithm?: KeyAlgorithm | undefined;
	/** A private key that is there already; a new one is made otherwise. */
	readonly key?: KeyObject | undefined;
	/** How many authorities may stand between this one and a leaf. Default 0. */
	readonly pathLength?: number | undefined;
	/** kubeadm's authorities carry their common name as a DNS name, too. */
	readonly alternativeNames?: readonly string[] | undefined;
}

export interface LeafRequest extends Circumstances {
	readonly subject: Subject;
	readonly purposes: readonly KeyPurpose[];
	/** Host names and addresses that it serves; none for clients. */
	readonly alternativeNames?: readonly string[] | undefined;
	/** Default 100: 99 whole years are promised, with room for clocks and for the day of issue. Never beyond the authority. */
	readonly years?: number | undefined;
	/** Nor beyond this: an authority that stands above the authority may end sooner. */
	readonly until?: Date | undefined;
	readonly algorithm?: KeyAlgorithm | undefined;
	/** A private key that is there already; a new one is made otherwise. */
	readonly key?: KeyObject | undefined;
}

/** What leaves live; the authority outlives those that are issued in its first ten years. */
const leafYears = 100;
const authorityYears = 110;
/** Hosts whose clocks are behind accept a new certificate all the same. */
const backdatedMs = 24 * 60 * 60 * 1000;

/** A new authority that signed itself. @throws SealError ERR_CERTIFICATE */
export async function createAuthority(request: AuthorityRequest): Promise<KeyPair> {
	const {now = new Date(), years = authorityYears, pathLength = 0, alternativeNames = []} = request;
	const key = request.key ?? (await generateKey(request.algorithm));
	const info = publicKeyInfo(key);
	const name = encodeSubject(request.subject);
	const certPem = signCertificate(
		{
			serial: serial(request),
			issuer: name,
			subject: name,
			notBefore: new Date(now.getTime() - backdatedMs),
			notAfter: yearsAfter(now, years),
			publicKeyInfo: info,
			extensions: authorityExtensions(keyIdentifier(info), alternativeNames, pathLength),
		},
		signerOf(key),
	);
	return {certPem, keyPem: privateKeyPem(key)};
}

/**
 * A certificate that an authority signed, with its key. The authority may be anyone's.
 * @throws SealError ERR_CERTIFICATE when the authority cannot sign: it ended, is none, or the key is another's
 */
export async function issueLeaf(authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
	const {now = new Date(), years = leafYears, purposes, alternativeNames = []} = request;
	const {certificate, key: authorityKey} = openAuthority(authority, now);
	const key = request.key ?? (await generateKey(request.algorithm));
	const info = publicKeyInfo(key);
	const certPem = signCertificate(
		{
			serial: serial(request),
			issuer: certificate.subject,
			subject: encodeSubject(request.subject),
			notBefore: latest(certificate.notBefore, new Date(now.getTime() - backdatedMs)),
			notAfter: earliest(earliest(certificate.notAfter, request.until ?? certificate.notAfter), yearsAfter(now, years)),
			publicKeyInfo: info,
			extensions: leafExtensions({
				purposes,
				alternativeNames,
				enciphers: key.asymmetricKeyType === 'rsa',
				subjectKey: keyIdentifier(info),
				authorityKey: certificate.keyIdentifier,
			}),
		},
		signerOf(authorityKey),
	);
	return {certPem, keyPem: privateKeyPem(key)};
}

function openAuthority({certPem, keyPem}: KeyPair, now: Date) {
	const certificate = readCertificate(certPem, 'The authority');
	const key = readPrivateKey(keyPem, 'The key of the authority');
	const {x509, notAfter} = certificate;
	const refuse = (why: string): SealError =>
		new SealError('ERR_CERTIFICATE', `The authority ${x509.subject.replaceAll('\n', ', ')} cannot sign: ${why}`, {
			hint: 'Give the certificate and the key of one authority that is still valid.',
		});
	if (!x509.ca) throw refuse('it is no authority');
	if (!x509.checkPrivateKey(key)) throw refuse('the key is not its own');
	if (notAfter <= now) throw refuse(`it ended on ${notAfter.toISOString().slice(0, 10)}`);
	return {certificate, key};
}

/** RFC 5280, 4.1.2.2: positive, at most 20 bytes, and here 127 bits of chance. */
function serial({random = randomBytes}: Circumstances): Buffer {
	const bytes = Buffer.from(random(16));
	bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
	return bytes;
}

/** The same day so many calendar years later. */
export function yearsAfter(date: Date, years: number): Date {
	const after = new Date(date);
	after.setUTCFullYear(date.getUTCFullYear() + years);
	return after;
}

function earliest(a: Date, b: Date): Date {
	return a < b ? a : b;
}

function latest(a: Date, b: Date): Date {
	return a > b ? a : b;
}
