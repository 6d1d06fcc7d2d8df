import {readdir, rmdir} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bytes} from '../../../core/bytes.js';
import {SealError} from '../../../core/errors.js';
import type {Abortable, OperationOptions} from '../../../core/events.js';
import {mapBounded} from '../../../core/pool.js';
import type {ArchivedImage, ImageArchive} from '../../../oci/archive/archive.js';
import type {
	BlobAdopter,
	BlobFiles,
	ContentDeleter,
	ImageSink,
	ImageSource,
	ReferrerLister,
	TagLister,
} from '../../../oci/content.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {type Digest, isDigest} from '../../../oci/digest.js';
import {readStoredDocument} from '../../../oci/store/stored-document.js';
import {missingContent, readFileVerified, wrongSize} from '../../../oci/verify.js';
import type {Page, StoredManifest} from '../storage.js';
import {listRepositories} from './catalog.js';
import {type DirName, looksLikeHost, readDirName} from './dir-names.js';
import {linkImage} from './link-image.js';
import {openStockParts, type StockFolderOptions, type StockParts} from './parts.js';
import {adoptBlob, pushBlob} from './push-blob.js';
import {isTag} from './tags.js';

export type RegistryDirOptions = StockFolderOptions & OperationOptions;

/**
 * A registry's folder as a place of images, without any server. Content that is pushed belongs to no repository, and is seen
 * by nobody, until `tag` gives it a name: then all that it reaches is linked into that repository.
 */
export interface RegistryDir extends ImageArchive, ImageSink, BlobFiles, BlobAdopter {
	/** Names of repositories in byte order. */
	repositories(page?: Page): Promise<readonly string[]>;
	/** One repository; the name is read as in `resolve`. @throws SealError ERR_IMAGE_UNKNOWN, ERR_REFERENCE_INVALID */
	repository(name: string, options?: Abortable): Promise<DirRepository>;
}

/** References are tags and digests. */
export type DirRepository = ImageSource & TagLister & ReferrerLister & ContentDeleter & {readonly name: string};

/**
 * Opens the folder of a registry server, or of a cluster image, for reading and writing images. `resolve` takes a name as it
 * is in the folder (`pause`, `registry.k8s.io/pause`) or as docker writes it, and digests.
 * @throws SealError ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO
 */
export async function openRegistryDir(path: string, options: RegistryDirOptions = {}): Promise<RegistryDir> {
	options.signal?.throwIfAborted();
	const parts = await openStockParts(path, options);
	const {folder, blobs, tags} = parts;
	const root = join(folder.base, 'repositories');
	const fetch: RegistryDir['fetch'] = (descriptor, how) => fetchBlob(parts, descriptor, how);
	/** Who asks is about to rely on it: it is kept from a collector that may be at work. */
	const exists: RegistryDir['exists'] = async ({digest, size}) => {
		if ((await blobs.facts(digest))?.sizeBytes !== size) return false;
		await blobs.renew(digest);
		return (await blobs.facts(digest))?.sizeBytes === size;
	};
	const reader: ImageSource = {fetch, exists, resolve: reference => resolveIn(parts, reference)};
	return {
		...reader,
		blobPath: blobs.path,
		push: (descriptor, bytes, how) => pushBlob(parts, descriptor, bytes, how ?? {}),
		adopt: (descriptor, from, how) => adoptBlob(parts, descriptor, from, how ?? {}),
		async tag(reference, descriptor, {signal} = {}) {
			const name = isDigest(reference) ? undefined : readDirName(reference);
			if (name === undefined) throw unnamed(descriptor, folder.name);
			await linkImage(parts, name.own, descriptor, {signal, onEvent: options.onEvent});
			if (name.tag !== undefined) await tags.move(name.own, name.tag, descriptor.digest);
		},
		repositories: (page = {}) => listRepositories(root, page),
		images: () => listImages(parts),
		async repository(name, {signal} = {}) {
			const {exact, plain} = readDirName(name);
			for (const candidate of [...exact, ...plain]) {
				signal?.throwIfAborted();
				if ((await tags.list(candidate, {limit: 1})) !== undefined) return openRepository(parts, candidate, reader);
			}
			throw unknown(name, folder.name);
		},
		/** Leaves nothing beside the registry that is of no use. */
		async close() {
			await parts.close();
			for (const path of [join(folder.privateDir, 'tmp'), folder.privateDir]) await rmdir(path).catch(() => undefined);
		},
	};
}

function openRepository(parts: StockParts, name: string, reader: ImageSource): DirRepository {
	const {tags, manifests, referrers, folder} = parts;
	const what = (reference: string): string => `${name}${reference.includes(':') ? '@' : ':'}${reference}`;
	return {
		name,
		fetch: reader.fetch,
		exists: reader.exists,
		async resolve(reference) {
			const digest = isDigest(reference) ? reference : isTag(reference) ? await tags.read(name, reference) : undefined;
			const found = digest === undefined ? undefined : await manifests.read(name, digest);
			if (found === undefined) throw unknown(what(reference), folder.name);
			return describe(found);
		},
		async tags({signal} = {}) {
			return (await tags.list(name, {signal})) ?? [];
		},
		async referrers(subject, {artifactType} = {}) {
			const all = await referrers.list(name, subject);
			return artifactType === undefined ? all : all.filter(found => found.artifactType === artifactType);
		},
		async delete(reference) {
			if (!isDigest(reference)) {
				if (isTag(reference) && (await tags.remove(name, reference))) return;
				throw unknown(what(reference), folder.name);
			}
			for (const tag of await tags.pointingAt(name, reference)) await tags.remove(name, tag);
			if (!(await manifests.remove(name, reference))) throw unknown(what(reference), folder.name);
		},
	};
}

async function fetchBlob(
	{blobs, folder}: StockParts,
	descriptor: Descriptor,
	{offset = 0, verify, reuse, signal}: Parameters<RegistryDir['fetch']>[1] = {},
): Promise<Bytes> {
	signal?.throwIfAborted();
	const facts = await blobs.facts(descriptor.digest);
	if (facts === undefined) throw missingContent(descriptor, folder.name);
	const {sizeBytes} = facts;
	if (sizeBytes !== descriptor.size) {
		throw wrongSize(descriptor, folder.name, sizeBytes > descriptor.size ? 'longer' : 'shorter', sizeBytes);
	}
	const path = blobs.path(descriptor.digest);
	const hint = `Remove ${path}, then push or copy the image again.`;
	return readFileVerified(path, descriptor, folder.name, {offset, verify, reuse, hint, signal});
}

async function resolveIn(parts: StockParts, reference: string): Promise<Descriptor> {
	const {folder, blobs} = parts;
	if (reference === '') return await resolveOnly(parts);
	if (isDigest(reference)) {
		// Any blob may be asked for: only what is a whole manifest or index is an image.
		const isThere = (await blobs.facts(reference)) !== undefined;
		const found = isThere ? await readStoredDocument({blobPath: blobs.path}, reference) : undefined;
		if (found === undefined) throw unknown(reference, folder.name);
		return found.descriptor;
	}
	const name = readDirName(reference);
	for (const repository of name.exact) {
		const found = await findIn(parts, repository, name);
		if (found !== undefined) return found;
	}
	for (const repository of name.plain) {
		const found = await findIn(parts, repository, name);
		if (found !== undefined && !(await isClaimed(parts, repository, name))) return found;
	}
	throw unknown(reference, folder.name);
}

async function findIn(parts: StockParts, repository: string, name: DirName): Promise<Descriptor | undefined> {
	const digest = name.digest ?? (name.tag === undefined ? undefined : await parts.tags.read(repository, name.tag));
	const found = digest === undefined ? undefined : await parts.manifests.read(repository, digest);
	return found === undefined ? undefined : describe(found);
}

/** A plain name is trusted only when no image with a registry has that path: it would be of that one. */
async function isClaimed({folder, tags}: StockParts, repository: string, name: DirName): Promise<boolean> {
	const hosts = (await readdir(join(folder.base, 'repositories')).catch(() => [])).filter(looksLikeHost);
	const others = hosts.map(host => `${host}/${repository}`).filter(other => !name.exact.includes(other));
	const found = await mapBounded(others, 8, other => tags.list(other, {limit: 1}));
	return found.some(list => list !== undefined);
}

async function listImages(parts: StockParts): Promise<readonly ArchivedImage[]> {
	const {folder, tags, manifests} = parts;
	const repositories = await listRepositories(join(folder.base, 'repositories'), {});
	const named = await mapBounded(repositories, 8, async repository => {
		const found: {readonly name: string; readonly descriptor: Descriptor}[] = [];
		for (const tag of (await tags.list(repository, {})) ?? []) {
			// What is damaged is no reason not to list the rest.
			const digest = await tags.read(repository, tag).catch(() => undefined);
			const manifest =
				digest === undefined ? undefined : await manifests.read(repository, digest).catch(() => undefined);
			if (manifest !== undefined) found.push({name: `${repository}:${tag}`, descriptor: describe(manifest)});
		}
		return found;
	});
	const images = new Map<Digest, {readonly descriptor: Descriptor; readonly names: string[]}>();
	for (const {name, descriptor} of named.flat()) {
		const image = images.get(descriptor.digest) ?? {descriptor, names: []};
		image.names.push(name);
		images.set(descriptor.digest, image);
	}
	return [...images.values()];
}

async function resolveOnly(parts: StockParts): Promise<Descriptor> {
	const [first, second] = await listImages(parts);
	if (first === undefined || second !== undefined) throw unknown('', parts.folder.name);
	return first.descriptor;
}

function describe({mediaType, digest, bytes}: StoredManifest): Descriptor {
	return {mediaType, digest, size: bytes.length};
}

function unknown(reference: string, where: string): SealError {
	return new SealError('ERR_IMAGE_UNKNOWN', `No image ${JSON.stringify(reference.slice(0, 512))} is in ${where}`);
}

function unnamed({digest}: Descriptor, where: string): SealError {
	return new SealError('ERR_REFERENCE_INVALID', `${digest} has no name, and ${where} keeps images by name only`, {
		hint: 'Give the image a name there, for example registry-dir:FOLDER:app:1.0.',
	});
}
