import {createHash} from 'node:crypto';
import {oneChunk} from '../../lib/core/bytes.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../lib/oci/digest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {referrerOf} from '../../lib/registry/storage/referrer.js';
import type {NewManifest, RegistryStorage} from '../../lib/registry/storage/storage.js';

/** Stores a blob in a repository. */
export async function pushBlob(
	storage: RegistryStorage,
	repository: string,
	content: Uint8Array | string,
	algorithm: 'sha256' | 'sha512' = 'sha256',
): Promise<Descriptor> {
	const bytes = Buffer.from(content);
	const {id} = await storage.uploads.start(repository, {algorithm});
	if (bytes.length > 0) await storage.uploads.append(repository, id, oneChunk(bytes));
	const digest = digestOf(bytes, algorithm);
	await storage.uploads.finish(repository, id, digest);
	return {mediaType: mediaTypes.layer, digest, size: bytes.length};
}

/** A manifest of these layers, the first of which is its config too. */
export function manifestOf(
	layers: readonly Descriptor[],
	annotations: Readonly<Record<string, string>> = {},
	more: {readonly subject?: Descriptor; readonly artifactType?: string} = {},
): NewManifest {
	const mediaType = mediaTypes.manifest;
	const config = {...layers[0], mediaType: mediaTypes.config};
	const document = {schemaVersion: 2, mediaType, config, layers, annotations, ...more};
	const bytes = Buffer.from(JSON.stringify(document));
	const manifest = {digest: digestOf(bytes), mediaType, bytes};
	return {...manifest, blobs: layers, manifests: [], referrer: referrerOf(manifest)};
}

/** An index of these manifests. */
export function indexOf(children: readonly Descriptor[]): NewManifest {
	const mediaType = mediaTypes.index;
	const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType, manifests: children}));
	return {digest: digestOf(bytes), mediaType, bytes, blobs: [], manifests: children};
}

/** 250,000 bytes that follow from a text. */
export function patternOf(seed: string): {readonly bytes: Buffer; readonly digest: Digest} {
	const block = createHash('sha512').update(seed).digest();
	const bytes = Buffer.alloc(250_000, block);
	return {bytes, digest: digestOf(bytes)};
}

/** Bytes as they come from a socket: in pieces. */
export async function* piece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
