import {oneChunk} from '../../lib/core/bytes.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {digestOf} from '../../lib/oci/digest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import type {NewManifest, RegistryStorage} from '../../lib/registry/storage/storage.js';

/** Uploads a blob as a client does. */
export async function uploadBlob(
	storage: RegistryStorage,
	repository: string,
	content: string | Uint8Array,
	mediaType = 'application/octet-stream',
): Promise<Descriptor> {
	const bytes = Buffer.from(content);
	const {id} = await storage.uploads.start(repository);
	await storage.uploads.append(repository, id, oneChunk(bytes));
	const digest = digestOf(bytes);
	await storage.uploads.finish(repository, id, digest);
	return {mediaType, digest, size: bytes.length};
}

export interface TestManifest {
	readonly config?: Descriptor;
	readonly layers?: readonly Descriptor[];
	readonly subject?: Descriptor;
	readonly artifactType?: string;
}

/** A manifest as a server hands it on. */
export function newManifest({config, layers = [], subject, artifactType}: TestManifest): NewManifest {
	const mediaType = mediaTypes.manifest;
	const document = {
		schemaVersion: 2,
		mediaType,
		...(artifactType === undefined ? {} : {artifactType}),
		config,
		layers,
		...(subject === undefined ? {} : {subject}),
	};
	return {...described(document, mediaType), blobs: config === undefined ? layers : [config, ...layers], manifests: []};
}

export function newIndex(manifests: readonly Descriptor[]): NewManifest {
	const mediaType = mediaTypes.index;
	return {...described({schemaVersion: 2, mediaType, manifests}, mediaType), blobs: [], manifests};
}

export function descriptorOf({digest, mediaType, bytes}: NewManifest): Descriptor {
	return {mediaType, digest, size: bytes.length};
}

/** Pushes a small image: a config and one layer for each text. */
export async function pushImage(
	storage: RegistryStorage,
	repository: string,
	tags: readonly string[],
	layers: readonly (string | Uint8Array)[] = ['layer'],
	more: Omit<TestManifest, 'config' | 'layers'> = {},
): Promise<NewManifest> {
	const blobs: Descriptor[] = [];
	for (const layer of layers) blobs.push(await uploadBlob(storage, repository, layer, mediaTypes.layer));
	const diffIds = blobs.map(blob => blob.digest);
	const text = JSON.stringify({
		created: '2024-01-02T03:04:05Z',
		architecture: 'amd64',
		os: 'linux',
		rootfs: {type: 'layers', diff_ids: diffIds},
	});
	const config = await uploadBlob(storage, repository, text, mediaTypes.config);
	const manifest = newManifest({config, layers: blobs, ...more});
	const missing = await storage.putManifest(repository, manifest, tags);
	if (missing.length > 0) throw new Error(`Missing: ${missing.map(({digest}) => digest).join(', ')}`);
	return manifest;
}

function described(document: object, mediaType: string): Pick<NewManifest, 'digest' | 'mediaType' | 'bytes'> {
	const bytes = Buffer.from(JSON.stringify(document));
	return {digest: digestOf(bytes), mediaType, bytes};
}
