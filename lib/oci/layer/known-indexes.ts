import {mkdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {OperationOptions} from '../../core/events.js';
import type {ContentReader} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {type Digest, hexOf} from '../digest.js';
import {formatLayerIndex, type LayerIndex, parseLayerIndex} from './layer-index.js';
import {type IndexLayerOptions, indexLayer} from './read.js';

/**
 * Tables of contents of layers by diffID, kept in the cache folder of a store: a layer is read once, by whoever comes first. Small files,
 * each written beside and renamed. One that is missing or damaged is made again.
 */
export interface KnownIndexes {
	get(diffID: Digest): Promise<LayerIndex | undefined>;
	save(diffID: Digest, index: LayerIndex): Promise<void>;
}

/** Raised when the meaning of what is kept changes; the form has a number of its own. */
const version = 'layers-1';

export function knownIndexes(cacheDir: string): KnownIndexes {
	const place = (diffID: Digest): string => join(cacheDir, version, hexOf(diffID).slice(0, 2), hexOf(diffID));
	return {
		async get(diffID) {
			const bytes = await readFile(place(diffID)).catch(() => undefined);
			return bytes === undefined ? undefined : parseLayerIndex(bytes);
		},
		async save(diffID, index) {
			const path = place(diffID);
			await mkdir(dirname(path), {recursive: true});
			await writeFileAtomic(path, formatLayerIndex(index), {sync: false});
		},
	};
}

/**
 * The table of contents of a layer, out of the cache of its store when it is there.
 * @throws SealError as indexLayer
 */
export async function knownIndex(
	store: ContentReader & {readonly cacheDir: string},
	layer: Descriptor,
	diffID: Digest,
	options: OperationOptions & Pick<IndexLayerOptions, 'limitEntries'> = {},
): Promise<LayerIndex> {
	const indexes = knownIndexes(store.cacheDir);
	const known = await indexes.get(diffID);
	if (known !== undefined) return known;
	const index = await indexLayer(store, layer, {...options, diffID});
	// What cannot be kept is read again the next time.
	await indexes.save(diffID, index).catch(() => undefined);
	return index;
}
