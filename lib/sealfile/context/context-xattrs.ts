import {mkdir} from 'node:fs/promises';
import {dirname} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {Abortable} from '../../core/events.js';
import {readXattrs, type Xattrs} from '../../oci/disk/xattrs.js';
import type {Seen} from './seen-entries.js';
import {isSettled} from './settled.js';
import {formatStatTable, rowsOf, type StatRow, statTableIn} from './stat-table.js';

/** The extended attributes of a context that COPY keeps: `user.*` and file capabilities. */
export interface ContextXattrs {
	/** Notes that an entry was looked at, and gives its attributes as far as they were read. */
	of(path: string, stats: Seen): Xattrs | undefined;
	/**
	 * Reads the attributes of what was noted since the last call. True when some were found: the look has to be repeated,
	 * and sees them.
	 */
	settle(options?: Abortable): Promise<boolean>;
	/** False when attributes could not be read: then it is not known whether there are any. */
	isComplete(): boolean;
	/** Writes down what has no attributes, for the next build. */
	save(): Promise<void>;
}

/**
 * The attributes of the context at `root`. Those of entries are read that changed since an earlier build found them without any (setting
 * one moves ctime); `file` is where that is written down.
 */
export function openContextXattrs(root: string, file: string, now: () => number): ContextXattrs {
	const plain = statTableIn(file);
	const openedMs = now();
	const unknown = new Map<string, Seen>();
	const found = new Map<string, Xattrs>();
	let isComplete = true;
	const fresh = new Map<string, StatRow>();
	return {
		of(path, stats) {
			const row = plain().find(path);
			if (row !== -1 && plain().matches(row, stats)) return undefined;
			if (!found.has(path) && !fresh.has(path)) unknown.set(path, stats);
			return found.get(path);
		},
		async settle(options = {}) {
			if (unknown.size === 0) return false;
			const asked = new Map(unknown);
			unknown.clear();
			const {xattrs, complete} = await readXattrs(root, [...asked.keys()], options);
			isComplete &&= complete;
			const before = found.size;
			for (const [path, {dev, ino, size, mtimeMs, ctimeMs}] of asked) {
				const kept = keptOnly(xattrs.get(path));
				if (kept !== undefined) found.set(path, kept);
				else if (complete && isSettled(ctimeMs, openedMs))
					fresh.set(path, {name: path, dev, ino, size, mtimeMs, ctimeMs, contentKey: ''});
			}
			return found.size > before;
		},
		isComplete: () => isComplete,
		async save() {
			if (fresh.size === 0) return;
			const rows = rowsOf(plain());
			for (const [path, row] of fresh) rows.set(path, row);
			await mkdir(dirname(file), {recursive: true});
			// In the order in which entries are looked at, as they will be next time.
			await writeFileAtomic(file, formatStatTable([...rows.values()]), {sync: false});
			fresh.clear();
		},
	};
}

function keptOnly(xattrs: Xattrs = {}): Xattrs | undefined {
	const kept = Object.entries(xattrs).filter(([name]) => name.startsWith('user.') || name === 'security.capability');
	return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
