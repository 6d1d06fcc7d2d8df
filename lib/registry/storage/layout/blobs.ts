import {chmod, mkdir, rename, unlink, utimes} from 'node:fs/promises';
import {dirname} from 'node:path';
import {syncFolder} from '../../../core/atomic-file.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {isLocked, withLock} from '../../../core/lock.js';
import type {Digest} from '../../../oci/digest.js';
import {removeBlobLink, writeBlobLink} from '../../../oci/store/repository-links.js';
import {collectorLockPath, type Store} from '../../../oci/store/store.js';
import {readFileRange} from '../../../oci/verify.js';
import type {StoredBlob} from '../storage.js';
import {sizeOf} from './membership.js';

/** A blob of the store as the server reads it. Undefined when the store does not have it. */
export async function storedBlob(store: Store, digest: Digest): Promise<StoredBlob | undefined> {
	const sizeBytes = await sizeOf(store, digest);
	if (sizeBytes === undefined) return undefined;
	const path = store.blobPath(digest);
	return {
		digest,
		sizeBytes,
		path,
		read: async ({start = 0, end = sizeBytes, signal} = {}) => readFileRange(path, start, end - start, {signal}),
	};
}

/**
 * Makes a file with verified content, already on the disk, a blob of the store and of the repository. The link comes first: a
 * collector that starts after it keeps the blob, and one at work is waited for when the blob is there already.
 * @param temporary on the same file system as the blobs; it is gone afterwards
 */
export async function placeBlob(
	store: Store,
	stored: string,
	digest: Digest,
	temporary: {readonly path: string; readonly sizeBytes: number},
	options: {readonly sync: boolean},
): Promise<void> {
	await writeBlobLink(store.root, stored, digest);
	// One of another size is the rest of a power cut.
	if ((await keepBlob(store, digest)) === temporary.sizeBytes) {
		await withIo('remove', temporary.path, () => ifExists(() => unlink(temporary.path)));
		return;
	}
	const path = store.blobPath(digest);
	await withIo('store', path, async () => {
		await chmod(temporary.path, 0o444);
		const now = new Date();
		await utimes(temporary.path, now, now);
		await mkdir(dirname(path), {recursive: true});
		await rename(temporary.path, path);
	});
	if (options.sync) await syncFolder(dirname(path));
}

/** Makes a blob of the store one of the repository. False when a collector took it meanwhile. */
export async function linkBlob(store: Store, stored: string, digest: Digest): Promise<boolean> {
	await writeBlobLink(store.root, stored, digest);
	if ((await keepBlob(store, digest)) !== undefined) return true;
	await removeBlobLink(store.root, stored, digest);
	return false;
}

/**
 * Renews the time of a blob so that the collector passes over it. A collector at work is waited for: it has either seen the new
 * time, or we see that the blob is gone. Resolves with the size of what is there.
 */
async function keepBlob(store: Store, digest: Digest): Promise<number | undefined> {
	const path = store.blobPath(digest);
	const now = new Date();
	const renewed = await withIo('renew the time of', path, () =>
		ifExists(async () => {
			await utimes(path, now, now);
			return true;
		}),
	);
	if (renewed === undefined) return undefined;
	const collector = collectorLockPath(store.root);
	if (await isLocked(collector)) await withLock(collector, async () => undefined);
	return await sizeOf(store, digest);
}
