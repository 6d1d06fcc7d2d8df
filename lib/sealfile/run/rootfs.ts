import {SealError} from '../../core/errors.js';
import type {ContentReader} from '../../oci/content.js';
import type {ImageTree} from '../../oci/tree.js';
import type {Rootfs, RootfsOptions} from './types.js';

/** Opens a session over the tree of a stage; see `Rootfs` for what it does and when. */
export async function openRootfs(_tree: ImageTree, _store: ContentReader, _options: RootfsOptions): Promise<Rootfs> {
	throw new SealError('ERR_RUN_UNAVAILABLE', 'RUN is not available');
}
