import {rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists, withIo} from '../../core/io-error.js';
import {checkInside} from '../storage/stock/files.js';
import type {StockFolder} from '../storage/stock/folder.js';
import {foldersIn} from '../storage/stock/folders-in.js';
import {repositoryFolder} from '../storage/stock/paths.js';
import type {RegistryStorage} from '../storage/storage.js';

/** Removes uploads of the stock server that it did not go on with for so long. Resolves with how many. */
export async function sweepStockUploads(
	folder: StockFolder,
	storage: RegistryStorage,
	idleMs: number,
): Promise<number> {
	let removed = 0;
	for (const repository of await storage.repositories({})) {
		const uploads = join(folder.base, repositoryFolder(repository), '_uploads');
		for (const {name} of await foldersIn(uploads)) {
			const path = join(uploads, name);
			if (Date.now() - (await touchedMs(path)) < idleMs) continue;
			await withIo('remove', path, async () => {
				await checkInside(join(path, 'data'));
				await rm(path, {recursive: true, force: true});
			});
			removed++;
		}
	}
	return removed;
}

async function touchedMs(path: string): Promise<number> {
	const times = await Promise.all(
		[path, join(path, 'data'), join(path, 'startedat')].map(file => ifExists(() => stat(file))),
	);
	return Math.max(0, ...times.map(facts => facts?.mtimeMs ?? 0));
}
