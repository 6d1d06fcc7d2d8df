import type {Bytes} from '../../core/bytes.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import type {RegistryStorage} from '../storage/storage.js';

/** What upkeep needs of a storage beside what a server asks of it: everything that is there, whoever may read it. */
export interface StorageInventory {
	/** "the registry folder /srv/registry", for messages. */
	readonly name: string;
	readonly storage: RegistryStorage;
	/** The tags of a repository, the one pushed last first. */
	tags(repository: string, options?: Abortable): Promise<readonly TagFacts[]>;
	/** Every manifest that a repository keeps for itself: with a tag or without, children of indexes where they have been pushed. */
	manifests(repository: string, options?: Abortable): Promise<readonly Digest[]>;
	/** Every file of content. */
	contents(options?: Abortable): AsyncIterable<ContentFile>;
	/** Files of the storage itself that are not what they should be. */
	check(options?: Abortable): AsyncIterable<StorageFault>;
	/**
	 * Stores content again in place of what is damaged or missing: verified, then exchanged in one step.
	 * @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE; the storage is then as it was
	 */
	restore(descriptor: Descriptor, bytes: Bytes, options?: Abortable): Promise<void>;
	/** Removes the file of content that is damaged and that nothing needs: a push of it must not find it there. */
	discard(digest: Digest): Promise<void>;
	/** Whether the storage's own files say that a repository has content which its manifests name. */
	isLinked(repository: string, digest: Digest, kind: 'manifest' | 'blob'): Promise<boolean>;
	/** Makes content that is there readable in a repository again. */
	link(repository: string, digest: Digest, kind: 'manifest' | 'blob'): Promise<void>;
	/** Removes what nothing needs, beside servers and pushes under way, of other processes too. */
	collect(options: CollectRegistryOptions): Promise<CollectedRegistry>;
	close(): Promise<void>;
}

export interface TagFacts {
	readonly tag: string;
	readonly digest: Digest;
	/** When the tag was moved there; undefined where the storage does not note it. */
	readonly pushedAt: Date | undefined;
}

export interface ContentFile {
	readonly digest: Digest;
	readonly path: string;
	readonly sizeBytes: number;
}

export interface StorageFault {
	readonly code: string;
	readonly path: string;
	readonly message: string;
	readonly repository?: string | undefined;
}

export interface CollectRegistryOptions extends OperationOptions {
	/** Give up manifests that no tag reaches (default false). Referrers and children of what is kept stay. */
	readonly untagged?: boolean | undefined;
	/**
	 * What is younger is left alone: a push may be about to name it; default one hour. A pause in a push that is longer loses what was
	 * uploaded before it, so less than a minute is only for a registry that nobody writes to.
	 */
	readonly graceMs?: number | undefined;
	/** Uploads that nobody went on with for so long are dropped; default a day. */
	readonly uploadIdleMs?: number | undefined;
	/** Only tell what would go. */
	readonly dryRun?: boolean | undefined;
}

export interface CollectedRegistry {
	/** Manifests that were given up. */
	readonly untagged: readonly {readonly repository: string; readonly digest: Digest}[];
	readonly blobs: readonly Digest[];
	/** Bytes on the disk of the content removed. */
	readonly freedBytes: number;
	/** Uploads dropped; always 0 in a dry run. */
	readonly uploads: number;
	/** Content that nothing names, kept for its age. */
	readonly protectedBlobs: number;
}

/** Default of `uploadIdleMs`. */
export const defaultUploadIdleMs: number = 24 * 60 * 60_000;
