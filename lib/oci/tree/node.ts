import {SealError} from '../../core/errors.js';
import type {EntryContent, EntryHeader} from '../entry.js';

/**
 * The file system of an image as headers in memory: its layers applied in order, whiteouts done. It answers "is this a
 * directory", "where does that symlink point", "who owns it" without any file on disk. Trees are values: applying a
 * layer gives a new tree that shares what did not change.
 */
export interface TreeNode {
	readonly header: EntryHeader;
	/**
	 * Present exactly for non-empty files. Names that are hard links of one file hold the same object here, and are
	 * told by that: their header is that of the file, under their own path.
	 */
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

/** The node at exactly this path (no symlink is followed), or undefined. Slashes at both ends do not matter. */
export function lookup(tree: ImageTree, path: string): TreeNode | undefined {
	let node: TreeNode | undefined = tree.root;
	let from = 0;
	while (node !== undefined && from < path.length) {
		const slash = path.indexOf('/', from);
		const end = slash < 0 ? path.length : slash;
		if (end > from) node = node.children?.get(path.slice(from, end));
		from = end + 1;
	}
	return node;
}

/** As many symbolic links as a kernel would never follow. */
const limitLinks = 255;

/**
 * The path that `path` leads to inside the image when symlinks are followed, the root being the image's: `..` never
 * leaves it. What does not exist stays as written, so a dangling link gives the path that would be created. Relative to
 * the root, no leading slash. The last component is followed unless `followLast` is false.
 * @throws SealError ERR_SYMLINK_LOOP after 255 links
 */
export function resolvePath(tree: ImageTree, path: string, options: {readonly followLast?: boolean} = {}): string {
	const pending = path.split('/').reverse();
	const names: string[] = [];
	const nodes: Array<TreeNode | undefined> = [tree.root];
	let links = 0;
	while (pending.length > 0) {
		const name = pending.pop() as string;
		if (name === '' || name === '.') continue;
		if (name === '..') {
			if (names.pop() !== undefined) nodes.pop();
			continue;
		}
		const node = nodes.at(-1)?.children?.get(name);
		const last = pending.every(rest => rest === '' || rest === '.');
		if (node?.header.type !== 'symlink' || (last && options.followLast === false)) {
			names.push(name);
			nodes.push(node);
			continue;
		}
		if (++links > limitLinks)
			throw new SealError('ERR_SYMLINK_LOOP', `${path} goes through more than ${limitLinks} symbolic links`);
		const target = node.header.linkname ?? '';
		if (target.startsWith('/')) {
			names.length = 0;
			nodes.length = 1;
		}
		pending.push(...target.split('/').reverse());
	}
	return names.join('/');
}

/** Every node at and below `path` (default the root, which is included), parents first, in byte order. */
export function* walkTree(tree: ImageTree, path = ''): Generator<TreeNode> {
	const start = lookup(tree, path);
	if (start !== undefined) yield* below(start);
}

/** A node and all below it. Iterative: trees from outside may be deeper than the stack. */
export function* below(start: TreeNode): Generator<TreeNode> {
	yield start;
	const open = start.children === undefined ? [] : [start.children.values()];
	for (let iterator = open.at(-1); iterator !== undefined; iterator = open.at(-1)) {
		const next = iterator.next();
		if (next.done === true) {
			open.pop();
			continue;
		}
		yield next.value;
		if (next.value.children !== undefined) open.push(next.value.children.values());
	}
}
