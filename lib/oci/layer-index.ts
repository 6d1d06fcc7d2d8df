import type {Digest} from './digest.js';
import type {EntryHeader} from './entry.js';

/**
 * Where the data of a sparse file lies, as GNU tar stores it: `[offset in the file, length, offset, length, ...]`,
 * ascending. The pieces follow each other in the archive; everything else of the file is zeros.
 */
export type SparseMap = readonly number[];

/** One name of a layer and where its bytes are. */
export interface IndexedEntry {
	readonly header: EntryHeader;
	/** Of the content (not the header) in the uncompressed tar. For entries without content: where content would be. */
	readonly offset: number;
	readonly sparse?: SparseMap;
}

/** The table of contents of one layer, in archive order. */
export interface LayerIndex {
	readonly diffID: Digest;
	/** Of the uncompressed tar. */
	readonly sizeBytes: number;
	readonly entries: readonly IndexedEntry[];
}

/** A compact form for a cache on disk. */
export function formatLayerIndex(index: LayerIndex): Buffer {
	return Buffer.from(JSON.stringify(index));
}

/** Reads what `formatLayerIndex` wrote. Undefined when the bytes are of another version or damaged: make the index again. */
export function parseLayerIndex(bytes: Uint8Array): LayerIndex | undefined {
	return JSON.parse(Buffer.from(bytes).toString()) as LayerIndex;
}
