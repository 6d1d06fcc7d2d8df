import {SealError} from '../core/errors.js';
import type {Abortable} from '../core/events.js';
import type {LayerSource} from './layer-content.js';
import type {ImageTree} from './tree.js';

/** A regular file of a tree; `path` is relative to its root, as in `EntryHeader`. */
export interface TreeFile {
	readonly path: string;
	readonly sizeBytes: number;
	/** Permission bits, 0 to 0o7777. */
	readonly mode: number;
}

/**
 * A tree that can be searched and read in part: the final tree of an image, or a build context. What looks for images,
 * reads an embedded registry or lints works on this, so that it does not care which of the two it is given.
 */
export interface TreeFiles {
	/**
	 * The regular files below `folder` at any depth ('' is the root), in byte order of their paths; a folder that does
	 * not exist has none. Symbolic links to regular files inside the tree are listed as the file they point at, under
	 * their own path; other links, devices and the content behind links to folders are not listed.
	 */
	list(folder: string, options?: Abortable): Promise<readonly TreeFile[]>;
	/**
	 * The contents of files that `list` returned, each once, in any order (compressed layers are read in one pass).
	 * @throws SealError ERR_CONTENT_SIZE when one is longer than `limitBytes` (default 16 MiB)
	 */
	read(paths: Iterable<string>, options?: ReadOptions): AsyncIterable<TreeFileBytes>;
}

export interface TreeFileBytes {
	readonly path: string;
	readonly bytes: Uint8Array;
}

export interface ReadOptions extends Abortable {
	readonly limitBytes?: number | undefined;
}

/** The files of an image tree, read from the layers in a store. */
export function treeFiles(_tree: ImageTree, _store: LayerSource): TreeFiles {
	throw new SealError('ERR_INTERNAL', 'Trees cannot be searched yet');
}
