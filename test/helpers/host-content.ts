import {oneChunk} from '../../lib/core/bytes.js';
import type {Compression} from '../../lib/oci/compress/compression.js';
import {type Digest, digestOf} from '../../lib/oci/digest.js';
import type {LayerEntry} from '../../lib/oci/entry.js';
import {compareLayerPaths} from '../../lib/oci/layer/whiteout.js';
import {writeLayer} from '../../lib/oci/layer/write.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {blobFile, layerLink, revisionLink, tagIndexLink, tagLink} from '../../lib/registry/embed/layout.js';
import type {HostContent, UnpackRequest} from '../../lib/runtime/content/content.js';
import {type BlobParts, type Part, partBytes} from '../../lib/runtime/content/part.js';
import {file, folder} from './entries.js';
import {memoryStore} from './memory-store.js';

/** A layer with its bytes at hand. */
export type TestLayer = UnpackRequest['layers'][number] & {readonly bytes: Buffer};

/** A layer of these entries, put in order. */
export async function testLayer(
	entries: readonly LayerEntry[],
	compression: Compression = {algorithm: 'none'},
): Promise<TestLayer> {
	const store = memoryStore();
	const sorted = [...entries].sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
	const {descriptor, diffID} = await writeLayer(sorted, store, {compression});
	const bytes = store.blobs.get(descriptor.digest) as Buffer;
	return layerOf(bytes, diffID, descriptor.mediaType);
}

export function layerOf(bytes: Buffer, diffId: Digest, mediaType: string = mediaTypes.layer): TestLayer {
	return {blob: digestOf(bytes), diffId, mediaType, sizeBytes: bytes.length, bytes};
}

export function partsOf(bytes: Uint8Array, diffId?: Digest, mediaType: string = mediaTypes.layer): BlobParts {
	const blob = digestOf(bytes);
	const parts: Part[] = [];
	for (let at = 0; at < bytes.length || at === 0; at += partBytes) {
		const piece = bytes.subarray(at, at + partBytes);
		parts.push({blob, index: parts.length, sizeBytes: piece.length, digest: digestOf(piece)});
	}
	return {blob, sizeBytes: bytes.length, mediaType, diffId, parts};
}

/** The bytes of one part as a stream. */
export function partBytesOf(bytes: Uint8Array, index: number): AsyncGenerator<Uint8Array> {
	return oneChunk(bytes.subarray(index * partBytes, (index + 1) * partBytes));
}

/** Brings a whole blob to a host. */
export async function send(content: HostContent, bytes: Uint8Array, diffId?: Digest): Promise<Digest> {
	const blob = partsOf(bytes, diffId);
	for (const part of blob.parts) await content.writePart(blob, part, partBytesOf(bytes, part.index));
	return blob.blob;
}

export function requestOf(name: string, layers: readonly TestLayer[], keepBlobs = false): UnpackRequest {
	const plain = layers.map(({bytes: _, ...layer}) => layer);
	return {name, manifest: digestOf(name), layers: plain, keepBlobs};
}

/** Brings the layers of an image to a host and unpacks it. */
export async function install(
	content: HostContent,
	name: string,
	layers: readonly TestLayer[],
): ReturnType<HostContent['unpack']> {
	for (const layer of layers) await send(content, layer.bytes, layer.diffId);
	return await content.unpack(requestOf(name, layers));
}

/** The entries of an embedded registry that holds one blob in one repository, tagged. */
export function embedded(repository: string, tag: string, text: string): LayerEntry[] {
	const digest = digestOf(text);
	const links = [
		layerLink(repository, digest),
		revisionLink(repository, digest),
		tagIndexLink(repository, tag, digest),
		tagLink(repository, tag),
	];
	const files = [file(blobFile(digest), text), ...links.map(path => file(path, digest))];
	const folders = new Map<string, LayerEntry>();
	for (const {header} of files) {
		const names = header.path.split('/');
		for (let depth = 1; depth < names.length; depth++) {
			const path = names.slice(0, depth).join('/');
			folders.set(path, folder(path));
		}
	}
	return [...folders.values(), ...files];
}
