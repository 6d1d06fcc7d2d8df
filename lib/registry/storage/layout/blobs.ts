import {chmod, mkdir, open, rename, unlink, utimes} from 'node:fs/promises';
import {dirname} from 'node:path';
import {syncFolder} from '../../../core/atomic-file.js';
import type {Abortable} from '../../../core/events.js';
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
 * Makes a file with verified content a blob of the store and of the repository. The link comes first: a collector that starts
 * after it keeps the blob, and one at work is waited for when the blob is there already.
 * @param temporary on the same file system as the blobs; it is gone afterwards
 */
export async function placeBlob(
	store: Store,
	stored: string,
	digest: Digest,
	temporary: string,
	options: Abortable & {readonly sync: boolean},
): Promise<void> {
	const {sync, signal} = options;
	await writeBlobLink(store.root, stored, digest);
	if (await keepBlob(store, digest, {signal})) {
		await withIo('remove', temporary, () => ifExists(() => unlink(temporary)));
		return;
	}
	const path = store.blobPath(digest);
	await withIo('store', path, async () => {
		if (sync) await flushFile(temporary);
		await chmod(temporary, 0o444);
		const now = new Date();
		await utimes(temporary, now, now);
		await mkdir(dirname(path), {recursive: true});
		await rename(temporary, path);
	});
	if (sync) await syncFolder(dirname(path));
}

/** Makes a blob of the store one of the repository. False when a collector took it meanwhile. */
export async function linkBlob(
	store: Store,
	stored: string,
	digest: Digest,
	options: Abortable = {},
): Promise<boolean> {
	await writeBlobLink(store.root, stored, digest);
	if (await keepBlob(store, digest, options)) return true;
	await removeBlobLink(store.root, stored, digest);
	return false;
}

/**
 * Renews the time of a blob so that the collector passes over it. A collector at work is waited for: it has either seen the new
 * time, or we see that the blob is gone.
 */
async function keepBlob(store: Store, digest: Digest, {signal}: Abortable): Promise<boolean> {
	const path = store.blobPath(digest);
	const now = new Date();
	const renewed = await withIo('renew the time of', path, () =>
		ifExists(async () => {
			await utimes(path, now, now);
			return true;
		}),
	);
	if (renewed === undefined) return false;
	const collector = collectorLockPath(store.root);
	if (await isLocked(collector)) await withLock(collector, async () => undefined, {signal});
	return (await sizeOf(store, digest)) !== undefined;
}

async function flushFile(path: string): Promise<void> {
	const file = await open(path, 'r');
	try {
		await file.datasync();
	} finally {
		await file.close();
	}
}
