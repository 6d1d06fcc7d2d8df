import {mkdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {Abortable} from '../../core/events.js';
import type {ContentReader} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {createDigester, type Digest, hexOf, isDigest} from '../../oci/digest.js';
import {type BlobParts, type Part, partBytes} from '../content/part.js';

/** A store of images with a place for what can be computed again. */
export interface PartSource extends ContentReader {
	/** For derived data that may be deleted at any time. */
	readonly cacheDir: string;
}

/** How many parts a blob of this size has; an empty one has one. */
export function countParts(sizeBytes: number): number {
	return Math.max(1, Math.ceil(sizeBytes / partBytes));
}

/**
 * The parts of a blob. Blobs of one part have its digest; others are read once, and what was found is kept beside the store.
 * @throws SealError as `ContentReader.fetch`: the whole is verified by the same reading
 */
export async function partsOf(
	source: PartSource,
	descriptor: Descriptor,
	diffId: Digest | undefined,
	options: Abortable = {},
): Promise<BlobParts> {
	const {digest: blob, size: sizeBytes, mediaType} = descriptor;
	const digests = await partDigests(source, descriptor, options);
	const parts = digests.map((digest, index): Part => {
		const rest = sizeBytes - index * partBytes;
		return {blob, index, sizeBytes: Math.min(rest, partBytes), digest};
	});
	return {blob, sizeBytes, mediaType, ...(diffId === undefined ? {} : {diffId}), parts};
}

/** Raised when the size of parts or the form of the notes changes. */
const version = 'parts-1';

async function partDigests(source: PartSource, descriptor: Descriptor, options: Abortable): Promise<readonly Digest[]> {
	const {digest, size} = descriptor;
	if (size <= partBytes) return [digest];
	const path = join(source.cacheDir, version, hexOf(digest).slice(0, 2), hexOf(digest));
	const known = readNote(await readFile(path, 'utf8').catch(() => undefined), countParts(size));
	if (known !== undefined) return known;
	const digests = await computeDigests(source, descriptor, options);
	await mkdir(dirname(path), {recursive: true});
	await writeFileAtomic(path, JSON.stringify(digests), {sync: false});
	return digests;
}

async function computeDigests(
	source: PartSource,
	descriptor: Descriptor,
	options: Abortable,
): Promise<readonly Digest[]> {
	const digests: Digest[] = [];
	let digester = createDigester();
	for await (const chunk of await source.fetch(descriptor, {...options, reuse: true})) {
		for (let at = 0; at < chunk.length; ) {
			const piece = chunk.subarray(at, at + partBytes - digester.sizeBytes);
			digester.update(piece);
			at += piece.length;
			if (digester.sizeBytes < partBytes) continue;
			digests.push(digester.finish());
			digester = createDigester();
		}
	}
	if (digester.sizeBytes > 0) digests.push(digester.finish());
	return digests;
}

/** A note that was damaged is as good as none. */
function readNote(text: string | undefined, count: number): readonly Digest[] | undefined {
	if (text === undefined) return undefined;
	try {
		const digests = JSON.parse(text) as unknown;
		return Array.isArray(digests) && digests.length === count && digests.every(isDigest) ? digests : undefined;
	} catch {
		return undefined;
	}
}
