import {createHash} from 'node:crypto';
import {gzipSync} from 'node:zlib';
import {type Bytes, collect, oneChunk} from '../../lib/core/bytes.js';
import type {ContentStore} from '../../lib/oci/content.js';
import {type Descriptor, describe} from '../../lib/oci/descriptor.js';
import {digestOf} from '../../lib/oci/digest.js';
import {formatManifest} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import type {Platform} from '../../lib/oci/platform.js';

/** Stores bytes and gives their descriptor. */
export async function put(store: ContentStore, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
	const descriptor = describe(mediaType, bytes);
	await store.push(descriptor, oneChunk(bytes));
	return descriptor;
}

export interface TestImageOptions {
	readonly platform?: Platform;
	readonly created?: string;
	/** One layer for each text; the bytes are no real tar unless the test needs one. */
	readonly layers?: readonly (string | Uint8Array)[];
	readonly gzip?: boolean;
	readonly docker?: boolean;
	readonly annotations?: Readonly<Record<string, string>>;
}

/** Stores a small image and gives the descriptor of its manifest. */
export async function putImage(store: ContentStore, options: TestImageOptions = {}): Promise<Descriptor> {
	const {platform = {os: 'linux', architecture: 'amd64'}, docker = false, gzip = false} = options;
	const contents = (options.layers ?? ['layer']).map(layer => Buffer.from(layer));
	const config = {
		created: options.created ?? '2024-01-02T03:04:05Z',
		...platform,
		rootfs: {type: 'layers', diff_ids: contents.map(bytes => digestOf(bytes))},
		history: contents.map((_, i) => ({created_by: `step ${i}`})),
	};
	const layers: Descriptor[] = [];
	for (const bytes of contents) {
		const plain = docker ? mediaTypes.dockerLayer : mediaTypes.layer;
		const zipped = docker ? mediaTypes.dockerLayerGzip : mediaTypes.layerGzip;
		layers.push(await put(store, gzip ? zipped : plain, gzip ? gzipSync(bytes) : bytes));
	}
	const configType = docker ? mediaTypes.dockerConfig : mediaTypes.config;
	const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.manifest;
	const configDescriptor = await put(store, configType, Buffer.from(JSON.stringify(config)));
	const {annotations} = options;
	const extra = annotations === undefined ? {} : {annotations};
	const bytes = formatManifest({schemaVersion: 2, mediaType, config: configDescriptor, layers, ...extra});
	return {...(await put(store, mediaType, bytes)), platform};
}

/** Stores an index of the given children. */
export async function putIndex(
	store: ContentStore,
	manifests: readonly Descriptor[],
	mediaType: string = mediaTypes.index,
): Promise<Descriptor> {
	return await put(store, mediaType, formatManifest({schemaVersion: 2, mediaType, manifests}));
}

/** An index of one image per platform. */
export async function putMultiArch(store: ContentStore, architectures = ['amd64', 'arm64']): Promise<Descriptor> {
	const children: Descriptor[] = [];
	for (const architecture of architectures) {
		children.push(
			await putImage(store, {platform: {os: 'linux', architecture}, layers: [`for ${architecture}`, 'shared']}),
		);
	}
	return await putIndex(store, children);
}

/** A descriptor of bytes that are stored nowhere. */
export function describeText(text: string, mediaType = 'application/octet-stream'): Descriptor {
	return describe(mediaType, Buffer.from(text));
}

/** All of a stream as text. */
export async function textOf(bytes: Bytes): Promise<string> {
	return (await collect(bytes, 64 * 1024 * 1024)).toString();
}

/** A stream of several chunks. */
export async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
	for (const part of parts) yield Buffer.from(part);
}

export function sha256(bytes: Uint8Array | string): string {
	return createHash('sha256').update(bytes).digest('hex');
}
