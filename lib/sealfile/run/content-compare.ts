import {closeSync, constants, openSync, readSync} from 'node:fs';
import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import {diskPath} from '../../oci/disk/path.js';
import type {Xattrs} from '../../oci/disk/xattrs.js';
import {type LayerSource, streamContents} from '../../oci/layer/content.js';
import {type ImageTree, lookup, type TreeNode} from '../../oci/tree/tree.js';
import type {Snapshot} from './snapshot.js';

export interface CompareContext extends Abortable {
	readonly rootDir: string;
	readonly tree: ImageTree;
	readonly store: LayerSource;
	readonly after: Snapshot;
	readonly xattrs: ReadonlyMap<string, Xattrs>;
}

/**
 * Which of the files that were touched, but look the same, are not what the image has: `chown -R` touches everything and
 * changes nothing, while a tool that sets times back can change content and hide it. Contents are read in one pass per
 * layer; what cannot be compared any longer counts as changed.
 */
export async function findTouchedContents(suspects: readonly string[], context: CompareContext): Promise<Set<string>> {
	const touched = new Set<string>();
	const nodes = new Map<TreeNode, string>();
	for (const path of suspects) {
		const node = lookup(context.tree, path);
		const stamp = context.after.get(path);
		if (node === undefined || stamp === undefined || !equalXattrs(node.header.xattrs, context.xattrs.get(path))) {
			touched.add(path);
		} else if (stamp.type === 'file' && stamp.size > 0) {
			touched.add(path);
			// A file of an earlier RUN is its own original: nothing is left to compare it with.
			if (!(node.content?.kind === 'file' && node.content.path.startsWith(`${context.rootDir}/`)))
				nodes.set(node, path);
		}
	}
	try {
		for await (const {entry, bytes} of streamContents(nodes.keys(), context.store, context)) {
			const path = nodes.get(entry) as string;
			if (await holdsSame(diskPath(context.rootDir, path), bytes)) touched.delete(path);
		}
	} catch {
		context.signal?.throwIfAborted();
	}
	return touched;
}

async function holdsSame(path: string | Buffer, bytes: Bytes): Promise<boolean> {
	const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
	try {
		for await (const chunk of bytes) {
			const found = Buffer.alloc(chunk.length);
			let at = 0;
			for (let count = -1; count !== 0 && at < chunk.length; at += count)
				count = readSync(file, found, at, chunk.length - at, null);
			if (at < chunk.length || !found.equals(chunk)) return false;
		}
		return true;
	} finally {
		closeSync(file);
	}
}

function equalXattrs(a: Xattrs = {}, b: Xattrs = {}): boolean {
	const keys = Object.keys(a);
	return (
		keys.length === Object.keys(b).length &&
		keys.every(key => b[key] !== undefined && Buffer.compare(a[key] as Uint8Array, b[key]) === 0)
	);
}
