import {X509Certificate} from 'node:crypto';
import {SealError} from '../../core/errors.js';
import {objectIdentifier} from './der.js';
import {basicConstraints, keyUsage, subjectKeyIdentifier} from './extensions.js';
import {keyIdentifier} from './keys.js';
import {type DerValue, readDer} from './read-der.js';

/** What signing with a certificate, and judging one, needs beyond what Node tells. */
export interface ReadCertificate {
	readonly x509: X509Certificate;
	/** The distinguished name as it was written: an issuer must repeat it byte for byte. */
	readonly subject: Buffer;
	readonly keyIdentifier: Buffer;
	readonly notBefore: Date;
	readonly notAfter: Date;
	/** It is an authority whose key may sign certificates. */
	readonly maySign: boolean;
	/** How many authorities may stand below it; undefined: any number. */
	readonly pathLength: number | undefined;
	/** The hash of its signature is broken (MD5, SHA-1): Go and OpenSSL take it from nobody but a root. */
	readonly isWeak: boolean;
}

const maxBytes = 64 * 1024;

/**
 * Reads the first certificate of a PEM document.
 * @param name for messages: the path of the file
 * @throws SealError ERR_CERTIFICATE
 */
export function readCertificate(pem: string, name: string): ReadCertificate {
	try {
		if (pem.length > maxBytes) throw new RangeError(`There are more than ${maxBytes} bytes`);
		return parse(new X509Certificate(pem));
	} catch (error) {
		throw new SealError('ERR_CERTIFICATE', `${name} holds no certificate that can be read`, {
			hint: 'Give a PEM file that begins with the certificate.',
			cause: error,
		});
	}
}

/**
 * Reads all certificates of a PEM document: at least one, at most ten.
 * @throws SealError ERR_CERTIFICATE when one of them cannot be read
 */
export function readCertificates(pem: string, name: string): readonly ReadCertificate[] {
	const blocks = pem.length > maxBytes ? [] : (pem.match(certificateBlock) ?? []);
	if (blocks.length > 10) {
		throw new SealError('ERR_CERTIFICATE', `${name} holds ${blocks.length} certificates, more than a chain has`, {
			hint: 'Leave the certificate and those of its authorities, up to ten.',
		});
	}
	return blocks.length === 0 ? [readCertificate(pem, name)] : blocks.map(block => readCertificate(block, name));
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const empty = Buffer.alloc(0);
const oids = {
	keyIdentifier: objectIdentifier(subjectKeyIdentifier),
	keyUsage: objectIdentifier(keyUsage),
	constraints: objectIdentifier(basicConstraints),
};
/** MD5 and SHA-1 with RSA, SHA-1 with ECDSA. */
const weakAlgorithms = ['1.2.840.113549.1.1.4', '1.2.840.113549.1.1.5', '1.2.840.10045.4.1'].map(objectIdentifier);

function parse(x509: X509Certificate): ReadCertificate {
	const body = readDer(readDer(readDer(x509.raw)[0]?.content ?? empty)[0]?.content ?? empty);
	// version 3: [0], serial, algorithm, issuer, validity, subject, key, [3] extensions
	const [version, , algorithm, , validity, subject, key, ...rest] = body;
	const [notBefore, notAfter] = readDer(validity?.content ?? empty);
	if (version?.tag !== 0xa0 || subject === undefined || key === undefined) throw new RangeError('It is not version 3');
	const given = extensionsOf(rest);
	const signature = readDer(algorithm?.content ?? empty)[0]?.whole;
	return {
		x509,
		subject: subject.whole,
		// Authorities made by others name their keys in their own way, and what they sign has to use that name.
		keyIdentifier: given(oids.keyIdentifier)[0]?.content ?? keyIdentifier(key.whole),
		notBefore: readTime(notBefore),
		notAfter: readTime(notAfter),
		maySign: x509.ca && signs(given(oids.keyUsage)[0]),
		pathLength: pathLengthOf(given(oids.constraints)[0]),
		isWeak: weakAlgorithms.some(weak => signature?.equals(weak)),
	};
}

/** The values inside an extension, none where it is absent. */
function extensionsOf(rest: readonly DerValue[]): (oid: Buffer) => readonly DerValue[] {
	const list = rest.find(({tag}) => tag === 0xa3);
	const all = readDer(readDer(list?.content ?? empty)[0]?.content ?? empty).map(({content}) => readDer(content));
	return oid => {
		const found = all.find(([name]) => name?.whole.equals(oid));
		return found === undefined ? [] : readDer(found.at(-1)?.content ?? empty);
	};
}

/** Bit 5 of KeyUsage, keyCertSign. Without the extension everything is allowed. */
function signs(usage: DerValue | undefined): boolean {
	return usage === undefined || ((usage.content[1] ?? 0) & 0x04) !== 0;
}

function pathLengthOf(constraints: DerValue | undefined): number | undefined {
	const length = readDer(constraints?.content ?? empty).find(({tag}) => tag === 0x02);
	return length === undefined ? undefined : length.content.length > 1 ? undefined : length.content[0];
}

function readTime(given: DerValue | undefined): Date {
	const digits = given?.content.toString('latin1') ?? '';
	const [, short, long, rest] = /^(?:(\d\d)|(\d{4}))(\d{10})Z$/.exec(digits) ?? [];
	if (rest === undefined) throw new RangeError(`${JSON.stringify(digits.slice(0, 30))} is no time`);
	// RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
	const year = long ?? `${Number(short) >= 50 ? '19' : '20'}${short}`;
	const [month, day, hour, minute, second] = rest.match(/\d\d/g) ?? [];
	const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
	if (Number.isNaN(date.getTime())) throw new RangeError(`${JSON.stringify(digits)} is no time`);
	return date;
}
