import type {Bytes} from '../core/bytes.js';
import type {OperationOptions} from '../core/events.js';
import type {BlobFiles, ContentReader} from './content.js';
import type {Digest} from './digest.js';
import type {LayerEntry} from './entry.js';

/** Where layers are read from: any store, faster when its blobs are files. */
export type LayerSource = ContentReader & Partial<BlobFiles>;

export interface ContentOptions extends OperationOptions {
	/**
	 * Plain layers whose blob file is known to be whole. They are used in place; others are verified once and added, so
	 * that one set shared by the steps of a build verifies each layer once.
	 */
	readonly verified?: Set<Digest>;
}

/**
 * Turns contents of kind `layer` into `file`: at their place in the blob for plain tar layers of a store with blob files,
 * else in one spool file per layer made in `scratchDir` (the caller removes that folder). Other kinds are kept.
 * One pass per layer. Results are in the order of `entries`.
 */
export async function locateContents(
	entries: readonly LayerEntry[],
	store: LayerSource,
	scratchDir: string,
	options: ContentOptions = {},
): Promise<LayerEntry[]> {
	void entries;
	void store;
	void scratchDir;
	void options;
	throw new Error('not built yet');
}

/**
 * Streams the contents of many entries (tree nodes are entries), each exactly `header.size` bytes, in the order that reads each
 * layer once: an entry's bytes must be consumed, or given up, before the next is asked for. Entries without content are left out.
 */
export async function* streamContents<T extends LayerEntry>(
	entries: Iterable<T>,
	store: LayerSource,
	options: ContentOptions = {},
): AsyncGenerator<{readonly entry: T; readonly bytes: Bytes}> {
	void entries;
	void store;
	void options;
	yield* [];
}

/**
 * The bytes of a set of small files, by entry. Entries without content give an empty buffer.
 * @throws SealError ERR_CONTENT_SIZE, before anything is read, when one file is larger than `limitBytes`
 */
export async function readContents<T extends LayerEntry>(
	entries: Iterable<T>,
	store: LayerSource,
	limitBytes: number,
	options: ContentOptions = {},
): Promise<Map<T, Buffer>> {
	void entries;
	void store;
	void limitBytes;
	void options;
	throw new Error('not built yet');
}
