import type {OperationOptions} from '../core/events.js';
import type {Compression} from './compress/compression.js';
import type {Ingester} from './content.js';
import type {Descriptor} from './descriptor.js';
import type {Digest} from './digest.js';
import type {LayerEntry} from './entry.js';
import type {LayerIndex} from './layer-index.js';

export interface WriteLayerOptions extends OperationOptions {
	/** Default `defaultCompression`. */
	readonly compression?: Compression;
	/** Names of docker's schema 2 instead of OCI's; impossible with zstd. */
	readonly mediaTypes?: 'oci' | 'docker';
	/** Called with the content key (see core/content-key.ts) of each non-empty file, soon after it was read. */
	readonly onContent?: (entry: LayerEntry, contentKey: string) => void;
	/** Names the `blob.progress` events. Default `layer`. */
	readonly id?: string;
}

export interface WrittenLayer {
	readonly descriptor: Descriptor;
	readonly diffID: Digest;
	/** Of the uncompressed tar. */
	readonly sizeBytes: number;
	readonly index: LayerIndex;
}

/**
 * Writes one layer in one pass over the bytes. Entries come sorted by `compareNames`, without duplicates, contents located
 * (no `layer` kind). Equal entries and options give equal bytes on any number of cores.
 * @throws SealError ERR_LAYER_ENTRY for an entry that cannot be stored or a file that changed while it was read
 */
export async function writeLayer(
	entries: Iterable<LayerEntry> | AsyncIterable<LayerEntry>,
	store: Ingester,
	options: WriteLayerOptions = {},
): Promise<WrittenLayer> {
	void entries;
	void store;
	void options;
	throw new Error('not built yet');
}

/** The entry that removes `path` of the layers below. */
export function whiteout(path: string, mtime = 0): LayerEntry {
	const cut = path.lastIndexOf('/') + 1;
	return {header: marker(`${path.slice(0, cut)}.wh.${path.slice(cut)}`, mtime)};
}

/** The entry that hides everything the layers below have in the directory `path`. */
export function opaque(path: string, mtime = 0): LayerEntry {
	return {header: marker(path === '' ? '.wh..wh..opq' : `${path}/.wh..wh..opq`, mtime)};
}

function marker(path: string, mtime: number): LayerEntry['header'] {
	return {path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime};
}
