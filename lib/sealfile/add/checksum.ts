import {createHash} from 'node:crypto';
import {SealError} from '../../core/errors.js';

/** A checksum of file content: what `--checksum` of a URL gives. */
export interface Checksum {
	readonly algorithm: 'sha256' | 'sha384' | 'sha512';
	readonly hex: string;
}

const hexLengths = new Map([
	['sha256', 64],
	['sha384', 96],
	['sha512', 128],
]);

/**
 * Reads `sha256:<hex>`, `sha384:<hex>` or `sha512:<hex>`.
 * @throws SealError ERR_CHECKSUM
 */
export function parseChecksum(text: string): Checksum {
	const [algorithm = '', hex = '', ...rest] = text.split(':');
	const length = hexLengths.get(algorithm);
	const details = {checksum: text};
	if (length === undefined) {
		throw new SealError('ERR_CHECKSUM', `Unsupported digest algorithm ${JSON.stringify(algorithm)} in --checksum`, {
			hint: 'Give a checksum such as sha256:<64 hexadecimal digits>.',
			details,
		});
	}
	if (rest.length > 0 || hex.length !== length || !/^[0-9a-f]+$/.test(hex)) {
		throw new SealError(
			'ERR_CHECKSUM',
			`The ${algorithm} in --checksum is not ${length} lower-case hexadecimal digits`,
			{
				hint: 'Copy the checksum as the publisher prints it.',
				details,
			},
		);
	}
	return {algorithm: algorithm as Checksum['algorithm'], hex};
}

/** Collects the digests of bytes as they pass: always sha256, and what a checksum asks for. */
export interface Hashes {
	update(chunk: Uint8Array): void;
	/** The sha256 as `sha256:<hex>`. */
	digest(): string;
	/** @throws SealError ERR_CHECKSUM when the bytes are not those that were promised */
	verify(what: string): void;
}

export function createHashes(expected: Checksum | undefined): Hashes {
	const sha256 = createHash('sha256');
	const other = expected === undefined || expected.algorithm === 'sha256' ? undefined : createHash(expected.algorithm);
	const digest = once(() => sha256.digest('hex'));
	return {
		update(chunk) {
			sha256.update(chunk);
			other?.update(chunk);
		},
		digest: () => `sha256:${digest()}`,
		verify(what) {
			if (expected === undefined) return;
			const found = other === undefined ? digest() : other.digest('hex');
			if (found === expected.hex) return;
			throw new SealError(
				'ERR_CHECKSUM',
				`Digest mismatch of ${what}: expected ${expected.algorithm}:${expected.hex}, found ${expected.algorithm}:${found}`,
				{
					hint: 'Check the checksum, and whether the file was replaced by its publisher.',
					details: {expected: `${expected.algorithm}:${expected.hex}`, found: `${expected.algorithm}:${found}`},
				},
			);
		},
	};
}

function once<T>(make: () => T): () => T {
	let made: {readonly value: T} | undefined;
	return () => {
		made ??= {value: make()};
		return made.value;
	};
}
