import {readdirSync, statSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {type Digest, hexOf} from '../../lib/oci/digest.js';
import {openStore} from '../../lib/oci/store/store.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../lib/registry/storage/storage.js';
import type {StorageInventory} from '../../lib/registry/upkeep/inventory.js';
import {openStockInventory} from '../../lib/registry/upkeep/stock-inventory.js';
import {openStoreInventory} from '../../lib/registry/upkeep/store-inventory.js';
import {tempDir} from './temp-dir.js';

export type StorageKind = 'stock folder' | 'store';
export const storageKinds: readonly StorageKind[] = ['stock folder', 'store'];

export interface TestRegistry {
	readonly root: string;
	readonly storage: RegistryStorage;
	readonly inventory: StorageInventory;
	/** Makes all files old enough for a collector. */
	age(): void;
	/** The file of some content. */
	file(digest: Digest): string;
}

/** An empty registry of either form in a folder of the test. */
export async function openTestRegistry(
	t: ExecutionContext,
	kind: StorageKind,
	root = join(tempDir(t), 'registry'),
): Promise<TestRegistry> {
	const inventory = kind === 'store' ? await openStoreKind(root) : await openStockKind(root);
	t.teardown(() => inventory.close());
	const file = (digest: Digest): string => {
		const [algorithm, hex] = [digest.slice(0, 6), hexOf(digest)];
		return kind === 'store'
			? join(root, 'blobs', algorithm, hex)
			: join(root, 'docker/registry/v2/blobs', algorithm, hex.slice(0, 2), hex, 'data');
	};
	return {root, inventory, storage: inventory.storage, file, age: () => makeOld(root)};
}

async function openStoreKind(root: string): Promise<StorageInventory> {
	const store = await openStore(root, {durability: 'none'});
	return await openStoreInventory(store);
}

async function openStockKind(root: string): Promise<StorageInventory> {
	const storage = await openStockStorage(root, {create: true, durability: 'none'});
	const inventory = await openStockInventory(root, {storage});
	return {
		...inventory,
		async close() {
			await storage.close();
			await inventory.close();
		},
	};
}

/** Two hours: more than the grace of a collector. */
function makeOld(folder: string): void {
	const then = new Date(Date.now() - 2 * 60 * 60_000);
	for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
		const path = join(entry.parentPath, entry.name);
		if (entry.isFile() && statSync(path).mtimeMs > then.getTime()) utimesSync(path, then, then);
	}
}
