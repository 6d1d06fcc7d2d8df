import {SealError} from '../../../core/errors.js';
import {listLinkedRepositories, uploadsFolder} from '../../../oci/store/repository-links.js';
import type {Store} from '../../../oci/store/store.js';
import type {Page, RegistryStorage} from '../storage.js';
import {createUploads, type UploadSessions} from '../uploads/uploads.js';
import {linkBlob, placeBlob, storedBlob} from './blobs.js';
import {deleteBlob, deleteManifest, deleteTag, showAgain} from './deletes.js';
import {createDocuments} from './documents.js';
import {createEditor} from './edit.js';
import {type ManifestParts, putManifest} from './manifests.js';
import {createMembership} from './membership.js';
import {listedRepository, storedRepository} from './names.js';
import {listReferrers} from './referrers.js';
import {createSnapshots, type Snapshot} from './snapshot.js';

export interface StoreStorageOptions {
	/** `full` (default) survives a power cut, `none` kill -9 only. */
	readonly durability?: 'full' | 'none';
	/** How long a push waits for another process that holds the store; default 30 s. */
	readonly lockTimeoutMs?: number;
}

/**
 * The images of a store as a registry. `redis` in a request is `docker.io/library/redis` in the store, a first component that looks
 * like a host is one: `registry.k8s.io/pause`. Names that other processes give and take (a build, `tag`, `rmi`) count at once.
 */
export async function openStoreStorage(store: Store, options: StoreStorageOptions = {}): Promise<RegistryStorage> {
	const {durability = 'full', lockTimeoutMs} = options;
	const documents = createDocuments(store);
	const snapshots = createSnapshots(store.root, documents);
	const sync = durability === 'full';
	const editor = createEditor(store, snapshots, {sync, lockTimeoutMs});
	const {current} = snapshots;
	const parts: StoreParts = {store, documents, membership: createMembership(store, documents), editor, sync, current};
	const uploads = openUploads(parts, durability);
	await current();
	return {
		name: `the store ${store.root}`,
		...reads(parts),
		...writes(parts),
		uploads: {
			...uploads,
			async start(repository, algorithm) {
				required(repository);
				return await uploads.start(repository, algorithm);
			},
		},
		close: uploads.close,
	};
}

interface StoreParts extends ManifestParts {
	current(): Promise<Snapshot>;
}

type Reads = Pick<RegistryStorage, 'repositories' | 'tags' | 'tag' | 'manifest' | 'blob' | 'referrers'>;

function reads(parts: StoreParts): Reads {
	const {store, documents, membership, current} = parts;
	const repositories = async (): Promise<readonly string[]> => {
		const named = [...(await current()).repositories.keys()];
		const linked: string[] = [];
		for await (const stored of listLinkedRepositories(store.root)) {
			if (((await membership.linked(stored))?.roots.length ?? 0) > 0) linked.push(stored);
		}
		return [...new Set([...named, ...linked])].map(listedRepository);
	};
	return {
		repositories: async page => pageOf(await repositories(), page),
		async tags(repository, page) {
			const stored = storedRepository(repository);
			if (stored === undefined) return undefined;
			const view = (await current()).repositories.get(stored);
			if (view !== undefined) return pageOf([...view.tags.keys()], page);
			return ((await membership.linked(stored))?.roots.length ?? 0) > 0 ? [] : undefined;
		},
		async tag(repository, tag) {
			const stored = storedRepository(repository);
			return stored === undefined ? undefined : (await current()).repositories.get(stored)?.tags.get(tag)?.digest;
		},
		async manifest(repository, digest, {signal} = {}) {
			const stored = storedRepository(repository);
			if (stored === undefined) return undefined;
			const descriptor = await membership.findManifest(await current(), stored, digest);
			const bytes = descriptor === undefined ? undefined : await documents.bytes(descriptor, {signal});
			return descriptor === undefined || bytes === undefined
				? undefined
				: {digest, mediaType: descriptor.mediaType, bytes};
		},
		async blob(repository, digest) {
			const stored = storedRepository(repository);
			if (stored === undefined) return undefined;
			const member = await membership.find(await current(), stored, digest);
			return member === undefined ? undefined : await storedBlob(store, digest);
		},
		async referrers(repository, subject) {
			const stored = storedRepository(repository);
			return stored === undefined ? [] : await listReferrers(parts, await current(), stored, subject);
		},
	};
}

type Writes = Pick<RegistryStorage, 'putManifest' | 'deleteTag' | 'deleteManifest' | 'deleteBlob' | 'mount'>;

function writes(parts: StoreParts): Writes {
	const {store, membership, current} = parts;
	/** Those too that have nothing but uploads so far. */
	const everyRepository = async (): Promise<ReadonlySet<string>> => {
		const all = new Set((await current()).repositories.keys());
		for await (const stored of listLinkedRepositories(store.root)) all.add(stored);
		return all;
	};
	return {
		async putManifest(repository, manifest, tags, {signal} = {}) {
			return await putManifest(parts, required(repository), manifest, tags, {signal});
		},
		async deleteTag(repository, tag) {
			const stored = storedRepository(repository);
			return stored !== undefined && (await deleteTag(parts, stored, tag));
		},
		async deleteManifest(repository, digest) {
			const stored = storedRepository(repository);
			return stored !== undefined && (await deleteManifest(parts, stored, digest));
		},
		async deleteBlob(repository, digest) {
			const stored = storedRepository(repository);
			return stored !== undefined && (await deleteBlob(parts, stored, digest));
		},
		async mount(repository, digest, from) {
			const target = required(repository);
			if ((await storedBlob(store, digest)) === undefined) return false;
			const snapshot = await current();
			for (const source of from === undefined ? await everyRepository() : [storedRepository(from)]) {
				if (source === undefined || (await membership.find(snapshot, source, digest)) === undefined) continue;
				if (!(await linkBlob(store, target, digest))) return false;
				await showAgain(parts, snapshot, target, digest);
				return true;
			}
			return false;
		},
	};
}

function openUploads(parts: StoreParts, durability: 'full' | 'none'): UploadSessions {
	const {store, sync, current} = parts;
	return createUploads({
		folder: uploadsFolder(store.root),
		durability,
		async place(repository, digest, file) {
			const stored = required(repository);
			await placeBlob(store, stored, digest, file, {sync});
			await showAgain(parts, await current(), stored, digest);
			const blob = await storedBlob(store, digest);
			if (blob !== undefined) return blob;
			throw new SealError('ERR_STORE_DAMAGED', `${digest} has vanished from the store ${store.root}`, {
				hint: 'Let only sealimage remove content from the store.',
			});
		},
	});
}

function required(repository: string): string {
	const stored = storedRepository(repository);
	if (stored !== undefined) return stored;
	throw new SealError(
		'ERR_REFERENCE_INVALID',
		`The repository ${JSON.stringify(repository)} cannot be kept in a store`,
		{
			hint: 'Use a shorter name.',
			details: {repository},
		},
	);
}

/** Byte order and the order of UTF-16 units are the same here: repositories and tags are ASCII. */
function pageOf(names: readonly string[], {after, limit}: Page): readonly string[] {
	const sorted = names.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
	const rest = after === undefined ? sorted : sorted.filter(name => name > after);
	return limit === undefined ? rest : rest.slice(0, limit);
}
