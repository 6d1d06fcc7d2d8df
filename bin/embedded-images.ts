import type {Image} from '../lib/oci/image.js';
import {formatPlatform} from '../lib/oci/platform.js';
import type {Store} from '../lib/oci/store.js';
import {lookup} from '../lib/oci/tree.js';
import {treeFiles} from '../lib/oci/tree-files.js';
import {lockPath, parseLock} from '../lib/sealfile/embed-lock.js';
import type {Context} from './context.js';
import {imageTree} from './image-tree.js';

/** A container image that a cluster image carries. */
export interface Embedded {
	readonly reference: string;
	/** Of the manifest for the platform, or of what the reference names when the lock has none for it. */
	readonly digest: string;
	readonly foundIn: readonly string[];
}

/** What the lock file of a cluster image lists, or undefined when it has none. @throws SealError ERR_LOCK_INVALID */
export async function embeddedImages(
	store: Store,
	image: Image,
	context: Context,
): Promise<readonly Embedded[] | undefined> {
	const tree = await imageTree(store, image, context);
	if (lookup(tree, lockPath)?.header.type !== 'file') return undefined;
	const platform = formatPlatform(image.config);
	for await (const {bytes} of treeFiles(tree, store).read([lockPath], {signal: context.signal})) {
		return parseLock(bytes, lockPath).images.map(locked => ({
			reference: locked.reference,
			digest: locked.platforms[platform]?.digest ?? locked.digest,
			foundIn: locked.foundIn,
		}));
	}
	return undefined;
}
