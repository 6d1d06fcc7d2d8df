import {join} from 'node:path';
import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {mapBounded} from '../../../core/pool.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {type Digest, parseDigest} from '../../../oci/digest.js';
import type {NewManifest, RegistryStorage} from '../storage.js';
import {createUploads} from '../uploads/uploads.js';
import {storedBlob} from './blobs.js';
import {isRepositoryName, listRepositories} from './catalog.js';
import {keepContent} from './keep-content.js';
import {createLru, type Lru} from './lru.js';
import {openStockParts, type StockFolderOptions, type StockParts} from './parts.js';
import {isTag} from './tags.js';
import {createTurns, type Turns} from './turns.js';

export type StockStorageOptions = StockFolderOptions & Abortable;

/**
 * A registry in the storage folder of the stock registry server, which may serve the same folder at the same time: it reads
 * what is written here, and what it writes is seen here. `root` is the server's root directory, or a folder with such a one
 * named `registry`, as cluster images have it.
 * @throws SealError ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO
 */
export async function openStockStorage(root: string, options: StockStorageOptions = {}): Promise<RegistryStorage> {
	options.signal?.throwIfAborted();
	const parts = await openStockParts(root, options);
	const {folder, blobs, writer} = parts;
	const turns = createTurns();
	const holders = createLru<Digest, string>(10_000);
	const uploads = createUploads({
		folder: join(folder.privateDir, 'uploads'),
		durability: options.durability ?? 'full',
		async place(repository, digest, file) {
			const unflushed = new Set<string>();
			const after = blobs.place(digest, file, {unflushed});
			// Awaited where the link appears; until then its failure is nobody's.
			after.catch(() => undefined);
			await turns.shared(repository, () => blobs.link(repository, digest, {unflushed, after}));
			await writer.flush(unflushed);
			holders.set(digest, repository);
			return storedBlob(digest, blobs.path(digest), file.sizeBytes);
		},
	});
	return {
		name: folder.name,
		uploads: {
			...uploads,
			async start(repository, how) {
				checkName(repository);
				return await uploads.start(repository, how);
			},
		},
		repositories: page => listRepositories(join(folder.base, 'repositories'), page),
		...manifestMethods(parts, turns),
		...blobMethods(parts, turns, holders),
		async close() {
			await uploads.close();
			await parts.close();
		},
	};
}

type ManifestMethods = Pick<
	RegistryStorage,
	'tags' | 'tag' | 'manifest' | 'putManifest' | 'deleteTag' | 'deleteManifest' | 'referrers'
>;

function manifestMethods(parts: StockParts, turns: Turns): ManifestMethods {
	const {manifests, tags, referrers} = parts;
	return {
		async tags(repository, page) {
			checkName(repository);
			return await tags.list(repository, page);
		},
		async tag(repository, tag) {
			checkName(repository, tag);
			return await tags.read(repository, tag);
		},
		async manifest(repository, digest) {
			checkName(repository, digest);
			return await manifests.read(repository, digest);
		},
		async putManifest(repository, manifest, names) {
			checkName(repository, manifest.digest, ...names);
			return await turns.shared(repository, async () => {
				await keepContent(parts, repository, manifest);
				const missing = await missingParts(parts, repository, manifest);
				if (missing.length > 0) return missing;
				await manifests.write(repository, manifest);
				for (const tag of names) await tags.move(repository, tag, manifest.digest);
				return [];
			});
		},
		async deleteTag(repository, tag) {
			checkName(repository, tag);
			return await turns.exclusive(repository, () => tags.remove(repository, tag));
		},
		async deleteManifest(repository, digest) {
			checkName(repository, digest);
			return await turns.exclusive(repository, async () => {
				for (const tag of await tags.pointingAt(repository, digest)) await tags.remove(repository, tag);
				return await manifests.remove(repository, digest);
			});
		},
		async referrers(repository, subject) {
			checkName(repository, subject);
			return await referrers.list(repository, subject);
		},
	};
}

/** @param holders the repository that showed a blob last */
function blobMethods(
	parts: StockParts,
	turns: Turns,
	holders: Lru<Digest, string>,
): Pick<RegistryStorage, 'blob' | 'deleteBlob' | 'mount'> {
	const {blobs} = parts;
	return {
		async blob(repository, digest) {
			checkName(repository, digest);
			const found = await blobs.find(repository, digest);
			if (found !== undefined) holders.set(digest, repository);
			return found;
		},
		async deleteBlob(repository, digest) {
			checkName(repository, digest);
			return await turns.exclusive(repository, () => blobs.unlink(repository, digest));
		},
		async mount(repository, digest, from) {
			checkName(repository, digest);
			if (from !== undefined) checkName(from);
			const holder = from ?? (await findHolder(parts, digest, holders.get(digest)));
			if (holder === undefined || !(await blobs.has(holder, {digest}))) return false;
			return await turns.shared(repository, async () => {
				await blobs.link(repository, digest);
				await blobs.renew(digest);
				if ((await blobs.facts(digest)) !== undefined) return true;
				await blobs.unlink(repository, digest);
				return false;
			});
		},
	};
}

async function missingParts(
	{blobs, manifests}: StockParts,
	repository: string,
	manifest: NewManifest,
): Promise<readonly Descriptor[]> {
	const named = [...manifest.blobs, ...manifest.manifests];
	const there = await mapBounded(named, 8, (part, i) =>
		i < manifest.blobs.length ? blobs.has(repository, part) : manifests.has(repository, part.digest),
	);
	return named.filter((_, i) => there[i] !== true);
}

/** A mount without a source looks no further: a push is not much slower. */
const maxAsked = 1000;

/** A repository that has a blob: the last one that showed it, else one of the first in the catalog. */
async function findHolder(
	{blobs, folder}: StockParts,
	digest: Digest,
	last: string | undefined,
): Promise<string | undefined> {
	if ((await blobs.facts(digest)) === undefined) return undefined;
	const isHolder = (name: string): Promise<boolean> => blobs.has(name, {digest}).catch(() => false);
	if (last !== undefined && (await isHolder(last))) return last;
	const names = await listRepositories(join(folder.base, 'repositories'), {limit: maxAsked});
	const found = await mapBounded(names, 16, isHolder);
	return names.find((_, i) => found[i]);
}

/**
 * The server checks names before; this is the door to the disk.
 * @throws SealError ERR_REFERENCE_INVALID, ERR_DIGEST_INVALID
 */
function checkName(repository: string, ...tagsAndDigests: readonly string[]): void {
	if (!isRepositoryName(repository)) throw invalid('repository', repository);
	for (const name of tagsAndDigests) {
		if (name.includes(':')) parseDigest(name);
		else if (!isTag(name)) throw invalid('tag', name);
	}
}

function invalid(what: string, name: string): SealError {
	return new SealError('ERR_REFERENCE_INVALID', `${JSON.stringify(name.slice(0, 160))} is no ${what} name`);
}
