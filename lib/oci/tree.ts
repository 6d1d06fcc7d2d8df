import type {EntryContent, EntryHeader} from './entry.js';

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
