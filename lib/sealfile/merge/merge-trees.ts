import {isDeepStrictEqual} from 'node:util';
import type {OperationOptions} from '../../core/events.js';
import {createDigester} from '../../oci/digest.js';
import type {LayerEntry} from '../../oci/entry.js';
import {type LayerSource, streamContents} from '../../oci/layer/content.js';
import {compareLayerPaths, whiteout} from '../../oci/layer/whiteout.js';
import {type ImageTree, type TreeNode, walkTree} from '../../oci/tree/tree.js';
import type {Claim, MergeConflict, OnConflict} from './conflict.js';
import {settle} from './conflict.js';

/** The file system of one of the images that are merged. */
export interface TreePart {
	readonly image: string;
	readonly tree: ImageTree;
}

export interface MergeTreesOptions extends OperationOptions {
	readonly onConflict: OnConflict;
	readonly report: (conflict: MergeConflict) => void;
	/** Paths that the caller merges himself. */
	readonly skip: ReadonlySet<string>;
	readonly mtime: number;
}

/**
 * What a layer on top of `stacked` (the layers of all images, one upon the other) must hold so that the result has the
 * files of all images: what an image only inherits from `base`, their common layers, gives way to what another changed;
 * files that whiteouts of a later image hid come back; files that differ are settled. Contents are of kind `layer`.
 */
export async function mergeTrees(
	parts: readonly TreePart[],
	base: ImageTree,
	stacked: ImageTree,
	store: LayerSource,
	options: MergeTreesOptions,
): Promise<readonly LayerEntry[]> {
	const inherited = nodesOf(base);
	const claims = new Map<string, Claim<TreeNode | undefined>[]>();
	for (const {image, tree} of parts) {
		const own = nodesOf(tree);
		for (const [path, node] of own) if (!isSame(node, inherited.get(path))) claim(claims, path, {image, value: node});
		for (const path of inherited.keys()) if (!own.has(path)) claim(claims, path, {image, value: undefined});
	}
	const digests = await digestsOf(doubtful(claims), store, options);
	const isEqual = (a: TreeNode | undefined, b: TreeNode | undefined): boolean =>
		a === undefined || b === undefined ? a === b : isSameFile(a, b, digests);
	const actual = nodesOf(stacked);
	const wanted = new Map(inherited);
	for (const [path, own] of claims) {
		const report = (images: readonly string[]): void =>
			options.skip.has(path) ? undefined : options.report({kind: 'file', name: path, images});
		const node = settle(own, isEqual, options.onConflict, report);
		if (node === undefined) wanted.delete(path);
		else wanted.set(path, node);
	}
	dropBelowFiles(wanted);
	const entries: LayerEntry[] = [];
	for (const [path, node] of wanted) {
		if (path !== '' && !options.skip.has(path) && !isSame(node, actual.get(path))) entries.push(entryOf(node));
	}
	for (const path of actual.keys()) {
		const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
		if (!wanted.has(path) && !options.skip.has(path) && wanted.get(parent)?.header.type === 'directory')
			entries.push(whiteout(path, options.mtime));
	}
	return entries.sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
}

type Nodes = ReadonlyMap<string, TreeNode>;

function nodesOf(tree: ImageTree): Nodes {
	return new Map([...walkTree(tree)].map(node => [node.header.path, node]));
}

function claim<T>(claims: Map<string, Claim<T>[]>, path: string, own: Claim<T>): void {
	const list = claims.get(path);
	if (list === undefined) claims.set(path, [own]);
	else list.push(own);
}

/** When a file won over a folder, what was in the folder has no place any more. */
function dropBelowFiles(wanted: Map<string, TreeNode>): void {
	for (const path of [...wanted.keys()].sort(compareLayerPaths)) {
		if (path === '') continue;
		const parent = wanted.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
		if (parent?.header.type !== 'directory') wanted.delete(path);
	}
}

/** A hard link may have lost its target, so every file is written with its content. */
function entryOf({header, content}: TreeNode): LayerEntry {
	const {linkname, ...rest} = header;
	const own = header.type === 'symlink' ? header : {...rest, type: header.type === 'hardlink' ? 'file' : header.type};
	return content === undefined ? {header: own} : {header: own, content};
}

/** The very same node: equal headers, and content from the same place. */
function isSame(a: TreeNode, b: TreeNode | undefined): boolean {
	return b !== undefined && (a === b || (hasSameHeader(a, b) && contentKey(a) === contentKey(b)));
}

/** Equal for whoever reads it: times and the layer that it comes from do not matter. Folders agree always. */
function isSameFile(a: TreeNode, b: TreeNode, digests: ReadonlyMap<string, string>): boolean {
	if (a.header.type === 'directory' && b.header.type === 'directory') return true;
	if (!hasSameHeader(a, b)) return false;
	const [left, right] = [contentKey(a), contentKey(b)];
	if (left === right || isBlob(a)) return true;
	return digests.get(left) !== undefined && digests.get(left) === digests.get(right);
}

function hasSameHeader({header: a}: TreeNode, {header: b}: TreeNode): boolean {
	return (
		plainType(a.type) === plainType(b.type) &&
		a.mode === b.mode &&
		a.uid === b.uid &&
		a.gid === b.gid &&
		a.size === b.size &&
		(a.type !== 'symlink' || a.linkname === b.linkname) &&
		a.devmajor === b.devmajor &&
		a.devminor === b.devminor &&
		isDeepStrictEqual(a.xattrs ?? {}, b.xattrs ?? {})
	);
}

function plainType(type: TreeNode['header']['type']): string {
	return type === 'hardlink' ? 'file' : type;
}

/** Blobs of the embedded registry are named by their digest. */
function isBlob({header}: TreeNode): boolean {
	return header.path.startsWith('registry/docker/registry/v2/blobs/');
}

function contentKey({content}: TreeNode): string {
	return content?.kind === 'layer' ? `${content.layer.digest}:${content.offset}` : '';
}

/** Files of one path that only their contents can tell apart. */
function doubtful(claims: ReadonlyMap<string, readonly Claim<TreeNode | undefined>[]>): readonly TreeNode[] {
	const nodes = new Map<string, TreeNode>();
	for (const own of claims.values()) {
		const files = own.flatMap(({value}) => (value?.content === undefined || isBlob(value) ? [] : [value]));
		const [first] = files;
		if (first === undefined || files.every(file => contentKey(file) === contentKey(first))) continue;
		for (const file of files) if (hasSameHeader(file, first)) nodes.set(contentKey(file), file);
	}
	return [...nodes.values()];
}

async function digestsOf(
	nodes: readonly TreeNode[],
	store: LayerSource,
	options: OperationOptions,
): Promise<ReadonlyMap<string, string>> {
	const digests = new Map<string, string>();
	for await (const {entry, bytes} of streamContents(nodes, store, options)) {
		const digester = createDigester();
		for await (const chunk of bytes) digester.update(chunk);
		digests.set(contentKey(entry), digester.finish());
	}
	return digests;
}
