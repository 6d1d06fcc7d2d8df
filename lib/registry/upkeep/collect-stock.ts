import {rmdir, unlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {withLock} from '../../core/lock.js';
import type {Digest} from '../../oci/digest.js';
import {defaultGraceMs} from '../../oci/store/link-policy.js';
import {collectorLock} from '../storage/stock/collector.js';
import {checkInside, statRegular} from '../storage/stock/files.js';
import type {StockFolder} from '../storage/stock/folder.js';
import {createLinks} from '../storage/stock/links.js';
import type {RegistryStorage} from '../storage/storage.js';
import {type CollectedRegistry, type CollectRegistryOptions, defaultUploadIdleMs} from './inventory.js';
import {markStock} from './mark-stock.js';
import {listBlobFiles} from './stock-files.js';
import {sweepStockUploads} from './stock-uploads.js';

/**
 * Collects the garbage of a registry's folder. Marking takes no lock: whatever a server stores or relies on meanwhile gets a new
 * time, and the times are looked at again, under a lock, right before files are removed some at a time.
 */
export async function collectStock(
	folder: StockFolder,
	storage: RegistryStorage,
	options: CollectRegistryOptions,
): Promise<CollectedRegistry> {
	const {untagged = false, graceMs = defaultGraceMs, uploadIdleMs = defaultUploadIdleMs, dryRun = false} = options;
	const {signal} = options;
	const work = async (): Promise<CollectedRegistry> => {
		const sinceMs = Date.now() - graceMs;
		const mark = await markStock(folder, storage, createLinks(), {untagged, sinceMs, signal});
		const sweeper = createSweeper(folder, {sinceMs, dryRun, signal});
		// In the order in which a server writes, backwards: a crash leaves garbage and no link that leads nowhere.
		const gone = await sweeper.sweep(mark.untagged);
		await sweeper.sweep(mark.stale);
		const garbage = [];
		for await (const file of listBlobFiles(folder)) {
			signal?.throwIfAborted();
			if (!mark.kept.has(file.digest)) garbage.push(file);
		}
		const blobs = await sweeper.sweep(garbage);
		return {
			untagged: gone.map(({repository, digest}) => ({repository, digest})),
			blobs: blobs.map(({digest}) => digest),
			freedBytes: blobs.reduce((sum, {facts}) => sum + facts.sizeBytes, 0),
			uploads: dryRun
				? 0
				: (await storage.uploads.sweep(uploadIdleMs)) + (await sweepStockUploads(folder, storage, uploadIdleMs)),
			protectedBlobs: garbage.length - blobs.length,
		};
	};
	return await withLock(join(folder.privateDir, 'gc'), work, {
		what: `the garbage collection of ${folder.name}`,
		signal,
	});
}

interface Removable {
	readonly digest: Digest;
	readonly path: string;
}

interface Sweeper {
	/** Removes files that are still old. Resolves with those. */
	sweep<T extends Removable>(files: readonly T[]): Promise<readonly T[]>;
}

/** Servers wait no longer than it takes to remove so many files. */
const batch = 64;

function createSweeper(
	folder: StockFolder,
	{sinceMs, dryRun, signal}: Abortable & {readonly sinceMs: number; readonly dryRun: boolean},
): Sweeper {
	const remove = async (path: string): Promise<boolean> => {
		const facts = await withIo('read', path, () => statRegular(path));
		if (facts === undefined || facts.mtimeMs >= sinceMs) return false;
		if (dryRun) return true;
		await withIo('remove', path, async () => {
			await checkInside(path);
			await ifExists(() => unlink(path));
			await rmdir(dirname(path)).catch(() => undefined);
		});
		return true;
	};
	return {
		async sweep(files) {
			const removed: (typeof files)[number][] = [];
			for (let at = 0; at < files.length; at += batch) {
				signal?.throwIfAborted();
				const some = files.slice(at, at + batch);
				const work = async (): Promise<void> => {
					for (const file of some) if (await remove(file.path)) removed.push(file);
				};
				await withLock(collectorLock(folder), work, {what: folder.name, signal});
			}
			return removed;
		},
	};
}
