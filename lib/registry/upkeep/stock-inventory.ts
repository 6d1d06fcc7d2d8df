import {join} from 'node:path';
import {hasCode, isSealError} from '../../core/errors.js';
import {mapBounded} from '../../core/pool.js';
import {statRegular} from '../storage/stock/files.js';
import {openStockParts, type StockParts} from '../storage/stock/parts.js';
import {layerLink, repositoryFolder, revisionLink, revisionsFolder, tagLink} from '../storage/stock/paths.js';
import {openStockStorage, type StockStorageOptions} from '../storage/stock/storage.js';
import type {RegistryStorage} from '../storage/storage.js';
import {collectStock} from './collect-stock.js';
import type {StorageFault, StorageInventory, TagFacts} from './inventory.js';
import {replaceContent} from './replace-content.js';
import {listBlobFiles, listLinks} from './stock-files.js';

/**
 * The inventory of a registry's folder in the stock layout. A server of this process hands in its own storage.
 * @throws SealError ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO
 */
export async function openStockInventory(
	root: string,
	options: StockStorageOptions & {readonly storage?: RegistryStorage | undefined} = {},
): Promise<StorageInventory> {
	const parts = await openStockParts(root, options);
	const {folder, blobs, writer} = parts;
	const storage = options.storage ?? (await openStockStorage(root, options));
	return {
		name: folder.name,
		storage,
		tags: repository => listTags(parts, storage, repository),
		async manifests(repository) {
			return (await listLinks(join(folder.base, revisionsFolder(repository)))).map(({digest}) => digest);
		},
		async *contents({signal} = {}) {
			for await (const {digest, path, facts} of listBlobFiles(folder)) {
				signal?.throwIfAborted();
				yield {digest, path, sizeBytes: facts.sizeBytes};
			}
		},
		check: () => checkLinks(parts, storage),
		async restore(descriptor, bytes, {signal} = {}) {
			const path = blobs.path(descriptor.digest);
			await replaceContent(path, await writer.temporary(), descriptor, bytes, {signal, mode: 0o644});
		},
		async discard(digest) {
			await writer.remove(blobs.path(digest));
		},
		async isLinked(repository, digest, kind) {
			const path = kind === 'blob' ? layerLink(repository, digest) : revisionLink(repository, digest);
			return (await statRegular(join(folder.base, path))) !== undefined;
		},
		async link(repository, digest, kind) {
			if (kind === 'blob') await blobs.link(repository, digest);
			else await parts.manifests.link(repository, digest);
		},
		collect: collect => collectStock(folder, storage, collect),
		async close() {
			if (options.storage === undefined) await storage.close();
			await parts.close();
		},
	};
}

async function listTags(
	{folder, links}: StockParts,
	storage: RegistryStorage,
	repository: string,
): Promise<readonly TagFacts[]> {
	const names = (await storage.tags(repository, {})) ?? [];
	const found = await mapBounded(names, 8, async tag => {
		const path = join(folder.base, tagLink(repository, tag));
		const facts = await statRegular(path);
		const digest = await links.read(path, 'moving').catch(passDamage);
		return facts === undefined || digest === undefined ? [] : [{tag, digest, pushedAt: new Date(facts.mtimeMs)}];
	});
	return found.flat().toSorted((a, b) => b.pushedAt.getTime() - a.pushedAt.getTime());
}

/** Links that are none. One that leads nowhere shows when what names it is verified. */
async function* checkLinks(parts: StockParts, storage: RegistryStorage): AsyncGenerator<StorageFault> {
	const {folder, links} = parts;
	for (const repository of await storage.repositories({})) {
		const tags = (await storage.tags(repository, {})) ?? [];
		const paths = tags.map(tag => join(folder.base, tagLink(repository, tag)));
		for (const kind of ['_layers', '_manifests/revisions']) {
			const found = await listLinks(join(folder.base, repositoryFolder(repository), kind));
			paths.push(...found.map(({path}) => path));
		}
		for (const path of paths) {
			const fault = await links.read(path, 'moving').then(
				() => undefined,
				(error: unknown) => error,
			);
			if (fault === undefined) continue;
			if (!isSealError(fault)) throw fault;
			yield {code: fault.code, path, message: fault.message, repository};
		}
	}
}

function passDamage(error: unknown): undefined {
	if (!hasCode(error, 'ERR_STORE_DAMAGED')) throw error;
	return undefined;
}
