import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists, withIo} from '../../core/io-error.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import type {ImageTree} from '../../oci/tree/tree.js';
import type {HostImage} from './content.js';
import type {ContentFolder} from './folder.js';
import {type LayerRecord, readLayerRecord} from './layer-record.js';
import {composeTree} from './tree.js';

/** Reads what is known of layers, each once: images share them. */
export type LayerRecords = (diffId: Digest) => Promise<LayerRecord | undefined>;

export function createLayerRecords(folder: ContentFolder): LayerRecords {
	const known = new Map<Digest, Promise<LayerRecord | undefined>>();
	return diffId => {
		const record = known.get(diffId) ?? readLayerRecord(folder, diffId);
		known.set(diffId, record);
		return record;
	};
}

export interface ImageFiles {
	readonly tree: ImageTree;
	readonly records: ReadonlyMap<Digest, LayerRecord>;
}

/** The files of an image; undefined when one of its layers is not there or damaged. */
export async function readImageFiles(image: HostImage, read: LayerRecords): Promise<ImageFiles | undefined> {
	const records = new Map<Digest, LayerRecord>();
	for (const {diffId} of image.layers) {
		const record = await read(diffId);
		if (record === undefined) return undefined;
		records.set(diffId, record);
	}
	return {tree: composeTree(image.layers.map(layer => records.get(layer.diffId) as LayerRecord)), records};
}

/** The layers or trees that are on the disk. */
export async function listFolders(folder: ContentFolder, kind: 'layers' | 'trees'): Promise<readonly Digest[]> {
	const digests: Digest[] = [];
	for (const algorithm of ['sha256', 'sha512']) {
		const path = join(folder.root, kind, algorithm);
		const names = (await withIo('read', path, () => ifExists(() => readdir(path)))) ?? [];
		digests.push(...names.map(name => `${algorithm}:${name}`).filter(isDigest));
	}
	return digests;
}
