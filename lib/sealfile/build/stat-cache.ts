import {mkdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {digestOf, hexOf} from '../../oci/digest.js';
import type {StatIdentity} from '../context/file-source.js';

/** Content keys of files by stat identity, so that an unchanged tree is not read again. */
export interface StatCache {
	/** The content key of this file, if it was recorded under the very same identity. */
	get(identity: StatIdentity): string | undefined;
	set(identity: StatIdentity, contentKey: string): void;
	/** Writes what is new. */
	save(): Promise<void>;
}

/** Kernels stamp files with the time of the last tick, at most 10 ms old; file systems without sub-second times round to 2 s (FAT). */
const tickMs = 100;
const coarseMs = 2000;

type Row = readonly [dev: number, ino: number, size: number, mtimeMs: number, ctimeMs: number, contentKey: string];

/**
 * Opens the stat cache of one context folder. A file changed less than a clock tick before it was read could change again
 * without a new time stamp, so such files are not recorded (git's "racily clean" entries). The time that counts is ctime:
 * any write moves it, and nobody can set it back (inode(7)).
 */
export async function openStatCache(folder: string, root: string, now: () => number): Promise<StatCache> {
	const file = join(folder, 'stat', `${hexOf(digestOf(root)).slice(0, 32)}.json`);
	const known = parse(await readFile(file, 'utf8').catch(() => '{}'));
	const openedMs = now();
	let changed = false;
	return {
		get({path, dev, ino, size, mtimeMs, ctimeMs}) {
			const row = known[path.slice(root.length)];
			const same = row?.[4] === ctimeMs && row[3] === mtimeMs && row[2] === size && row[1] === ino && row[0] === dev;
			return same ? row[5] : undefined;
		},
		set({path, dev, ino, size, mtimeMs, ctimeMs}, contentKey) {
			if (ctimeMs + (ctimeMs % 1000 === 0 ? coarseMs : tickMs) >= openedMs) return;
			changed = true;
			known[path.slice(root.length)] = [dev, ino, size, mtimeMs, ctimeMs, contentKey];
		},
		async save() {
			if (!changed) return;
			await mkdir(dirname(file), {recursive: true});
			await writeFileAtomic(file, JSON.stringify(known), {sync: false});
			changed = false;
		},
	};
}

/** Names begin with a slash, so nothing that objects inherit is mistaken for a row. */
function parse(text: string): Record<string, Row> {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, Row>) : {};
	} catch {
		return {};
	}
}
