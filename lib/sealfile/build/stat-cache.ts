import {mkdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {digestOf, hexOf} from '../../oci/digest.js';
import type {StatIdentity} from '../context/file-source.js';

/** Content keys of files by stat identity, so that an unchanged tree is not read again. */
export interface StatCache {
	/** The content key of the file at this path, if it was recorded under the very same identity. */
	get(identity: StatIdentity): string | undefined;
	set(identity: StatIdentity, contentKey: string): void;
	/** Writes what is new. */
	save(): Promise<void>;
}

/** Kernels stamp files with the time of the last tick, at most 10 ms old; file systems without sub-second times round to 2 s (FAT). */
const tickNs = 100_000_000n;
const coarseNs = 2_000_000_000n;

/**
 * Opens the stat cache of one context folder. A file changed less than a clock tick before it was read could change again
 * without a new time stamp, so such files are not recorded (git's "racily clean" entries).
 */
export async function openStatCache(folder: string, root: string, now: () => number): Promise<StatCache> {
	const path = join(folder, 'stat', `${hexOf(digestOf(root)).slice(0, 32)}.json`);
	const known = parse(await readFile(path, 'utf8').catch(() => '{}'));
	const openedNs = BigInt(Math.floor(now())) * 1_000_000n;
	let changed = false;
	return {
		get(identity) {
			const [recorded, contentKey] = known.get(identity.path) ?? [];
			return recorded === format(identity) ? contentKey : undefined;
		},
		set(identity, contentKey) {
			if (!settled(identity, openedNs)) return;
			changed = true;
			known.set(identity.path, [format(identity), contentKey]);
		},
		async save() {
			if (!changed) return;
			await mkdir(dirname(path), {recursive: true});
			await writeFileAtomic(path, JSON.stringify([...known]), {sync: false});
			changed = false;
		},
	};
}

function settled(identity: StatIdentity, openedNs: bigint): boolean {
	return identity.ctimeNs + (identity.ctimeNs % 1_000_000_000n === 0n ? coarseNs : tickNs) < openedNs;
}

function format({dev, ino, size, mtimeNs, ctimeNs}: StatIdentity): string {
	return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

function parse(text: string): Map<string, readonly [string, string]> {
	try {
		const value: unknown = JSON.parse(text);
		return Array.isArray(value) ? new Map(value as [string, [string, string]][]) : new Map();
	} catch {
		return new Map();
	}
}
