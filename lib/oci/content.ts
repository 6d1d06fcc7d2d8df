import type {Bytes} from '../core/bytes.js';
import type {Abortable} from '../core/events.js';
import type {Descriptor} from './descriptor.js';
import type {Digest} from './digest.js';

/**
 * Reads content by descriptor. `fetch` yields exactly `descriptor.size` bytes (from `offset` on) and, when read from the
 * start, verifies the digest before the last chunk is done: a wrong byte rejects with ERR_CONTENT_DIGEST, a wrong length
 * with ERR_CONTENT_SIZE, absence with ERR_CONTENT_MISSING.
 */
export interface ContentReader {
	fetch(descriptor: Descriptor, options?: FetchOptions): Promise<Bytes>;
	exists(descriptor: Descriptor, options?: Abortable): Promise<boolean>;
}

export interface FetchOptions extends Abortable {
	/** Where to begin; default 0. */
	readonly offset?: number | undefined;
	/** False: the caller checks the bytes itself, so the reader need not hash them too. Default true. */
	readonly verify?: boolean | undefined;
	/**
	 * True: a chunk is done with when the caller asks for the one after the next, so its memory may be used again. Fresh
	 * memory for each chunk costs more than reading it. Default false: chunks are the caller's to keep.
	 */
	readonly reuse?: boolean | undefined;
}

export interface ContentStore extends ContentReader {
	/** Idempotent and atomic: resolves when the verified content is stored, whoever stored it. */
	push(descriptor: Descriptor, bytes: Bytes, options?: Abortable): Promise<void>;
}

export interface Resolver {
	/** @throws SealError ERR_IMAGE_UNKNOWN */
	resolve(reference: string, options?: Abortable): Promise<Descriptor>;
}

export interface Tagger {
	/** Moves a name to a descriptor whose content is already stored. Atomic. */
	tag(reference: string, descriptor: Descriptor, options?: Abortable): Promise<void>;
}

export type ImageSource = ContentReader & Resolver;
export type ImageSink = ContentStore & Resolver & Tagger;

/** Content whose digest is not known before it is written: the way a layer gets into a store. */
export interface Ingest {
	/** Appends. The chunk may be reused by the caller once the promise resolves. */
	write(chunk: Uint8Array): Promise<void>;
	/**
	 * Makes the content visible under the digest of what was written. Idempotent over processes: when the store holds
	 * the same content already, this copy is dropped.
	 */
	commit(digest: Digest): Promise<void>;
	/** Drops what was written. Safe to call after commit (does nothing). */
	abort(): Promise<void>;
}

/** A rare power, found by `isIngester`. */
export interface Ingester {
	ingest(options?: Abortable): Promise<Ingest>;
}

/** A store whose blobs are plain files: layers are read by offset instead of through a stream. */
export interface BlobFiles {
	/** The path of the file that holds exactly this content; it need not exist. */
	blobPath(digest: Digest): string;
}

/** A store that can take a file of another store as its own: a hard link instead of a copy. A rare power. */
export interface BlobAdopter {
	/**
	 * Takes the file at `path` as the content of `descriptor`, verified by its digest. False when it cannot be linked
	 * (another file system, another owner): then the content has to be pushed.
	 * @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE, ERR_CONTENT_MISSING
	 */
	adopt(descriptor: Descriptor, path: string, options?: Abortable): Promise<boolean>;
}

/** A sink that can make content of its own side usable in another place without moving a byte. A rare power. */
export interface ContentMounter {
	/**
	 * Tries to take `descriptor` from where it is already; `from` names places of the sink (`host/repository`) that may hold
	 * it, best first. Resolves with the place it came from, or undefined when it has to be pushed.
	 */
	mount(descriptor: Descriptor, options?: Abortable & {readonly from?: readonly string[]}): Promise<string | undefined>;
}

/** Content that has addresses of its own in a registry: what a sink at the same registry can mount. A rare power. */
export interface PlacedContent {
	/** Places (`host/repository`) that hold the content, best first. */
	placesOf(descriptor: Descriptor): readonly string[];
}

/**
 * A sink that takes a manifest only together with the blobs that it names: what has the manifest has them all. A rare
 * power. It says nothing of indexes: registries differ in whether they take a part of one.
 */
export interface WholeManifests {
	readonly holdsWholeManifests: true;
}

/** A sink that goes on where an earlier attempt broke, in this process or a former one. A rare power. */
export interface ResumableSink {
	/**
	 * As `push`, with bytes that can be asked for again from any offset. What was stored by an earlier attempt is not read
	 * again from the source; the whole is verified all the same.
	 */
	pushFrom(descriptor: Descriptor, read: ContentOpener, options?: Abortable): Promise<void>;
}

/** Opens content from `offset` on. With `verify` false the sink checks the whole itself. */
export type ContentOpener = (offset: number, options: Omit<FetchOptions, 'offset'>) => Promise<Bytes>;

/** The tags of a repository, in byte order. A rare power. */
export interface TagLister {
	/** @throws SealError ERR_IMAGE_UNKNOWN when the repository is not known */
	tags(options?: Abortable): Promise<readonly string[]>;
}

/** Artifacts (signatures, attestations, inventories) whose `subject` is given content. A rare power. */
export interface ReferrerLister {
	/** Descriptors with `artifactType` and annotations; empty when there are none. */
	referrers(
		subject: Digest,
		options?: Abortable & {readonly artifactType?: string | undefined},
	): Promise<readonly Descriptor[]>;
}

/** A place that forgets content. A rare power. */
export interface ContentDeleter {
	/** Removes a tag, or a manifest with all its tags (by digest). @throws SealError ERR_IMAGE_UNKNOWN */
	delete(tagOrDigest: string, options?: Abortable): Promise<void>;
}

export function isContentMounter(value: object): value is ContentMounter {
	return typeof (value as Partial<ContentMounter>).mount === 'function';
}

export function isPlacedContent(value: object): value is PlacedContent {
	return typeof (value as Partial<PlacedContent>).placesOf === 'function';
}

export function holdsWholeManifests(value: object): value is WholeManifests {
	return (value as Partial<WholeManifests>).holdsWholeManifests === true;
}

export function isResumableSink(value: object): value is ResumableSink {
	return typeof (value as Partial<ResumableSink>).pushFrom === 'function';
}

export function isTagLister(value: object): value is TagLister {
	return typeof (value as Partial<TagLister>).tags === 'function';
}

export function isReferrerLister(value: object): value is ReferrerLister {
	return typeof (value as Partial<ReferrerLister>).referrers === 'function';
}

export function isContentDeleter(value: object): value is ContentDeleter {
	return typeof (value as Partial<ContentDeleter>).delete === 'function';
}

export function isBlobAdopter(value: object): value is BlobAdopter {
	return typeof (value as Partial<BlobAdopter>).adopt === 'function';
}

export function isIngester(value: object): value is Ingester {
	return typeof (value as Partial<Ingester>).ingest === 'function';
}

export function hasBlobFiles(value: object): value is BlobFiles {
	return typeof (value as Partial<BlobFiles>).blobPath === 'function';
}
