import {SealError} from '../../core/errors.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import {type BlobParts, partBytes} from '../content/part.js';
import {countParts} from './parts.js';

/** `BlobParts` as it goes over the wire: everything about a part but its digest follows from its place. */
export interface AnnouncedBlob {
	readonly blob: Digest;
	readonly sizeBytes: number;
	readonly mediaType: string;
	readonly diffId?: Digest | undefined;
	readonly parts: readonly Digest[];
}

export function announce({parts, ...blob}: BlobParts): AnnouncedBlob {
	return {...blob, parts: parts.map(part => part.digest)};
}

/** Reads announced blobs. @throws SealError ERR_USAGE */
export function parseAnnounced(value: unknown): ReadonlyMap<Digest, BlobParts> {
	if (!Array.isArray(value)) throw wrong('Blobs are no list');
	return new Map(value.map(item => readBlob(item)).map(blob => [blob.blob, blob]));
}

function readBlob(value: unknown): BlobParts {
	const {blob, sizeBytes, mediaType, diffId, parts} = (value ?? {}) as Partial<AnnouncedBlob>;
	if (!isDigest(blob)) throw wrong('A blob has no digest');
	if (!Number.isSafeInteger(sizeBytes) || (sizeBytes as number) < 0) throw wrong(`The size of ${blob} is no size`);
	if (typeof mediaType !== 'string') throw wrong(`The media type of ${blob} is none`);
	if (diffId !== undefined && !isDigest(diffId)) throw wrong(`The diffID of ${blob} is no digest`);
	const size = sizeBytes as number;
	if (!Array.isArray(parts) || parts.length !== countParts(size) || !parts.every(isDigest))
		throw wrong(`The parts of ${blob} are not those of ${size} bytes`);
	return {
		blob,
		sizeBytes: size,
		mediaType,
		...(diffId === undefined ? {} : {diffId}),
		parts: parts.map((digest: Digest, index) => ({
			blob,
			index,
			sizeBytes: Math.min(partBytes, size - index * partBytes),
			digest,
		})),
	};
}

function wrong(message: string): SealError {
	return new SealError('ERR_USAGE', message);
}
