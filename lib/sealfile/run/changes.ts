import {SealError} from '../../core/errors.js';
import {compareNames} from '../../core/name.js';
import type {Xattrs} from '../../oci/disk/xattrs.js';
import type {EntryHeader, LayerEntry} from '../../oci/entry.js';
import {compareLayerPaths, whiteout, whiteoutPrefix} from '../../oci/layer/whiteout.js';
import type {Snapshot, Stamp} from './snapshot.js';

/** Names that differ between two snapshots, before anything is read. */
export interface Differences {
	/** Certainly another file than before, in byte order. */
	readonly changed: readonly string[];
	/** Touched, yet everything that a layer holds is as before, except content and attributes, which have to be compared. */
	readonly suspects: readonly string[];
	/** Gone, without those below a folder that is gone or is no folder any longer. */
	readonly removed: readonly string[];
}

export function compareSnapshots(before: Snapshot, after: Snapshot): Differences {
	const changed: string[] = [];
	const suspects: string[] = [];
	const removed: string[] = [];
	for (const [path, now] of after) {
		const then = before.get(path);
		if (then === undefined || !looksEqual(then, now)) changed.push(path);
		else if (then.ctimeMs !== now.ctimeMs || then.ino !== now.ino) suspects.push(path);
	}
	for (const path of before.keys()) {
		if (after.has(path)) continue;
		const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
		if (after.get(parent)?.type === 'directory') removed.push(path);
	}
	return {changed, suspects, removed};
}

/**
 * The other names of changed files: a layer that brings one name of a file as new content has to bring all of them, or
 * they would be two files where there was one.
 */
export function withOtherNames(changed: ReadonlySet<string>, after: Snapshot): Set<string> {
	const inodes = new Set<number>();
	for (const path of changed) {
		const stamp = after.get(path);
		if (isLinked(stamp)) inodes.add(stamp.ino);
	}
	const all = new Set(changed);
	if (inodes.size === 0) return all;
	for (const [path, stamp] of after) if (isLinked(stamp) && inodes.has(stamp.ino)) all.add(path);
	return all;
}

export interface ChangeContext {
	readonly rootDir: string;
	readonly before: Snapshot;
	readonly after: Snapshot;
	readonly xattrs: ReadonlyMap<string, Xattrs>;
	/** The header that the image has for a path: owners on disk may differ from it in a small user namespace. */
	readonly known: (path: string) => EntryHeader | undefined;
	/** Where the content of a path can be read; default: its place below `rootDir`. */
	readonly contentPath?: (path: string) => string;
}

/**
 * Layer entries for changed and removed paths, in the order of `compareLayerPaths`. Sockets are left out.
 * @throws SealError ERR_LAYER_ENTRY for a name that would read as a whiteout
 */
export function changeEntries(
	changed: ReadonlySet<string>,
	removed: readonly string[],
	context: ChangeContext,
): LayerEntry[] {
	const entries = removed.map(path => whiteout(path));
	const firstNames = new Map<number, string>();
	for (const path of [...changed].sort(compareNames)) {
		const stamp = context.after.get(path);
		if (stamp === undefined || stamp.type === 'socket') continue;
		if (path.slice(path.lastIndexOf('/') + 1).startsWith(whiteoutPrefix)) throw reserved(path);
		const first = isLinked(stamp) ? firstNames.get(stamp.ino) : undefined;
		if (first === undefined && isLinked(stamp)) firstNames.set(stamp.ino, path);
		entries.push(entryOf(path, stamp, first, context));
	}
	return entries.sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
}

function entryOf(path: string, stamp: Stamp, first: string | undefined, context: ChangeContext): LayerEntry {
	const xattrs = context.xattrs.get(path);
	const mtime = Math.floor(stamp.mtimeMs / 1000);
	const header: EntryHeader = {
		path,
		type: first === undefined ? (stamp.type as EntryHeader['type']) : 'hardlink',
		mode: stamp.mode,
		...ownerOf(path, stamp, context),
		size: first === undefined ? stamp.size : 0,
		mtime,
		...(first === undefined ? {} : {linkname: first}),
		...(stamp.linkname === undefined ? {} : {linkname: stamp.linkname}),
		...(stamp.type === 'character' || stamp.type === 'block' ? deviceNumbers(stamp.rdev) : {}),
		...(xattrs === undefined ? {} : {xattrs}),
	};
	if (header.type !== 'file' || header.size === 0) return {header};
	return {header, content: {kind: 'file', path: context.contentPath?.(path) ?? `${context.rootDir}/${path}`}};
}

/** An owner that the command did not change is the image's, whatever the disk could hold of it. */
function ownerOf(path: string, stamp: Stamp, {before, known}: ChangeContext): {uid: number; gid: number} {
	const then = before.get(path);
	const header = then?.type === stamp.type ? known(path) : undefined;
	return {
		uid: header !== undefined && then?.uid === stamp.uid ? header.uid : stamp.uid,
		gid: header !== undefined && then?.gid === stamp.gid ? header.gid : stamp.gid,
	};
}

function looksEqual(then: Stamp, now: Stamp): boolean {
	return (
		then.type === now.type &&
		then.mode === now.mode &&
		then.uid === now.uid &&
		then.gid === now.gid &&
		then.size === now.size &&
		then.rdev === now.rdev &&
		then.linkname === now.linkname &&
		// Times that were set back come through a double: they are right to a quarter of a microsecond.
		Math.abs(then.mtimeMs - now.mtimeMs) < 0.001
	);
}

function isLinked(stamp: Stamp | undefined): stamp is Stamp {
	return stamp !== undefined && stamp.nlink > 1 && stamp.type !== 'directory' && stamp.type !== 'socket';
}

/** makedev(3) of glibc, as lstat gives it. */
function deviceNumbers(rdev: number): {devmajor: number; devminor: number} {
	const number = BigInt(rdev);
	return {
		devmajor: Number(((number >> 32n) & 0xfffff000n) | ((number >> 8n) & 0xfffn)),
		devminor: Number(((number >> 12n) & 0xffffff00n) | (number & 0xffn)),
	};
}

function reserved(path: string): SealError {
	return new SealError('ERR_LAYER_ENTRY', `The command made "/${path}", a name that layers use for removed files`, {
		hint: 'Remove it, or give it a name that does not begin with ".wh.".',
		details: {path},
	});
}
