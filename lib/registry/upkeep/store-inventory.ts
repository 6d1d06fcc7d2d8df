import {readdir, stat, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {besideOf} from '../../core/atomic-file.js';
import {ifExists, withIo} from '../../core/io-error.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {collectGarbage} from '../../oci/store/gc.js';
import {namesOf, privateFolder, readIndex} from '../../oci/store/layout.js';
import {listManifestLinks} from '../../oci/store/repository-links.js';
import type {Store} from '../../oci/store/store.js';
import {createNameReader, listedRepository, storedRepository} from '../storage/layout/names.js';
import {openStoreStorage} from '../storage/layout/open.js';
import type {RegistryStorage} from '../storage/storage.js';
import {
	type CollectedRegistry,
	type CollectRegistryOptions,
	type ContentFile,
	defaultUploadIdleMs,
	type StorageInventory,
	type TagFacts,
} from './inventory.js';
import {replaceContent} from './replace-content.js';

/** The inventory of a local store. A server of this process hands in its own storage. */
export async function openStoreInventory(
	store: Store,
	options: {readonly storage?: RegistryStorage | undefined} = {},
): Promise<StorageInventory> {
	const storage = options.storage ?? (await openStoreStorage(store));
	return {
		name: storage.name,
		storage,
		tags: repository => listTags(store, repository),
		async manifests(repository) {
			const stored = storedRepository(repository) ?? repository;
			const links = await listManifestLinks(store.root, stored);
			const found = [...(await entriesOf(store, repository)), ...links.map(link => link.descriptor)];
			return [...new Set(found.map(({digest}) => digest))];
		},
		contents: () => listContents(store),
		async *check() {
			// Its one file beside content, index.json, was read when the store was opened.
		},
		async restore(descriptor, bytes, {signal} = {}) {
			const beside = besideOf(join(store.root, privateFolder, 'repair'));
			await replaceContent(store.blobPath(descriptor.digest), beside, descriptor, bytes, {signal, mode: 0o444});
		},
		async discard(digest) {
			const path = store.blobPath(digest);
			await withIo('remove', path, () => ifExists(() => unlink(path)));
		},
		isLinked: async () => true,
		async link() {
			// What a name reaches needs no link.
		},
		collect: collect => collectStore(store, storage, collect),
		async close() {
			if (options.storage === undefined) await storage.close();
		},
	};
}

const readName = createNameReader();

async function entriesOf(store: Store, repository: string): Promise<readonly Descriptor[]> {
	const stored = storedRepository(repository);
	return (await readIndex(store.root)).manifests.filter(entry => {
		const [name] = namesOf(entry);
		return name !== undefined && readName(name)?.repository === stored;
	});
}

/** The store notes no times, but keeps its names in the order in which they were given. */
async function listTags(store: Store, repository: string): Promise<readonly TagFacts[]> {
	const facts = (await entriesOf(store, repository)).flatMap(entry => {
		const tag = readName(namesOf(entry)[0] ?? '')?.tag;
		return tag === undefined ? [] : [{tag, digest: entry.digest, pushedAt: undefined}];
	});
	return facts.toReversed();
}

async function* listContents(store: Store): AsyncGenerator<ContentFile> {
	for (const algorithm of ['sha256', 'sha512']) {
		const folder = join(store.root, 'blobs', algorithm);
		for (const name of (await withIo('list', folder, () => ifExists(() => readdir(folder)))) ?? []) {
			const digest = `${algorithm}:${name}`;
			const path = join(folder, name);
			const facts = isDigest(digest) ? await ifExists(() => stat(path)) : undefined;
			if (isDigest(digest) && facts?.isFile() === true) yield {digest, path, sizeBytes: facts.size};
		}
	}
}

async function collectStore(
	store: Store,
	storage: RegistryStorage,
	options: CollectRegistryOptions,
): Promise<CollectedRegistry> {
	const {untagged = false, graceMs, uploadIdleMs = defaultUploadIdleMs, dryRun = false, signal, onEvent} = options;
	const found = await collectGarbage(store, {untagged, graceMs, dryRun, signal, onEvent});
	return {
		untagged: found.untagged.map(({repository, descriptor}) => ({
			repository: listedRepository(repository),
			digest: descriptor.digest,
		})),
		blobs: found.blobs,
		freedBytes: found.freedBytes,
		uploads: dryRun ? 0 : await storage.uploads.sweep(uploadIdleMs),
		protectedBlobs: found.protectedBlobs,
	};
}
