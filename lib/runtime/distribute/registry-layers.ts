import {mkdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {Abortable} from '../../core/events.js';
import type {ContentReader} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {type Digest, hexOf} from '../../oci/digest.js';
import {indexLayer} from '../../oci/layer/read.js';
import type {LookInto} from './image.js';
import type {PartSource} from './parts.js';

/**
 * Finds out of layers that say nothing of themselves whether they hold files of the registry only. That takes reading a layer once;
 * what was found is kept beside the store.
 */
export function lookIntoLayers(store: PartSource, options: Abortable = {}): LookInto {
	const known = new Map<Digest, Promise<boolean>>();
	return async (layer, diffId) => {
		const found = known.get(diffId) ?? lookOnce(store, layer, diffId, options);
		known.set(diffId, found);
		return await found;
	};
}

/** A layer is one of the registry when all that it holds lies there; removals count as what they remove. */
export async function holdsOnlyRegistry(
	source: ContentReader,
	layer: Descriptor,
	diffId: Digest,
	options: Abortable = {},
): Promise<boolean> {
	const {entries} = await indexLayer(source, layer, {...options, diffID: diffId});
	const inside = entries.every(({header}) => header.path === 'registry' || header.path.startsWith('registry/'));
	return inside && entries.some(({header}) => header.type !== 'directory');
}

/** Raised when the rule changes. */
const version = 'registry-layers-1';

async function lookOnce(store: PartSource, layer: Descriptor, diffId: Digest, options: Abortable): Promise<boolean> {
	const path = join(store.cacheDir, version, hexOf(diffId).slice(0, 2), hexOf(diffId));
	const note = await readFile(path, 'utf8').catch(() => undefined);
	if (note === 'true' || note === 'false') return note === 'true';
	const result = await holdsOnlyRegistry(store, layer, diffId, options);
	await mkdir(dirname(path), {recursive: true});
	await writeFileAtomic(path, String(result), {sync: false});
	return result;
}
