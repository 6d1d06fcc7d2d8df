import {type Digest, isDigest} from '../../oci/digest.js';
import {type RefusalCode, refuse} from './refusal.js';

/** The digest that a client wrote in a path or query. @throws Refusal DIGEST_INVALID */
export function readDigest(text: string | null, code: RefusalCode = 'DIGEST_INVALID'): Digest {
	if (text !== null && isDigest(text)) return text;
	const message = text === null || text === '' ? 'The digest is missing' : 'The digest is no sha256 or sha512 digest';
	throw refuse(code, message, {detail: {digest: (text ?? '').slice(0, 200)}});
}
