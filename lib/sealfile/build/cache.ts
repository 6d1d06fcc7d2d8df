import {mkdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {ContentReader} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {type Digest, digestOf, hexOf} from '../../oci/digest.js';
import {knownIndexes} from '../../oci/layer/known-indexes.js';
import type {LayerIndex} from '../../oci/layer/layer-index.js';

/** What the build remembers of a layer it wrote: enough to put it into an image without reading it. */
export interface LayerRecord {
	readonly descriptor: Descriptor;
	readonly diffID: Digest;
	/** Bytes of the uncompressed tar. */
	readonly sizeBytes: number;
	/** Newest modification time among its entries, whole seconds; the image's age when nothing else is given. */
	readonly newest: number;
}

/**
 * The build cache: small files under one folder of the store, each written beside and renamed, so that builds at the same
 * time and kill -9 leave nothing torn. A record is a hint: one that cannot be read, or whose blob is gone, is a miss.
 */
export interface BuildCache {
	readonly folder: string;
	/** The layer of this key, if its blob is still in the store. */
	layer(key: string): Promise<LayerRecord | undefined>;
	saveLayer(key: string, record: LayerRecord): Promise<void>;
	/** Headers and offsets of a layer by diffID. */
	index(diffID: Digest): Promise<LayerIndex | undefined>;
	saveIndex(diffID: Digest, index: LayerIndex): Promise<void>;
	/** A JSON note of some kind: results that are dear to compute and follow from the key alone. */
	note(kind: string, key: string): Promise<unknown>;
	saveNote(kind: string, key: string, value: unknown): Promise<void>;
}

/** Raised when the form or the meaning of the records changes; older folders are then never looked at. */
const version = 'build-2';

/** Where, below the cache folder of a store, what is known of one build context is kept. */
export function contextRecord(cacheDir: string, kind: string, context: string): string {
	return join(cacheFolder(cacheDir), kind, hexOf(digestOf(context)).slice(0, 32));
}

function cacheFolder(cacheDir: string): string {
	return join(cacheDir, version);
}

export function openBuildCache(cacheDir: string, store: ContentReader): BuildCache {
	const folder = cacheFolder(cacheDir);
	const indexes = knownIndexes(cacheDir);
	const place = (kind: string, name: string): string => join(folder, kind, name.slice(0, 2), name);
	const read = async (path: string): Promise<Buffer | undefined> => readFile(path).catch(() => undefined);
	const write = async (path: string, bytes: Uint8Array | string): Promise<void> => {
		await mkdir(dirname(path), {recursive: true});
		await writeFileAtomic(path, bytes, {sync: false});
	};
	const note = async (kind: string, key: string): Promise<unknown> => {
		const bytes = await read(place(kind, key));
		return bytes === undefined ? undefined : parse(bytes);
	};
	return {
		folder,
		async layer(key) {
			const record = (await note('layer', key)) as LayerRecord | undefined;
			return record !== undefined && (await store.exists(record.descriptor)) ? record : undefined;
		},
		saveLayer: (key, record) => write(place('layer', key), JSON.stringify(record)),
		index: indexes.get,
		saveIndex: indexes.save,
		note,
		saveNote: (kind, key, value) => write(place(kind, key), JSON.stringify(value)),
	};
}

function parse(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString());
	} catch {
		return undefined;
	}
}
