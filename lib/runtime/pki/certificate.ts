import {bitString, sequence, smallInteger, tagged, time, unsignedInteger} from './der.js';
import type {Signer} from './keys.js';

/** The parts of a certificate, those that are names and keys already as DER. */
export interface CertificateParts {
	readonly serial: Buffer;
	readonly issuer: Buffer;
	readonly subject: Buffer;
	readonly notBefore: Date;
	readonly notAfter: Date;
	readonly publicKeyInfo: Buffer;
	readonly extensions: readonly Buffer[];
}

/** An X.509 version 3 certificate (RFC 5280, 4.1) as PEM. */
export function signCertificate(parts: CertificateParts, signer: Signer): string {
	const toBeSigned = sequence(
		tagged(0, smallInteger(2)),
		unsignedInteger(parts.serial),
		signer.algorithm,
		parts.issuer,
		sequence(time(parts.notBefore), time(parts.notAfter)),
		parts.subject,
		parts.publicKeyInfo,
		tagged(3, sequence(...parts.extensions)),
	);
	return pem('CERTIFICATE', sequence(toBeSigned, signer.algorithm, bitString(signer.sign(toBeSigned))));
}

function pem(label: string, bytes: Buffer): string {
	const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
	return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
