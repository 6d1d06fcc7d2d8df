import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';

/**
 * What a registry server keeps, behind one interface for every form on disk. Repository names and tags are valid ones
 * (distribution-spec, "Pulling manifests") before they come here. Every method may be called at any time, by any number of
 * callers, beside other processes that read the same folder.
 */
export interface RegistryStorage {
	/** "the registry folder /srv/registry", for messages. */
	readonly name: string;
	/** Names in byte order after `after`, at most `limit`. */
	repositories(page: Page): Promise<readonly string[]>;
	/** As `repositories`; undefined when the repository is not known. */
	tags(repository: string, page: Page): Promise<readonly string[] | undefined>;
	/** The digest that a tag points at. */
	tag(repository: string, tag: string): Promise<Digest | undefined>;
	/** A manifest of this repository; its bytes are verified. */
	manifest(repository: string, digest: Digest, options?: Abortable): Promise<StoredManifest | undefined>;
	/**
	 * Stores a manifest and moves tags to it, when all that it names is in the repository; else resolves with what is not.
	 * An absent subject is fine. What is acknowledged survives kill -9.
	 */
	putManifest(
		repository: string,
		manifest: NewManifest,
		tags: readonly string[],
		options?: Abortable,
	): Promise<readonly Descriptor[]>;
	/** Removes a tag, and nothing else. False when there is none. */
	deleteTag(repository: string, tag: string): Promise<boolean>;
	/** Removes a manifest from a repository, and the tags that point at it. False when there is none. */
	deleteManifest(repository: string, digest: Digest): Promise<boolean>;
	/** A blob that may be read in this repository. */
	blob(repository: string, digest: Digest, options?: Abortable): Promise<StoredBlob | undefined>;
	/** Makes a blob unreadable in this repository; its bytes go with the next garbage collection. False when there is none. */
	deleteBlob(repository: string, digest: Digest): Promise<boolean>;
	/** Makes a blob readable that `from` can read, or when undefined a repository that is found without long search. False when none is. */
	mount(repository: string, digest: Digest, from: string | undefined): Promise<boolean>;
	/** Manifests of this repository whose subject is `subject`, with artifactType and annotations (distribution-spec, "Listing Referrers"). */
	referrers(repository: string, subject: Digest): Promise<readonly Descriptor[]>;
	/** The blob uploads under way. */
	readonly uploads: Uploads;
	/** Waits for what is being written and lets go of locks. */
	close(): Promise<void>;
}

export interface Page extends Abortable {
	readonly after?: string | undefined;
	/** Default: no limit. */
	readonly limit?: number | undefined;
}

export interface StoredManifest {
	readonly digest: Digest;
	readonly mediaType: string;
	readonly bytes: Uint8Array;
}

export interface NewManifest extends StoredManifest {
	/** Configs, layers and artifact blobs that must be in the repository. */
	readonly blobs: readonly Descriptor[];
	/** Children of an index that must be in the repository. */
	readonly manifests: readonly Descriptor[];
	/** What this one is attached to, with the descriptor under which it is listed there. */
	readonly referrer?: {readonly subject: Digest; readonly descriptor: Descriptor} | undefined;
}

export interface StoredBlob {
	readonly digest: Digest;
	readonly sizeBytes: number;
	/** The plain file that holds exactly these bytes, when there is one: it may be read by offset, and stays readable once opened. */
	readonly path?: string | undefined;
	/** The bytes from `start` to before `end` (default: all). Not verified: the client does. */
	read(range?: Abortable & {readonly start?: number; readonly end?: number}): Promise<Bytes>;
}

/**
 * Uploads in pieces. Their state is on disk: after a restart each goes on at the offset that `status` tells. A chunk counts
 * once it can survive kill -9, which is before its call resolves.
 */
export interface Uploads {
	/** Begins an upload. The id is hard to guess. */
	start(repository: string, options?: {readonly algorithm?: 'sha256' | 'sha512'}): Promise<Upload>;
	/** Undefined when there is no such upload in this repository. */
	status(repository: string, id: string): Promise<Upload | undefined>;
	/**
	 * Appends and resolves with the new state. `offset`, when given, must be the current size.
	 * @throws SealError ERR_UPLOAD_UNKNOWN, ERR_UPLOAD_OFFSET (details.sizeBytes tells the current size), ERR_UPLOAD_BUSY when another request is appending,
	 * ERR_NO_SPACE; what came through before a failure of `bytes` is kept
	 */
	append(
		repository: string,
		id: string,
		bytes: Bytes,
		options?: Abortable & {readonly offset?: number; readonly limitBytes?: number},
	): Promise<Upload>;
	/**
	 * Verifies the whole, makes it a blob of the repository and ends the upload.
	 * @throws SealError ERR_CONTENT_DIGEST (the upload is dropped), ERR_UPLOAD_UNKNOWN, ERR_UPLOAD_BUSY
	 */
	finish(repository: string, id: string, digest: Digest, options?: Abortable): Promise<StoredBlob>;
	/** False when there is none. */
	cancel(repository: string, id: string): Promise<boolean>;
	/** Uploads under way. */
	count(): Promise<number>;
	/** Removes uploads that nobody touched for so long. Resolves with how many. */
	sweep(idleMs: number): Promise<number>;
}

export interface Upload {
	readonly id: string;
	readonly repository: string;
	readonly sizeBytes: number;
	readonly startedAt: Date;
	/**
	 * The file that the bytes are appended to, from offset 0 on. A pull-through cache reads from it what is still growing: a handle
	 * that was opened before `finish` or `cancel` goes on reading the same bytes after it.
	 */
	readonly path: string;
}
