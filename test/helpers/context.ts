import {chmodSync, linkSync, lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

/** What to make: text is a file; an object says more. */
export type ContextEntry =
	| string
	| {readonly text: string; readonly mode?: number; readonly mtime?: number}
	| {readonly symlink: string}
	| {readonly hardlink: string}
	| {readonly folder: true; readonly mode?: number};

/** A build context on disk, every time set to 2024-01-02T03:04:05Z unless said otherwise. */
export function makeContext(dir: string, entries: Readonly<Record<string, ContextEntry>>): string {
	const folders = new Set<string>();
	for (const [name, entry] of Object.entries(entries)) {
		const path = join(dir, name);
		mkdirSync(dirname(path), {recursive: true, mode: 0o755});
		for (let folder = dirname(path); folder.length >= dir.length; folder = dirname(folder)) folders.add(folder);
		if (typeof entry === 'string') writeAt(path, entry, 0o644, madeAt);
		else if ('text' in entry) writeAt(path, entry.text, entry.mode ?? 0o644, entry.mtime ?? madeAt);
		else if ('symlink' in entry) {
			symlinkSync(entry.symlink, path);
			lutimesSync(path, madeAt, madeAt);
		} else if ('hardlink' in entry) linkSync(join(dir, entry.hardlink), path);
		else {
			mkdirSync(path, {recursive: true});
			chmodSync(path, entry.mode ?? 0o755);
			folders.add(path);
		}
	}
	for (const folder of [...folders].toSorted((a, b) => b.length - a.length)) utimesSync(folder, madeAt, madeAt);
	return dir;
}

/** 2024-01-02T03:04:05Z */
export const madeAt = 1_704_164_645;

function writeAt(path: string, text: string, mode: number, mtime: number): void {
	writeFileSync(path, text);
	chmodSync(path, mode);
	utimesSync(path, mtime, mtime);
}
