import type {LayerSource} from '../../oci/layer/content.js';
import type {ImageTree} from '../../oci/tree/tree.js';
import {LocalRootfs} from './local-rootfs.js';
import {RemoteRootfs} from './remote-rootfs.js';
import type {Rootfs, RootfsOptions} from './types.js';

/**
 * Opens a session over the tree of a stage; see `Rootfs` for what it does and when. Root runs commands himself, an
 * ordinary user through a user namespace in which he is root.
 */
export async function openRootfs(tree: ImageTree, store: LayerSource, options: RootfsOptions): Promise<Rootfs> {
	if (process.geteuid?.() === 0) return new LocalRootfs(tree, store, {...options, userNamespace: undefined});
	return new RemoteRootfs(tree, store, options);
}
