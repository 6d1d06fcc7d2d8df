import {collect} from '../../core/bytes.js';
import {hasCode, SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {LayerEntry} from '../entry.js';
import {type ContentOptions, type LayerSource, streamContents} from '../layer/content.js';
import {type ImageTree, lookup, resolvePath, type TreeNode, walkTree} from './tree.js';

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
	 * The contents of files, each once, in any order (compressed layers are read in one pass); paths that `list` would
	 * not give are left out.
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

/**
 * The files of an image tree, read from the layers in a store. Each layer is verified once over all reads, and not at
 * all when it is in `verified` (see `ContentOptions`).
 */
export function treeFiles(
	tree: ImageTree,
	store: LayerSource,
	{verified = new Set()}: Pick<ContentOptions, 'verified'> = {},
): TreeFiles {
	return {
		async list(folder) {
			if (lookup(tree, folder)?.children === undefined) return [];
			return [...walkTree(tree, folder)].flatMap(node => {
				const file = fileAt(tree, node);
				return file === undefined
					? []
					: [{path: node.header.path, sizeBytes: file.header.size, mode: file.header.mode}];
			});
		},
		async *read(paths, {limitBytes = 16 * 1024 * 1024, signal} = {}) {
			const wanted: Array<LayerEntry & {readonly path: string}> = [];
			for (const path of paths) {
				const node = lookup(tree, path);
				const file = node === undefined ? undefined : fileAt(tree, node);
				if (file === undefined) continue;
				if (file.header.size > limitBytes) throw tooLong(path, limitBytes);
				if (file.content === undefined) yield {path, bytes: new Uint8Array()};
				else wanted.push({path, header: file.header, content: file.content});
			}
			for await (const {entry, bytes} of streamContents(wanted, store, {signal, verified}))
				yield {path: entry.path, bytes: await collect(bytes, limitBytes, entry.path)};
		},
	};
}

/** The regular file that a node is or links to. */
function fileAt(tree: ImageTree, node: TreeNode): TreeNode | undefined {
	const {type, path} = node.header;
	if (type === 'file' || type === 'hardlink') return node;
	if (type !== 'symlink') return undefined;
	try {
		const target = lookup(tree, resolvePath(tree, path, {followLast: true}));
		return target?.header.type === 'file' ? target : undefined;
	} catch (error) {
		if (hasCode(error, 'ERR_SYMLINK_LOOP')) return undefined;
		throw error;
	}
}

/** The refusal of `TreeFiles.read`. */
export function tooLong(path: string, limitBytes: number): SealError {
	return new SealError('ERR_CONTENT_SIZE', `${path} is longer than the ${limitBytes} bytes allowed here`);
}
