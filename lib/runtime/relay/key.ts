import {createHmac} from 'node:crypto';

/** The bytes of a relay's key. */
export const keyBytes = 32;

/**
 * What one host proves itself with to the relay of another. It follows from the relay's key and the name under which the host
 * connects, so that a relay needs no list of its clients, and a host that is compromised can neither pose as another one nor
 * as the relay of another one.
 */
export function pairKey(relayKey: Buffer, identity: string): Buffer {
	return createHmac('sha256', relayKey).update(`sealimage relay\0${identity}`).digest();
}

/** TLS 1.3 with a pre-shared key and a fresh exchange for each connection. The key callbacks of OpenSSL take no other suite of TLS 1.3. */
export const tlsOptions = {
	minVersion: 'TLSv1.3',
	maxVersion: 'TLSv1.3',
	ciphers: 'TLS_AES_128_GCM_SHA256',
} as const;
