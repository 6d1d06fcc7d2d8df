import {type Blobs, createBlobs} from './blobs.js';
import {openStockFolder, type StockFolder} from './folder.js';
import {createLinks, type Links} from './links.js';
import {createManifests, type Manifests} from './manifests.js';
import {createReferrers, type Referrers} from './referrers.js';
import {createTags, type Tags} from './tags.js';
import {createWriter, type Writer} from './writer.js';

/** A registry's folder, opened, by the kinds of files in it. */
export interface StockParts {
	readonly folder: StockFolder;
	readonly writer: Writer;
	readonly links: Links;
	readonly blobs: Blobs;
	readonly manifests: Manifests;
	readonly tags: Tags;
	readonly referrers: Referrers;
	close(): Promise<void>;
}

export interface StockFolderOptions {
	/** `full` (default) survives a power cut; `none` survives kill -9 only. */
	readonly durability?: 'full' | 'none' | undefined;
	/** Make a registry of a new or empty folder (default false). */
	readonly create?: boolean | undefined;
}

/** @throws SealError ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO */
export async function openStockParts(root: string, options: StockFolderOptions): Promise<StockParts> {
	const {durability = 'full', create = false} = options;
	const folder = await openStockFolder(root, create);
	const writer = await createWriter(folder, {durability});
	const links = createLinks();
	const blobs = createBlobs(folder, links, writer);
	const manifests = createManifests(folder, links, blobs, writer);
	const tags = createTags(folder, links, writer);
	const referrers = createReferrers(folder, manifests, tags, writer);
	return {
		folder,
		writer,
		links,
		blobs,
		manifests,
		tags,
		referrers,
		async close() {
			await referrers.close();
			await writer.close();
		},
	};
}
