import {mapBounded} from '../lib/core/pool.js';
import type {Image} from '../lib/oci/image.js';
import {indexLayer} from '../lib/oci/layer-read.js';
import type {Store} from '../lib/oci/store.js';
import {applyLayer, emptyTree, type ImageTree} from '../lib/oci/tree.js';
import {openBuildCache} from '../lib/sealfile/build/cache.js';
import type {Context} from './context.js';

/** The files of an image. Layers that were listed before, by a build or by us, are not read again. */
export async function imageTree(store: Store, image: Image, {signal, onEvent}: Context): Promise<ImageTree> {
	const cache = openBuildCache(store.cacheDir, store);
	const indexes = await mapBounded(
		image.manifest.layers,
		2,
		async (layer, i) => {
			const diffID = image.config.rootfs.diff_ids[i];
			const known = diffID === undefined ? undefined : await cache.index(diffID);
			if (known !== undefined) return known;
			const index = await indexLayer(store, layer, {signal, onEvent, ...(diffID === undefined ? {} : {diffID})});
			await cache.saveIndex(index.diffID, index);
			return index;
		},
		{signal},
	);
	return indexes.reduce((tree, index, i) => applyLayer(tree, index, image.manifest.layers[i]!), emptyTree);
}
