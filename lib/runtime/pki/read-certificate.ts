import {X509Certificate} from 'node:crypto';
import {SealError} from '../../core/errors.js';
import {objectIdentifier} from './der.js';
import {subjectKeyIdentifier} from './extensions.js';
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
		const x509 = new X509Certificate(pem);
		const body = readDer(readDer(readDer(x509.raw)[0]?.content ?? empty)[0]?.content ?? empty);
		// version 3: [0], serial, algorithm, issuer, validity, subject, key, [3] extensions
		const [version, , , , validity, subject, key, ...rest] = body;
		const [notBefore, notAfter] = readDer(validity?.content ?? empty);
		if (version?.tag !== 0xa0 || subject === undefined || key === undefined)
			throw new RangeError('It is not version 3');
		return {
			x509,
			subject: subject.whole,
			keyIdentifier: givenIdentifier(rest) ?? keyIdentifier(key.whole),
			notBefore: readTime(notBefore),
			notAfter: readTime(notAfter),
		};
	} catch (error) {
		throw new SealError('ERR_CERTIFICATE', `${name} holds no certificate that can be read`, {
			hint: 'Give a PEM file that begins with the certificate.',
			cause: error,
		});
	}
}

const empty = Buffer.alloc(0);
const identifierOid = objectIdentifier(subjectKeyIdentifier);

/** Authorities made by others name their keys in their own way, and what they sign has to use that name. */
function givenIdentifier(rest: readonly DerValue[]): Buffer | undefined {
	const list = rest.find(({tag}) => tag === 0xa3);
	for (const {content} of readDer(readDer(list?.content ?? empty)[0]?.content ?? empty)) {
		const parts = readDer(content);
		if (parts[0]?.whole.equals(identifierOid)) return readDer(parts.at(-1)?.content ?? empty)[0]?.content;
	}
	return undefined;
}

function readTime(given: DerValue | undefined): Date {
	const digits = given?.content.toString('latin1') ?? '';
	const [, short, long, rest] = /^(?:(\d\d)|(\d{4}))(\d{10})Z$/.exec(digits) ?? [];
	if (rest === undefined) throw new RangeError(`${JSON.stringify(digits.slice(0, 30))} is no time`);
	// RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
	const year = long ?? `${Number(short) >= 50 ? '19' : '20'}${short}`;
	const [month, day, hour, minute, second] = rest.match(/\d\d/g) ?? [];
	return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
