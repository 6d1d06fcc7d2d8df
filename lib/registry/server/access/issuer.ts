import {createPublicKey, type JsonWebKey, type KeyObject, X509Certificate} from 'node:crypto';
import {SealError} from '../../../core/errors.js';
import {type Claims, type JwtKey, verifyJwt} from './jwt.js';

/** A token server of somebody else, whose tokens are taken. */
export interface OutsideIssuer {
	/** The `iss` of its tokens. */
	readonly issuer: string;
	/** The `aud` of tokens for us, and the `service` that clients are told to ask it for. */
	readonly service: string;
	/** Where clients get tokens: an http or https URL. */
	readonly realm: string;
	/** A file with its public keys: PEM (keys or certificates, several are fine) or a JSON Web Key Set. */
	readonly keyFile: string;
}

const maxKeys = 64;

/**
 * Reads public keys for RS256 (2048 bits and more) and ES256.
 * @throws SealError ERR_ACCESS_FILE
 */
export function parseKeys(text: string, name: string): readonly JwtKey[] {
	const keys = text.trimStart().startsWith('{') ? readKeySet(text, name) : readPem(text, name);
	if (keys.length === 0) throw invalid(name, 'holds no public key');
	if (keys.length > maxKeys) throw invalid(name, `holds more than ${maxKeys} keys`);
	return keys;
}

/** The claims of a token of this issuer that is meant for us, or undefined. */
export function readOutsideToken(
	token: string,
	keys: readonly JwtKey[],
	{issuer, service}: OutsideIssuer,
	nowMs: number,
): Claims | undefined {
	return verifyJwt(token, keys, {issuer, audience: service, nowMs});
}

function readPem(text: string, name: string): JwtKey[] {
	const blocks = text.matchAll(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g);
	return [...blocks].map(([block, label = '']) => {
		if (label.endsWith('PRIVATE KEY')) {
			throw invalid(name, 'holds a private key', 'Name a file with the public key of the issuer.');
		}
		return keyOf(
			name,
			() => (label.endsWith('CERTIFICATE') ? new X509Certificate(block).publicKey : createPublicKey(block)),
			undefined,
		);
	});
}

function readKeySet(text: string, name: string): JwtKey[] {
	let keys: unknown;
	try {
		keys = (JSON.parse(text) as {keys?: unknown}).keys;
	} catch (error) {
		throw invalid(name, 'is no JSON', undefined, error);
	}
	if (!Array.isArray(keys)) throw invalid(name, 'is no JSON Web Key Set');
	return keys
		.filter((jwk: {use?: unknown} | null) => jwk?.use === undefined || jwk.use === 'sig')
		.map((jwk: {kid?: unknown; d?: unknown} | null) => {
			if (jwk?.d !== undefined) throw invalid(name, 'holds a private key', 'Name a file with the public keys only.');
			const id = typeof jwk?.kid === 'string' ? jwk.kid : undefined;
			return keyOf(name, () => createPublicKey({key: jwk as JsonWebKey, format: 'jwk'}), id);
		});
}

function keyOf(name: string, read: () => KeyObject, id: string | undefined): JwtKey {
	let key: KeyObject;
	try {
		key = read();
	} catch (error) {
		throw invalid(name, 'holds a key that cannot be read', undefined, error);
	}
	const {modulusLength = 0, namedCurve} = key.asymmetricKeyDetails ?? {};
	if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) return {algorithm: 'RS256', key, id};
	if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return {algorithm: 'ES256', key, id};
	throw invalid(name, 'holds a key that is neither RSA of at least 2048 bits nor of the curve P-256');
}

function invalid(name: string, what: string, hint?: string, cause?: unknown): SealError {
	return new SealError('ERR_ACCESS_FILE', `The key file ${name} ${what}`, {
		hint: hint ?? 'Give the public keys as PEM or as a JSON Web Key Set.',
		details: {file: name},
		cause,
	});
}
