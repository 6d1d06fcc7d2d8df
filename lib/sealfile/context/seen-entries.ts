import {lstatSync, statfsSync} from 'node:fs';
import {setImmediate as breathe} from 'node:timers/promises';
import type {Abortable} from '../../core/events.js';
import {diskName} from '../../core/name.js';
import {isSettled} from './settled.js';
import type {StatRow, StatTable} from './stat-table.js';

export type Seen = Pick<StatRow, 'dev' | 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

/**
 * Everything of a context that was looked at. Each name was found in a folder that was looked at too, and adding, removing or
 * renaming anything moves the change time of its folder: when all entries are as they were, so is every answer that was
 * taken from them, the absence of other names included.
 */
export interface SeenEntries {
	note(path: string, stats: Seen): void;
	/**
	 * The entries as rows for `isUnchanged`; undefined when that could be deceived: an entry changed while we looked, or shortly before
	 * `openedMs`, or lies on a file system whose folders may change without a trace.
	 */
	rows(openedMs: number): readonly StatRow[] | undefined;
}

export function createSeenEntries(root: string): SeenEntries {
	const rows = new Map<string, StatRow>();
	let isSteady = true;
	return {
		note(path, {dev, ino, size, mtimeMs, ctimeMs}) {
			const row = {name: path, dev, ino, size, mtimeMs, ctimeMs, contentKey: ''};
			const before = rows.get(path);
			if (before === undefined) rows.set(path, row);
			else if (!isSame(before, row)) isSteady = false;
		},
		rows(openedMs) {
			const top = rows.get('');
			if (!isSteady || top === undefined || !keepsTimes(root)) return undefined;
			const all = [...rows.values()];
			return all.every(({dev, ctimeMs}) => dev === top.dev && isSettled(ctimeMs, openedMs)) ? all : undefined;
		},
	};
}

function isSame(a: Seen, b: Seen): boolean {
	return a.ctimeMs === b.ctimeMs && a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

/** Looks at every entry of the table once more. False at the first that differs or cannot be looked at. */
export async function isUnchanged(root: string, table: StatTable, options: Abortable = {}): Promise<boolean> {
	const prefix = root === '/' ? '/' : `${root}/`;
	const toDisk = table.areNamesText ? (path: string) => path : diskName;
	for (let row = 0; row < table.count; row++) {
		if (row % 8192 === 8191) await breathe(undefined, {signal: options.signal});
		const name = table.nameAt(row);
		const stats = look(toDisk(name === '' ? root : prefix + name));
		if (stats === undefined || !table.matches(row, stats)) return false;
	}
	return table.count > 0;
}

function look(path: string | Buffer): Seen | undefined {
	try {
		return lstatSync(path, {throwIfNoEntry: false});
	} catch {
		return undefined;
	}
}

/**
 * Local Linux file systems, by the numbers of statfs(2), where every change of a folder moves its change time. Mounts of other
 * machines, of object stores and of foreign systems do not promise that.
 */
const faithful: ReadonlySet<number> = new Set([
	0xef53, // ext2, ext3, ext4
	0x58465342, // xfs
	0x9123683e, // btrfs
	0x01021994, // tmpfs
	0x794c7630, // overlay
	0x2fc12fc1, // zfs
	0xf2f52010, // f2fs
	0xca451a4e, // bcachefs
]);

function keepsTimes(root: string): boolean {
	if (process.platform !== 'linux') return false;
	try {
		return faithful.has(statfsSync(diskName(root)).type >>> 0);
	} catch {
		return false;
	}
}
