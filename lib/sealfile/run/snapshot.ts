import {lstatSync, readdirSync, readlinkSync, type Stats} from 'node:fs';
import {setImmediate as breathe} from 'node:timers/promises';
import type {Abortable} from '../../core/events.js';
import {compareNames, decodeName} from '../../core/name.js';
import {diskPath} from '../../oci/disk-path.js';
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
	const waiting = [''];
	let count = 0;
	for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
		const prefix = folder === '' ? '' : `${folder}/`;
		const folders: string[] = [];
		for (const name of namesIn(diskPath(root, folder))) {
			const full = diskPath(root, prefix + name);
			const stamp = stampOf(lstatSync(full), full);
			snapshot.set(prefix + name, stamp);
			if (stamp.type === 'directory') folders.push(prefix + name);
			if (++count % 512 === 0) {
				options.signal?.throwIfAborted();
				await breathe();
			}
		}
		waiting.push(...folders);
	}
	return new Map([...snapshot].sort(([a], [b]) => compareNames(a, b)));
}

/** The names in a folder; a second, slower reading only where one is not UTF-8. */
function namesIn(folder: string | Buffer): readonly string[] {
	const names = readdirSync(folder, 'utf8');
	if (!names.some(name => name.includes('\ufffd'))) return names;
	return readdirSync(folder, {encoding: 'buffer'}).map(decodeName);
}

function stampOf(stats: Stats, path: string | Buffer): Stamp {
	const type = typeOf(stats);
	const {mode, uid, gid, size, mtimeMs, ctimeMs, ino, nlink, rdev} = stats;
	return {
		type,
		mode: type === 'symlink' ? 0o777 : mode & 0o7777,
		...{uid, gid, mtimeMs, ctimeMs, ino, nlink, rdev},
		size: type === 'file' ? size : 0,
		...(type === 'symlink' ? {linkname: decodeName(readlinkSync(path, {encoding: 'buffer'}))} : {}),
	};
}

function typeOf(stats: Stats): Stamp['type'] {
	if (stats.isFile()) return 'file';
	if (stats.isDirectory()) return 'directory';
	if (stats.isSymbolicLink()) return 'symlink';
	if (stats.isCharacterDevice()) return 'character';
	if (stats.isBlockDevice()) return 'block';
	return stats.isFIFO() ? 'fifo' : 'socket';
}
