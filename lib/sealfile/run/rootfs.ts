import type {LayerSource} from '../../oci/layer-content.js';
import type {ImageTree} from '../../oci/tree.js';
import {LocalRootfs} from './local-rootfs.js';
import type {Rootfs, RootfsOptions} from './types.js';

/** Opens a session over the tree of a stage; see `Rootfs` for what it does and when. */
export async function openRootfs(tree: ImageTree, store: LayerSource, options: RootfsOptions): Promise<Rootfs> {
	return new LocalRootfs(tree, store, {...options, inUserNamespace: false});
}
