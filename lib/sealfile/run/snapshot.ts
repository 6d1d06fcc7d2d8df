import {lstatSync, readdirSync, readlinkSync, type Stats} from 'node:fs';
import {setImmediate as breathe} from 'node:timers/promises';
import type {Abortable} from '../../core/events.js';
import {compareNames, decodeName} from '../../core/name.js';
import {diskPath} from '../../oci/disk/path.js';
import type {EntryType} from '../../oci/entry.js';

/** What tells whether a name was touched. `ctimeMs` cannot be set back by anyone, so equal stamps mean equal files. */
export interface Stamp {
	readonly type: EntryType | 'socket';
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtimeMs: number;
	readonly ctimeMs: number;
	readonly ino: number;
	readonly nlink: number;
	readonly rdev: number;
	readonly linkname?: string;
}

/** All names of a folder by relative path, the root ('') first, in the order of `compareNames`. */
export type Snapshot = ReadonlyMap<string, Stamp>;

export async function takeSnapshot(root: string, options: Abortable = {}): Promise<Snapshot> {
	const snapshot = new Map<string, Stamp>([['', stampOf(lstatSync(root), root)]]);
	/** The folders that we are in, each with the names still to be looked at, the next one last. */
	const open = [{prefix: '', names: namesIn(root)}];
	let count = 0;
	for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
		const name = folder.names.pop();
		if (name === undefined) {
			open.pop();
			continue;
		}
		const path = folder.prefix + name;
		const full = diskPath(root, path);
		const stamp = stampOf(lstatSync(full), full);
		snapshot.set(path, stamp);
		if (stamp.type === 'directory') open.push({prefix: `${path}/`, names: namesIn(full)});
		if (++count % 512 === 0) {
			options.signal?.throwIfAborted();
			await breathe();
		}
	}
	return snapshot;
}

/** The names in a folder, last first; a second, slower reading only where one is not UTF-8. */
function namesIn(folder: string | Buffer): string[] {
	let names = readdirSync(folder, 'utf8');
	if (names.some(name => name.includes('\ufffd'))) names = readdirSync(folder, {encoding: 'buffer'}).map(decodeName);
	return names.sort((a, b) => compareNames(b, a));
}

function stampOf(stats: Stats, path: string | Buffer): Stamp {
	const type = types[(stats.mode & 0o170000) >> 12] ?? 'socket';
	const stamp: Stamp = {
		type,
		mode: stats.mode & 0o7777,
		uid: stats.uid,
		gid: stats.gid,
		size: type === 'file' ? stats.size : 0,
		mtimeMs: stats.mtimeMs,
		ctimeMs: stats.ctimeMs,
		ino: stats.ino,
		nlink: stats.nlink,
		rdev: stats.rdev,
	};
	if (type !== 'symlink') return stamp;
	return {...stamp, mode: 0o777, linkname: decodeName(readlinkSync(path, {encoding: 'buffer'}))};
}

/** By the file type bits of st_mode (inode(7)), shifted down. */
const types: Readonly<Record<number, Stamp['type']>> = {
	1: 'fifo',
	2: 'character',
	4: 'directory',
	6: 'block',
	8: 'file',
	10: 'symlink',
	12: 'socket',
};
