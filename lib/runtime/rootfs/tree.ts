import {lstat, readdir, readlink} from 'node:fs/promises';
import {join} from 'node:path';
import {withIo} from '../../core/io-error.js';

/** What will be at one path of a working copy. */
export type StageEntry =
	| {readonly kind: 'folder'; readonly mode: number}
	| {readonly kind: 'link'; readonly target: string}
	/** A file of a tree as it is. */
	| {readonly kind: 'file'; readonly mode: number; readonly sizeBytes: number; readonly source: string}
	| {readonly kind: 'text'; readonly mode: number; readonly text: string};

/** By path, relative and with parents before what is in them. */
export type StageTree = Map<string, StageEntry>;

/**
 * Lays what is in a folder over what is there already. Folders are joined, everything else takes the place of what it meets. The
 * embedded registry and the agent are left out: both are elsewhere on a host. Devices and sockets are no files to work with.
 * @throws SealError ERR_IO, ERR_PERMISSION
 */
export async function layOver(tree: StageTree, folder: string): Promise<void> {
	await walk(tree, folder, '');
}

/** The parents of a path, outermost first. */
export function parentsOf(path: string): readonly string[] {
	const parts = path.split('/').slice(0, -1);
	return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

const leftOut: ReadonlySet<string> = new Set(['registry', 'opt/sealimage']);

async function walk(tree: StageTree, root: string, folder: string): Promise<void> {
	const place = join(root, folder);
	const names = await withIo('read', place, () => readdir(place));
	for (const name of names.toSorted()) {
		const path = folder === '' ? name : `${folder}/${name}`;
		if (leftOut.has(path)) continue;
		const entry = await withIo('read', join(root, path), () => lookAt(join(root, path)));
		if (entry === undefined) continue;
		put(tree, path, entry);
		if (entry.kind === 'folder') await walk(tree, root, path);
	}
}

async function lookAt(source: string): Promise<StageEntry | undefined> {
	const stats = await lstat(source);
	const mode = stats.mode & 0o7777;
	if (stats.isDirectory()) return {kind: 'folder', mode};
	if (stats.isSymbolicLink()) return {kind: 'link', target: await readlink(source)};
	return stats.isFile() ? {kind: 'file', mode, sizeBytes: stats.size, source} : undefined;
}

function put(tree: StageTree, path: string, entry: StageEntry): void {
	const before = tree.get(path);
	if (before?.kind === 'folder' && entry.kind !== 'folder') {
		for (const other of [...tree.keys()]) if (other.startsWith(`${path}/`)) tree.delete(other);
	}
	// Deleted first: a file that becomes a folder stands before what is in it.
	if (before !== undefined && before.kind !== entry.kind) tree.delete(path);
	tree.set(path, entry);
}
