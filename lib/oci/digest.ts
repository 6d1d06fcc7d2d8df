import {createHash, hash} from 'node:crypto';
import {SealError} from '../core/errors.js';

export type DigestAlgorithm = 'sha256' | 'sha512';

/** `algorithm:hex`, lower case, of a registered algorithm that we can verify (image-spec, descriptor.md, "Digests"). */
export type Digest = `${DigestAlgorithm}:${string}`;

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(value: unknown): value is Digest {
	return typeof value === 'string' && pattern.test(value);
}

/** @throws SealError ERR_DIGEST_INVALID */
export function parseDigest(value: unknown, what = 'Digest'): Digest {
	if (isDigest(value)) return value;
	throw new SealError(
		'ERR_DIGEST_INVALID',
		`${what} is not a sha256 or sha512 digest: ${JSON.stringify(value)?.slice(0, 160)}`,
		{
			hint: 'Write it as sha256: followed by 64 lower-case hexadecimal digits.',
		},
	);
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
	return digest.slice(0, 6) as DigestAlgorithm;
}

export function hexOf(digest: Digest): string {
	return digest.slice(7);
}

/** The digest of bytes at hand. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
	return `${algorithm}:${hash(algorithm, bytes, 'hex')}`;
}

/** A running digest. The only place that makes hashes of content. */
export interface Digester {
	readonly sizeBytes: number;
	update(chunk: Uint8Array): void;
	/** The digest of all so far; no update may follow. */
	finish(): Digest;
}

export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
	const running = createHash(algorithm);
	let sizeBytes = 0;
	return {
		get sizeBytes() {
			return sizeBytes;
		},
		update(chunk) {
			sizeBytes += chunk.length;
			running.update(chunk);
		},
		finish: () => `${algorithm}:${running.digest('hex')}`,
	};
}
