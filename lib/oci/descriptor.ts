import {SealError} from '../core/errors.js';
import {type Digest, digestOf, isDigest} from './digest.js';
import type {Platform} from './platform.js';

/** image-spec, descriptor.md: what content is, where to find it and how to know it is right. */
export interface Descriptor {
	readonly mediaType: string;
	readonly digest: Digest;
	readonly size: number;
	readonly urls?: readonly string[];
	readonly annotations?: Readonly<Record<string, string>>;
	readonly data?: string;
	readonly artifactType?: string;
	readonly platform?: Platform;
}

/** The descriptor of bytes at hand. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
	return {mediaType, digest: digestOf(bytes), size: bytes.length};
}

/**
 * Checks the fields that everything else relies on. Unknown fields are kept.
 * @throws SealError ERR_MANIFEST_INVALID
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
	const candidate = value as Partial<Descriptor> | null;
	if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate))
		throw invalid(where, 'is no object');
	if (typeof candidate.mediaType !== 'string' || candidate.mediaType === '') throw invalid(where, 'has no mediaType');
	if (!isDigest(candidate.digest)) throw invalid(where, `has no usable digest (${JSON.stringify(candidate.digest)})`);
	if (!Number.isSafeInteger(candidate.size) || (candidate.size as number) < 0)
		throw invalid(where, `has an impossible size (${String(candidate.size)})`);
	return candidate as Descriptor;
}

function invalid(where: string, what: string): SealError {
	return new SealError('ERR_MANIFEST_INVALID', `The descriptor at ${where} ${what}`);
}
