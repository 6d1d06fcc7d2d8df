import {oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {parseJson} from '../../oci/config.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {algorithmOf, type Digest, digestOf, isDigest} from '../../oci/digest.js';
import {maxConfigBytes, maxManifestBytes} from '../../oci/manifest.js';
import {mediaTypes} from '../../oci/media-types.js';
import {type ImageReference, parseReference} from '../../oci/reference.js';
import type {TreeFile, TreeFiles} from '../../oci/tree/files.js';
import {blobFile, embeddedRepository, plainRepository, registryRoot} from './layout.js';
import type {LowerRegistry} from './lower.js';

/** The embedded registry inside an image: a source of images, and what planning builds upon. */
export interface EmbeddedRegistry extends LowerRegistry, ImageSource {
	/** Repositories with their tags, both sorted; a repository without tags has images by digest only. */
	readonly repositories: ReadonlyMap<string, ReadonlyMap<string, Digest>>;
}

/** Documents of all images together; beyond this an image is no cluster image. */
const maxDocumentsBytes = 128 * 1024 * 1024;

/**
 * Reads the embedded registry of a tree: its links, manifests and configs at once, since each look into a compressed
 * layer costs a pass over it. `resolve` finds names with their registry, and plain names in images that sealos made;
 * damaged links count as absent. `fetch` gives documents and other small blobs.
 */
export async function openEmbedded(files: TreeFiles, options: Abortable = {}): Promise<EmbeddedRegistry> {
	const listing = await files.list(registryRoot, options);
	const sizes = new Map(listing.map(file => [file.path, file.sizeBytes]));
	const repositories = await readTags(files, listing, options);
	const revisions = readRevisions(listing);
	const documents = new Map<string, Uint8Array>();
	const roots = [...repositories.values()].flatMap(tags => [...tags.values()]);
	const wanted = [...new Set([...roots, ...[...revisions.values()].flatMap(digests => [...digests])])];
	await readDocuments(files, wanted, sizes, maxManifestBytes, documents, options);
	await readDocuments(files, configsOf(documents), sizes, maxConfigBytes, documents, options);

	const describe = (digest: Digest): Descriptor | undefined => {
		const bytes = documents.get(digest);
		const mediaType = bytes === undefined ? undefined : mediaTypeOf(bytes);
		return bytes === undefined || mediaType === undefined ? undefined : {mediaType, digest, size: bytes.length};
	};
	const find = (reference: ImageReference): Digest | undefined => {
		for (const repository of [embeddedRepository(reference), ...plainAlone(reference, repositories)]) {
			const {tag, digest} = reference;
			const found = digest === undefined ? repositories.get(repository)?.get(tag ?? '') : digest;
			if (found !== undefined && (digest === undefined || revisions.get(repository)?.has(digest) === true))
				return found;
		}
		return undefined;
	};
	return {
		repositories,
		has: path => sizes.has(path),
		tag: (repository, tag) => repositories.get(repository)?.get(tag),
		async resolve(reference) {
			const digest = find(parseReference(reference));
			const descriptor = digest === undefined ? undefined : describe(digest);
			if (descriptor !== undefined) return descriptor;
			throw new SealError('ERR_IMAGE_UNKNOWN', `No image "${reference}" is in the embedded registry`);
		},
		async exists({digest, size}) {
			return sizes.get(blobFile(digest)) === size;
		},
		async fetch(descriptor, {offset = 0, signal} = {}) {
			const bytes = documents.get(descriptor.digest) ?? (await readBlob(files, descriptor, {signal}));
			if (bytes.length !== descriptor.size)
				throw new SealError(
					'ERR_CONTENT_SIZE',
					`${descriptor.digest} has ${bytes.length} bytes in the embedded registry, expected ${descriptor.size}`,
				);
			return oneChunk(bytes.subarray(offset));
		},
	};
}

type Tags = Map<string, Map<string, Digest>>;

async function readTags(files: TreeFiles, listing: readonly TreeFile[], options: Abortable): Promise<Tags> {
	const pattern = /^registry\/docker\/registry\/v2\/repositories\/(.+)\/_manifests\/tags\/([^/]+)\/current\/link$/;
	const places = new Map<string, {readonly repository: string; readonly tag: string}>();
	const repositories: Tags = new Map();
	for (const {path, sizeBytes} of listing) {
		const [, repository, tag] = pattern.exec(path) ?? [];
		if (repository !== undefined && tag !== undefined && sizeBytes <= 256) places.set(path, {repository, tag});
		const bare = /\/repositories\/(.+?)\/_(?:layers|manifests)\//.exec(path)?.[1];
		if (bare !== undefined && !repositories.has(bare)) repositories.set(bare, new Map());
	}
	for await (const {path, bytes} of files.read(places.keys(), options)) {
		const place = places.get(path);
		const digest = Buffer.from(bytes).toString('latin1');
		if (place !== undefined && isDigest(digest)) repositories.get(place.repository)?.set(place.tag, digest);
	}
	return repositories;
}

function readRevisions(listing: readonly TreeFile[]): ReadonlyMap<string, ReadonlySet<Digest>> {
	const pattern = /\/repositories\/(.+)\/_manifests\/revisions\/(sha256|sha512)\/([0-9a-f]+)\/link$/;
	const revisions = new Map<string, Set<Digest>>();
	for (const {path} of listing) {
		const [, repository, algorithm, hex] = pattern.exec(path) ?? [];
		const digest = `${algorithm}:${hex}`;
		if (repository === undefined || !isDigest(digest)) continue;
		const own = revisions.get(repository) ?? new Set();
		revisions.set(repository, own.add(digest));
	}
	return revisions;
}

/** Adds the verified contents of blobs that are there and no longer than `limitBytes`. */
async function readDocuments(
	files: TreeFiles,
	digests: readonly Digest[],
	sizes: ReadonlyMap<string, number>,
	limitBytes: number,
	documents: Map<string, Uint8Array>,
	options: Abortable,
): Promise<void> {
	const paths = new Map<string, Digest>();
	let sizeBytes = 0;
	for (const digest of digests) {
		const size = sizes.get(blobFile(digest)) ?? Number.POSITIVE_INFINITY;
		if (size > limitBytes || documents.has(digest)) continue;
		sizeBytes += size;
		if (sizeBytes > maxDocumentsBytes) break;
		paths.set(blobFile(digest), digest);
	}
	for await (const {path, bytes} of files.read(paths.keys(), {...options, limitBytes})) {
		const digest = paths.get(path);
		if (digest !== undefined && digestOf(bytes, algorithmOf(digest)) === digest) documents.set(digest, bytes);
	}
}

function configsOf(documents: ReadonlyMap<string, Uint8Array>): readonly Digest[] {
	return [...documents.values()].flatMap(bytes => {
		const config = (tryParse(bytes) as {config?: {digest?: unknown}} | undefined)?.config?.digest;
		return isDigest(config) ? [config] : [];
	});
}

/** As the stock server tells it: the field, else an OCI index when there is a list of manifests, else an OCI manifest. */
function mediaTypeOf(bytes: Uint8Array): string | undefined {
	const document = tryParse(bytes) as {mediaType?: unknown; manifests?: unknown; config?: unknown} | undefined;
	if (document === undefined) return undefined;
	if (typeof document.mediaType === 'string') return document.mediaType;
	if (Array.isArray(document.manifests)) return mediaTypes.index;
	return document.config === undefined ? undefined : mediaTypes.manifest;
}

/** sealos drops the registry from names. A plain name is trusted only when no image with a registry has that path. */
function plainAlone(reference: ImageReference, repositories: Tags): readonly string[] {
	const plain = plainRepository(reference);
	const claimed = [...repositories.keys()].some(
		repository =>
			repository !== plain &&
			repository.endsWith(`/${plain}`) &&
			/[.:]|^localhost/.test(repository.split('/')[0] ?? ''),
	);
	return claimed ? [] : [plain];
}

async function readBlob(files: TreeFiles, {digest}: Descriptor, options: Abortable): Promise<Uint8Array> {
	for await (const {bytes} of files.read([blobFile(digest)], {...options, limitBytes: maxConfigBytes})) {
		if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
		throw new SealError('ERR_CONTENT_DIGEST', `${digest} has other content in the embedded registry`);
	}
	throw new SealError('ERR_CONTENT_MISSING', `${digest} is not in the embedded registry`);
}

function tryParse(bytes: Uint8Array): object | undefined {
	try {
		return parseJson(bytes, 'document');
	} catch {
		return undefined;
	}
}
