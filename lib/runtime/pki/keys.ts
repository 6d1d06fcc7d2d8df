import {createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign} from 'node:crypto';
import {promisify} from 'node:util';
import {SealError} from '../../core/errors.js';
import {Secret} from '../../core/secret.js';
import {nothing, objectIdentifier, sequence} from './der.js';
import {readDer} from './read-der.js';

/** The default is as strong as RSA with 3072 bits, and is made in no time. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** A new private key. */
export async function generateKey(algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<KeyObject> {
	const [kind, size] = algorithm.split('-');
	if (kind === 'ecdsa') {
		const namedCurve = size === 'p384' ? 'P-384' : 'P-256';
		return (await generate('ec', {namedCurve})).privateKey;
	}
	return (await generate('rsa', {modulusLength: Number(size), publicExponent: 0x1_00_01})).privateKey;
}

/** PKCS #8, which everything from OpenSSL 1.0 on and every Go program reads. */
export function privateKeyPem(key: KeyObject): Secret {
	return new Secret(key.export({type: 'pkcs8', format: 'pem'}).toString());
}

/** @throws SealError ERR_CERTIFICATE; the key is never shown */
export function readPrivateKey(pem: Secret, name: string): KeyObject {
	try {
		return createPrivateKey(pem.reveal());
	} catch {
		// OpenSSL's own message may quote what it could not read.
		throw new SealError('ERR_CERTIFICATE', `${name} holds no private key that can be used`, {
			hint: 'Give an unencrypted PEM file.',
		});
	}
}

/** The SubjectPublicKeyInfo of a private or public key. */
export function publicKeyInfo(key: KeyObject): Buffer {
	const publicKey = key.type === 'private' ? createPublicKey(key) : key;
	return publicKey.export({type: 'spki', format: 'der'});
}

/** The name of a key in subject and authority key identifiers: RFC 7093, method 1, over the bits of the key. */
export function keyIdentifier(info: Buffer): Buffer {
	const [, bits] = readDer(readDer(info)[0]?.content ?? Buffer.alloc(0));
	return createHash('sha256')
		.update(bits?.content.subarray(1) ?? info)
		.digest()
		.subarray(0, 20);
}

/** How a key signs: the AlgorithmIdentifier, and the signature over bytes. */
export interface Signer {
	readonly algorithm: Buffer;
	sign(bytes: Uint8Array): Buffer;
}

/** @throws SealError ERR_CERTIFICATE for keys other than RSA from 2048 bits on, P-256 and P-384 */
export function signerOf(key: KeyObject): Signer {
	const {namedCurve, modulusLength = 0} = key.asymmetricKeyDetails ?? {};
	if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) {
		return {
			algorithm: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing()),
			sign: bytes => sign('sha256', bytes, key),
		};
	}
	const curve = namedCurve === undefined ? undefined : curves[namedCurve];
	if (key.asymmetricKeyType !== 'ec' || curve === undefined) {
		throw new SealError('ERR_CERTIFICATE', `A key of type ${key.asymmetricKeyType} cannot sign certificates here`, {
			hint: 'Use ECDSA with P-256 or P-384, or RSA with 2048 bits or more.',
		});
	}
	return {algorithm: sequence(objectIdentifier(curve.oid)), sign: bytes => sign(curve.hash, bytes, key)};
}

const curves: Readonly<Record<string, {readonly oid: string; readonly hash: string}>> = {
	prime256v1: {oid: '1.2.840.10045.4.3.2', hash: 'sha256'},
	secp384r1: {oid: '1.2.840.10045.4.3.3', hash: 'sha384'},
};

const generate = promisify(generateKeyPair);
