import {SealError} from '../core/errors.js';
import type {Abortable, OperationOptions} from '../core/events.js';
import type {BlobFiles, ImageSink, ImageSource, Ingester} from './content.js';
import type {Descriptor} from './descriptor.js';
import type {Platform} from './platform.js';

export interface StoreOptions extends OperationOptions {
	/** `full` (default) survives a power cut: what a name reaches is on the disk before the name is. `none` survives kill -9 only. */
	readonly durability?: 'full' | 'none';
	/** How long to wait for another process that holds the store; default 30 s. */
	readonly lockTimeoutMs?: number;
	/** Make the folder when there is none (default true). */
	readonly create?: boolean;
}

/** One image of the store with everything a listing shows. */
export interface StoredImage {
	/** Full normalised references, sorted; empty when the image is stored without a name. */
	readonly names: readonly string[];
	readonly descriptor: Descriptor;
	/** Newest `created` of its configs; undefined when none says. */
	readonly created?: string;
	/** Bytes of manifests, configs and layers, each blob counted once. */
	readonly sizeBytes: number;
	readonly platforms: readonly Platform[];
	/** Why the facts are incomplete: content is missing or damaged. */
	readonly damage?: string;
}

export interface ListOptions extends Abortable {
	/** Read manifests and configs for `created`, `sizeBytes` and `platforms` (default true); false reads index.json only. */
	readonly facts?: boolean;
}

/**
 * Images on disk: an OCI image layout that other tools read as it is. Names are stored in docker's normalised form.
 * `resolve` takes a name, name@digest, a digest, or six or more leading digits of one.
 */
export interface Store extends ImageSource, ImageSink, Ingester, BlobFiles {
	readonly root: string;
	/** For derived data that may be deleted at any time. */
	readonly cacheDir: string;
	/** On the same file system as the blobs; what dead processes left there is swept when the store is opened. */
	readonly tempDir: string;
	list(options?: ListOptions): Promise<readonly StoredImage[]>;
	/** Removes one name; content stays until it is collected. Resolves with what it pointed to. @throws SealError ERR_IMAGE_UNKNOWN */
	untag(reference: string, options?: Abortable): Promise<Descriptor>;
	/** Ends the protection of unnamed content that this store wrote. The end of the process does it too. */
	close(): Promise<void>;
}

/**
 * Opens the store at `root`, making it when it is missing.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_PERMISSION, ERR_IO
 */
export async function openStore(root: string, _options: StoreOptions = {}): Promise<Store> {
	throw new SealError('ERR_INTERNAL', `Store ${root} cannot be opened yet`);
}
