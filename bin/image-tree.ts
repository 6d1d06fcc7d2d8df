import {mapBounded} from '../lib/core/pool.js';
import type {Image} from '../lib/oci/image.js';
import {indexLayer} from '../lib/oci/layer-read.js';
import type {Store} from '../lib/oci/store.js';
import {applyLayer, emptyTree, type ImageTree} from '../lib/oci/tree.js';
import type {Context} from './context.js';

/** The files of an image. */
export async function imageTree(store: Store, image: Image, {signal, onEvent}: Context): Promise<ImageTree> {
	const indexes = await mapBounded(
		image.manifest.layers,
		2,
		async (layer, i) => {
			const diffID = image.config.rootfs.diff_ids[i];
			return await indexLayer(store, layer, {signal, onEvent, ...(diffID === undefined ? {} : {diffID})});
		},
		{signal},
	);
	return indexes.reduce((tree, index, i) => applyLayer(tree, index, image.manifest.layers[i]!), emptyTree);
}
