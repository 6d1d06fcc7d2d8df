import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {RegistryStorage} from '../storage/storage.js';
import {namedBy} from './named.js';

/** What a manifest reaches in its repository. Children that a sparse index lacks are left out. */
export interface Closure {
	/** Bytes by digest. */
	readonly sizes: ReadonlyMap<Digest, number>;
	/** Manifests and indexes among it, the root too. */
	readonly manifests: ReadonlySet<Digest>;
}

/** @throws SealError ERR_STORE_DAMAGED when a manifest on the way is damaged */
export async function closureOf(
	storage: RegistryStorage,
	repository: string,
	root: Digest,
	{signal}: Abortable = {},
): Promise<Closure> {
	const sizes = new Map<Digest, number>();
	const manifests = new Set<Digest>();
	const queue = [root];
	for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
		signal?.throwIfAborted();
		if (manifests.has(next)) continue;
		const found = await storage.manifest(repository, next, {signal});
		if (found === undefined) continue;
		manifests.add(next);
		sizes.set(next, found.bytes.length);
		for (const {digest, size, isManifest} of namedBy(found.bytes)) {
			if (isManifest) queue.push(digest);
			else sizes.set(digest, size ?? 0);
		}
	}
	return {sizes, manifests};
}
