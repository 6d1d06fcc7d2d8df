import type {Image} from '../lib/oci/image.js';
import {formatPlatform} from '../lib/oci/platform.js';
import type {Store} from '../lib/oci/store/store.js';
import {treeFiles} from '../lib/oci/tree/files.js';
import {lookup} from '../lib/oci/tree/tree.js';
import {lockPath, parseLock} from '../lib/sealfile/embed/lock.js';
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
	const from = lockLayer(image);
	if (from === undefined) return undefined;
	const tree = await imageTree(store, image, context, from);
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

/** What build and merge write into the history for the layer with the lock. */
const lockWriters: ReadonlySet<string | undefined> = new Set([`EMBED ${lockPath}`, 'sealimage merge']);

/** The last layer that may hold the lock: what is below it, the embedded registry first of all, need not be read for it. */
function lockLayer({config, manifest}: Image): number | undefined {
	const steps = (config.history ?? []).filter(step => step.empty_layer !== true);
	const found = steps.findLastIndex(step => lockWriters.has(step.created_by));
	if (found < 0) return undefined;
	return steps.length === manifest.layers.length ? found : 0;
}
