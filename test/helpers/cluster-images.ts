import type {ExecutionContext} from 'ava';
import {oneChunk} from '../../lib/core/bytes.js';
import {formatConfig, type RunConfig} from '../../lib/oci/config.js';
import {type Descriptor, describe} from '../../lib/oci/descriptor.js';
import type {LayerEntry} from '../../lib/oci/entry.js';
import {writeLayer} from '../../lib/oci/layer/write.js';
import {formatManifest} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {type Platform, parsePlatform} from '../../lib/oci/platform.js';
import {openStore, type Store} from '../../lib/oci/store/store.js';
import {tempDir} from './temp-dir.js';

/** A store in a folder of its own, closed with the test. */
export async function makeStore(t: ExecutionContext): Promise<Store> {
	const store = await openStore(tempDir(t), {durability: 'none'});
	t.teardown(() => store.close());
	return store;
}

export interface ImageParts {
	readonly platform?: string;
	/** Contents of layers. They need not be archives where nobody unpacks them. */
	readonly layers?: readonly string[];
	/** Layers that are archives: text files by path (folders are made), or whole entries. */
	readonly trees?: ReadonlyArray<Readonly<Record<string, string>> | readonly LayerEntry[]>;
	readonly config?: RunConfig;
	readonly name?: string;
	readonly mediaTypeField?: boolean;
}

/** Stores an image and gives its manifest. */
export async function makeImage(store: Store, parts: ImageParts): Promise<Descriptor> {
	const layers: Array<{descriptor: Descriptor; diffID: Descriptor['digest']}> = [];
	for (const text of parts.layers ?? []) {
		const descriptor = await put(store, mediaTypes.layer, Buffer.from(text));
		layers.push({descriptor, diffID: descriptor.digest});
	}
	for (const tree of parts.trees ?? []) {
		const entries = Array.isArray(tree) ? (tree as readonly LayerEntry[]) : entriesOf(tree as Record<string, string>);
		const {descriptor, diffID} = await writeLayer(entries, store, {compression: {algorithm: 'none'}});
		layers.push({descriptor, diffID});
	}
	const platform: Platform = parsePlatform(parts.platform ?? 'linux/amd64');
	const rootfs = {type: 'layers' as const, diff_ids: layers.map(layer => layer.diffID)};
	const history = layers.map((_, position) => ({created_by: `layer ${position}`}));
	const config = await put(
		store,
		mediaTypes.config,
		formatConfig({...platform, ...(parts.config === undefined ? {} : {config: parts.config}), rootfs, history}),
	);
	const bytes = formatManifest({
		schemaVersion: 2,
		mediaType: mediaTypes.manifest,
		config,
		layers: layers.map(layer => layer.descriptor),
	});
	const plain = Buffer.from(bytes.toString().replace(`"mediaType":"${mediaTypes.manifest}",`, ''));
	const manifest = await put(store, mediaTypes.manifest, parts.mediaTypeField === false ? plain : bytes);
	if (parts.name !== undefined) await store.tag(parts.name, manifest);
	return {...manifest, platform};
}

/** Stores an index of manifests. */
export async function makeIndex(
	store: Store,
	manifests: readonly Descriptor[],
	name?: string,
	mediaType: string = mediaTypes.index,
): Promise<Descriptor> {
	const index = await put(store, mediaType, formatManifest({schemaVersion: 2, mediaType, manifests}));
	if (name !== undefined) await store.tag(name, index);
	return index;
}

export async function put(store: Store, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
	const descriptor = describe(mediaType, bytes);
	await store.push(descriptor, oneChunk(bytes));
	return descriptor;
}

/** Text files as entries, with their folders. */
export function entriesOf(files: Readonly<Record<string, string>>): LayerEntry[] {
	const entries = new Map<string, LayerEntry>();
	for (const [name, text] of Object.entries(files)) {
		const path = name.replace(/\*$/, '');
		const parts = path.split('/');
		for (let depth = 1; depth < parts.length; depth++) {
			const folder = parts.slice(0, depth).join('/');
			entries.set(folder, {header: {path: folder, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0}});
		}
		const bytes = Buffer.from(text);
		const mode = name.endsWith('*') ? 0o755 : 0o644;
		const header = {path, type: 'file' as const, mode, uid: 0, gid: 0, size: bytes.length, mtime: 0};
		entries.set(path, bytes.length === 0 ? {header} : {header, content: {kind: 'bytes', bytes}});
	}
	const order = (path: string): string => path.replaceAll('/', '\0');
	return [...entries.values()].sort((a, b) => (order(a.header.path) < order(b.header.path) ? -1 : 1));
}
