import {readdirSync, type Stats} from 'node:fs';
import {setImmediate as breathe} from 'node:timers/promises';
import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import {diskPath, lstatIfExists} from '../../oci/disk/path.js';
import type {EntryHeader} from '../../oci/entry.js';
import {type ImageTree, type TreeNode, walkTree} from '../../oci/tree/tree.js';
import type {ContentFolder} from './folder.js';
import {contentPath} from './layer-record.js';
import {registryFileOf} from './registry-paths.js';

export interface TreeCheck {
	/** The first path at which the tree on the disk is not what it should be; undefined when there is none. */
	readonly changed: string | undefined;
	/** Layers of which a content was changed in place, or is missing, with its path in the image. */
	readonly damagedLayers: ReadonlyMap<Digest, string>;
}

const batch = 256;

/**
 * Compares a tree with what it was made from by looking at every name, without reading contents: what somebody removed, replaced
 * or wrote to by accident shows in type, mode, size, time or inode.
 */
export async function checkTree(
	folder: ContentFolder,
	tree: ImageTree,
	root: string,
	{signal}: Abortable = {},
): Promise<TreeCheck> {
	const damagedLayers = new Map<Digest, string>();
	let changed: string | undefined;
	let count = 0;
	for (const node of walkTree(tree)) {
		if (++count % batch === 0) {
			signal?.throwIfAborted();
			await breathe();
		}
		const {path} = node.header;
		const found = lstatIfExists(diskPath(root, path));
		const original = contentOf(folder, node);
		if (original !== undefined && !isUntouched(node.header, original.facts)) damagedLayers.set(original.layer, path);
		if (changed !== undefined) continue;
		const isRight = found !== undefined && isOfType(node.header, found) && hasMode(node.header, found);
		if (!isRight || (original !== undefined && original.facts?.ino !== found.ino) || !hasAll(node, root))
			changed = path;
	}
	return {changed, damagedLayers};
}

function contentOf(
	folder: ContentFolder,
	{content}: TreeNode,
): {readonly layer: Digest; readonly facts: Stats | undefined} | undefined {
	const path = content === undefined ? undefined : contentPath(folder, content);
	if (path === undefined || content?.kind !== 'layer') return undefined;
	return {layer: content.layer.digest, facts: lstatIfExists(path)};
}

/** Times before and after this (1970 and 2038) are cut by some file systems. */
const lastTime = 2 ** 31 - 1;

/** Servers renew the times of a registry's files. */
function isUntouched(header: EntryHeader, facts: Stats | undefined): boolean {
	if (facts?.isFile() !== true || facts.size !== header.size || !hasMode(header, facts)) return false;
	if (registryFileOf(header.path) !== undefined || header.mtime < 0 || header.mtime > lastTime) return true;
	return Math.floor(facts.mtimeMs / 1000) === header.mtime;
}

function hasMode(header: EntryHeader, facts: Stats): boolean {
	if (header.type === 'symlink') return true;
	const isOwned = process.geteuid?.() !== 0 || (facts.uid === header.uid && facts.gid === header.gid);
	return isOwned && (facts.mode & 0o7777) === header.mode;
}

function isOfType({type}: EntryHeader, facts: Stats): boolean {
	switch (type) {
		case 'directory':
			return facts.isDirectory();
		case 'symlink':
			return facts.isSymbolicLink();
		case 'character':
			return facts.isCharacterDevice();
		case 'block':
			return facts.isBlockDevice();
		case 'fifo':
			return facts.isFIFO();
		case 'file':
		case 'hardlink':
			return facts.isFile();
	}
}

/** A folder with more or other names than it should have. */
function hasAll({header, children}: TreeNode, root: string): boolean {
	if (children === undefined) return true;
	return readdirSync(diskPath(root, header.path), {encoding: 'buffer'}).length === children.size;
}
