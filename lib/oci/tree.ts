import type {Descriptor} from './descriptor.js';
import type {EntryContent, EntryHeader, LayerEntry} from './entry.js';
import type {LayerIndex} from './layer-index.js';

/**
 * The file system of an image as headers in memory: its layers applied in order, whiteouts done. It answers "is this a
 * directory", "where does that symlink point", "who owns it" without any file on disk. Trees are values: applying a
 * layer gives a new tree that shares what did not change.
 */
export interface TreeNode {
	readonly header: EntryHeader;
	/** Present exactly for non-empty files (hard links resolved: the node has the content of its target). */
	readonly content?: EntryContent;
	/** Present exactly for directories; keys are names, in byte order. */
	readonly children?: ReadonlyMap<string, TreeNode>;
}

export interface ImageTree {
	readonly root: TreeNode;
}

/** Just a root directory, 0755 root:root. */
export const emptyTree: ImageTree = {
	root: {
		header: {path: '', type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0},
		children: new Map(),
	},
};

/**
 * The tree with one more layer on it (image-spec, layer.md, "Applying Changesets"). Hard links share the `content` object of
 * their target and have its header under their own path.
 */
export function applyLayer(tree: ImageTree, index: LayerIndex, layer: Descriptor): ImageTree {
	void index;
	void layer;
	return tree;
}

/** As `applyLayer`, for entries whose contents are known by themselves. */
export function applyEntries(tree: ImageTree, entries: Iterable<LayerEntry>): ImageTree {
	void entries;
	return tree;
}

/** The node at exactly this path (no symlink is followed), or undefined. Leading slashes do not matter. */
export function lookup(tree: ImageTree, path: string): TreeNode | undefined {
	void path;
	return tree.root;
}

/**
 * The path that `path` leads to inside the image when symlinks are followed, the root being the image's: `..` never leaves it. What does
 * not exist stays as written, so a dangling link gives the path that would be created. Relative to the root, no leading slash.
 * @throws SealError ERR_SYMLINK_LOOP after 255 links
 */
export function resolvePath(tree: ImageTree, path: string, options: {readonly followLast?: boolean} = {}): string {
	void tree;
	void options;
	return path;
}

/** Every node at and below `path` (default the root, which is included), parents first, in byte order. */
export function* walkTree(tree: ImageTree, path = ''): Generator<TreeNode> {
	void path;
	yield tree.root;
}

export interface TreeDiff {
	readonly added: readonly TreeNode[];
	readonly changed: ReadonlyArray<{readonly before: TreeNode; readonly after: TreeNode}>;
	readonly removed: readonly TreeNode[];
}

/**
 * What differs between two trees, in byte order. Files are equal when header and content reference are; contents are not read.
 * A removed directory is listed with all below it.
 */
export function diffTrees(before: ImageTree, after: ImageTree): TreeDiff {
	void before;
	void after;
	return {added: [], changed: [], removed: []};
}
