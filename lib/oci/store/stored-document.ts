import {readFile, stat} from 'node:fs/promises';
import {ifExists, withIo} from '../../core/io-error.js';
import type {BlobFiles, ContentReader} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, type Digest, digestOf} from '../digest.js';
import {maxManifestBytes} from '../manifest.js';
import {isIndexType, isManifestType, mediaTypes} from '../media-types.js';

/** A manifest or index found by its digest alone. */
export interface StoredDocument {
	readonly descriptor: Descriptor;
	/** Of the document it refers to, when it is a referrer. */
	readonly subject: unknown;
}

/** What a blob is when it is a whole manifest or index; undefined for all other content. */
export async function readStoredDocument(store: BlobFiles, digest: Digest): Promise<StoredDocument | undefined> {
	const path = store.blobPath(digest);
	const bytes = await withIo('read', path, () =>
		ifExists(async () => ((await stat(path)).size > maxManifestBytes ? undefined : await readFile(path))),
	);
	// 0x7b is "{": layers are told apart without parsing them.
	if (bytes === undefined || bytes[0] !== 0x7b) return undefined;
	const found = typeOf(bytes);
	if (found === undefined || digestOf(bytes, algorithmOf(digest)) !== digest) return undefined;
	return {descriptor: {mediaType: found.mediaType, digest, size: bytes.length}, subject: found.subject};
}

/** The content of a store without the side effect of `exists`, which protects what it finds from the collector. */
export function peekReader(store: ContentReader & BlobFiles): ContentReader {
	return {
		fetch: (descriptor, options) => store.fetch(descriptor, options),
		async exists({digest, size}) {
			const path = store.blobPath(digest);
			const found = await withIo('read', path, () => ifExists(() => stat(path)));
			return found?.isFile() === true && found.size === size;
		},
	};
}

/** OCI allows `mediaType` to be left out: then the shape decides. */
function typeOf(bytes: Buffer): {readonly mediaType: string; readonly subject: unknown} | undefined {
	let value: Record<string, unknown>;
	try {
		value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
	} catch {
		return undefined;
	}
	if (value.schemaVersion !== 2) return undefined;
	const shape = Array.isArray(value.manifests) ? mediaTypes.index : mediaTypes.manifest;
	if (shape === mediaTypes.manifest && !Array.isArray(value.layers)) return undefined;
	const mediaType = value.mediaType ?? shape;
	if (typeof mediaType !== 'string' || !(isIndexType(mediaType) || isManifestType(mediaType))) return undefined;
	return {mediaType, subject: (value.subject as {digest?: unknown} | undefined)?.digest};
}
