import {mapBounded} from '../lib/core/pool.js';
import type {Image} from '../lib/oci/image.js';
import {knownIndex} from '../lib/oci/layer/known-indexes.js';
import {indexLayer} from '../lib/oci/layer/read.js';
import type {Store} from '../lib/oci/store/store.js';
import {applyLayer, emptyTree, type ImageTree} from '../lib/oci/tree/tree.js';
import type {Context} from './context.js';

/**
 * The files of an image, or only what its layers from `firstLayer` on hold. Layers that were listed before, by a build or by
 * us, are not read again.
 */
export async function imageTree(
	store: Store,
	image: Image,
	{signal, onEvent}: Context,
	firstLayer = 0,
): Promise<ImageTree> {
	const layers = image.manifest.layers.slice(firstLayer);
	const indexes = await mapBounded(
		layers,
		2,
		(layer, i) => {
			const diffID = image.config.rootfs.diff_ids[firstLayer + i];
			return diffID === undefined
				? indexLayer(store, layer, {signal, onEvent})
				: knownIndex(store, layer, diffID, {signal, onEvent});
		},
		{signal},
	);
	return indexes.reduce((tree, index, i) => applyLayer(tree, index, layers[i]!), emptyTree);
}
