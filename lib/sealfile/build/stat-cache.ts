import {mkdir} from 'node:fs/promises';
import {dirname} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {compareNames} from '../../core/name.js';
import type {StatIdentity} from '../context/file-source.js';
import {isSettled} from '../context/settled.js';
import {formatStatTable, rowsOf, type StatRow, statTableIn} from '../context/stat-table.js';

/** Content keys of files by stat identity, so that an unchanged tree is not read again. */
export interface StatCache {
	/** The content key of this file, if it was recorded under the very same identity. */
	get(identity: StatIdentity): string | undefined;
	set(identity: StatIdentity, contentKey: string): void;
	/** Writes what is new. */
	save(): Promise<void>;
}

/**
 * Opens the stat cache of one context folder, kept in `file`. A file changed less than a clock tick before it was read could change again
 * without a new time stamp, so such files are not recorded (git's "racily clean" entries). The time that counts is ctime:
 * any write moves it, and nobody can set it back (inode(7)).
 */
export function openStatCache(file: string, root: string, now: () => number): StatCache {
	const known = statTableIn(file);
	const openedMs = now();
	const fresh = new Map<string, StatRow>();
	return {
		get(identity) {
			const name = identity.path.slice(root.length);
			const row = known().find(name);
			if (row !== -1 && known().matches(row, identity)) return known().contentKey(row);
			return fresh.size === 0 ? undefined : freshKey(fresh.get(name), identity);
		},
		set({path, dev, ino, size, mtimeMs, ctimeMs}, contentKey) {
			if (!isSettled(ctimeMs, openedMs)) return;
			const name = path.slice(root.length);
			fresh.set(name, {name, dev, ino, size, mtimeMs, ctimeMs, contentKey});
		},
		async save() {
			if (fresh.size === 0) return;
			const rows = rowsOf(known());
			for (const [name, row] of fresh) rows.set(name, row);
			await mkdir(dirname(file), {recursive: true});
			await writeFileAtomic(file, formatStatTable([...rows.values()].toSorted(inOrder)), {sync: false});
			fresh.clear();
		},
	};
}

function freshKey(row: StatRow | undefined, {dev, ino, size, mtimeMs, ctimeMs}: StatIdentity): string | undefined {
	const same =
		row?.ctimeMs === ctimeMs && row.mtimeMs === mtimeMs && row.size === size && row.ino === ino && row.dev === dev;
	return same ? row.contentKey : undefined;
}

/** The order in which a layer's entries ask for their keys, as long as COPY does not rename. */
function inOrder(a: StatRow, b: StatRow): number {
	return compareNames(a.name, b.name);
}
