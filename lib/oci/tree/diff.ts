import {compareNames} from '../../core/name.js';
import type {EntryContent, EntryHeader} from '../entry.js';
import {below, type ImageTree, type TreeNode} from './node.js';

export interface TreeDiff {
	readonly added: readonly TreeNode[];
	readonly changed: ReadonlyArray<{readonly before: TreeNode; readonly after: TreeNode}>;
	readonly removed: readonly TreeNode[];
}

/**
 * What differs between two trees, in byte order. Files are equal when header and content reference are; contents are
 * not read. A removed directory is listed with all below it, and so is one that something else took the place of.
 */
export function diffTrees(before: ImageTree, after: ImageTree): TreeDiff {
	const diff = {
		added: [] as TreeNode[],
		changed: [] as Array<{before: TreeNode; after: TreeNode}>,
		removed: [] as TreeNode[],
	};
	const pending: Array<readonly [TreeNode | undefined, TreeNode | undefined]> = [[before.root, after.root]];
	for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
		const [a, b] = pair;
		if (a === b) continue;
		if (a === undefined) append(diff.added, below(b as TreeNode));
		else if (b === undefined) append(diff.removed, below(a));
		else {
			if (!sameHeader(a.header, b.header) || !sameContent(a.content, b.content))
				diff.changed.push({before: a, after: b});
			pending.push(...pairsBelow(a, b).reverse());
		}
	}
	return diff;
}

/** A spread would put every node on the stack. */
function append(list: TreeNode[], nodes: Iterable<TreeNode>): void {
	for (const node of nodes) list.push(node);
}

const none: ReadonlyMap<string, TreeNode> = new Map();

function pairsBelow(a: TreeNode, b: TreeNode): Array<readonly [TreeNode | undefined, TreeNode | undefined]> {
	const left = a.children ?? none;
	const right = b.children ?? none;
	if (left === right) return [];
	const names = [...left.keys(), ...[...right.keys()].filter(name => !left.has(name))].sort(compareNames);
	return names.map(name => [left.get(name), right.get(name)]);
}

function sameHeader(a: EntryHeader, b: EntryHeader): boolean {
	return (
		a === b ||
		(a.type === b.type &&
			a.mode === b.mode &&
			a.uid === b.uid &&
			a.gid === b.gid &&
			a.size === b.size &&
			a.mtime === b.mtime &&
			(a.mtimeNsec ?? 0) === (b.mtimeNsec ?? 0) &&
			a.linkname === b.linkname &&
			a.devmajor === b.devmajor &&
			a.devminor === b.devminor &&
			sameXattrs(a.xattrs, b.xattrs))
	);
}

function sameXattrs(a: EntryHeader['xattrs'] = {}, b: EntryHeader['xattrs'] = {}): boolean {
	const names = Object.keys(a);
	if (names.length !== Object.keys(b).length) return false;
	return names.every(name => {
		const value = b[name];
		return value !== undefined && Buffer.compare(a[name] as Uint8Array, value) === 0;
	});
}

function sameContent(a: EntryContent | undefined, b: EntryContent | undefined): boolean {
	if (a === b) return true;
	if (a === undefined || b === undefined) return false;
	if (a.kind === 'layer' && b.kind === 'layer') return a.layer.digest === b.layer.digest && a.offset === b.offset;
	if (a.kind === 'bytes' && b.kind === 'bytes') return Buffer.compare(a.bytes, b.bytes) === 0;
	if (a.kind === 'file' && b.kind === 'file') return a.path === b.path && (a.offset ?? 0) === (b.offset ?? 0);
	return false;
}
