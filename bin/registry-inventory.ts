import {resolve} from 'node:path';
import {openStore} from '../lib/oci/store/store.js';
import type {StorageInventory} from '../lib/registry/upkeep/inventory.js';
import {openStockInventory} from '../lib/registry/upkeep/stock-inventory.js';
import {openStoreInventory} from '../lib/registry/upkeep/store-inventory.js';
import type {Flags, FlagValues} from './command.js';
import type {Context} from './context.js';

/** Which registry; as `sealimage serve` has it. */
export const inventoryFlags = {
	root: {
		type: 'string',
		value: 'DIR',
		help: "a registry folder in the layout of docker's registry; with --store the folder of an image store",
		completes: 'folder',
	},
	store: {type: 'boolean', help: 'the image store, as it is served (the default without --root)'},
} as const satisfies Flags;

/** Opens the registry for one piece of work and closes it after. */
export async function withInventory<T>(
	flags: FlagValues<typeof inventoryFlags>,
	context: Context,
	work: (inventory: StorageInventory) => Promise<T>,
): Promise<T> {
	const {io, settings, signal, onEvent} = context;
	const root = flags.root === undefined ? undefined : resolve(io.cwd, flags.root);
	if (root !== undefined && !flags.store) {
		const inventory = await openStockInventory(root, {signal});
		try {
			return await work(inventory);
		} finally {
			await inventory.close();
		}
	}
	const store = await openStore(root ?? settings.root.value, {create: root === undefined, signal, onEvent});
	const inventory = await openStoreInventory(store);
	try {
		return await work(inventory);
	} finally {
		await inventory.close();
		await store.close();
	}
}
