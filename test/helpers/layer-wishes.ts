import fc from 'fast-check';
import type {EntryHeader, LayerEntry} from '../../lib/oci/entry.js';
import {compareLayerPaths, whiteout} from '../../lib/oci/layer/whiteout.js';

/** Few names, so that layers meet each other; some that are long, not ASCII or not UTF-8. */
const name = fc.constantFrom('a', 'b', 'c.d', 'é', '\udcff!', 'n'.repeat(120), '-', ' ');
const path = fc.array(name, {minLength: 1, maxLength: 3}).map(parts => parts.join('/'));
const mtime = fc.constantFrom(-86_401, 0, 1_000_000_000, 4_102_444_800);
const content = fc.oneof(
	fc.string(),
	fc.integer({min: 0, max: 70_000}).map(size => 'x'.repeat(size)),
);

export interface Wish {
	readonly kind: 'directory' | 'file' | 'link' | 'remove' | 'symlink';
	readonly path: string;
	readonly mode: number;
	readonly mtime: number;
	readonly text: string;
}

const mode = fc.integer({min: 0, max: 0o7777});
/** One name of a layer that may not be possible beside the others. */
export const wish: fc.Arbitrary<Wish> = fc.record({
	kind: fc.constantFrom('directory', 'file', 'link', 'remove', 'symlink'),
	...{path, mode, mtime, text: content},
});

/** Turns wishes into a layer that is allowed: one entry for each path, parents that are directories, sorted. */
export function layerOf(wishes: readonly Wish[]): LayerEntry[] {
	const entries = new Map<string, LayerEntry>();
	const files: string[] = [];
	for (const one of wishes) {
		const parts = one.path.split('/');
		const parents = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
		const taken = [...entries.keys()].some(other => other === one.path || other.startsWith(`${one.path}/`));
		if (taken || parents.some(parent => (entries.get(parent)?.header.type ?? 'directory') !== 'directory')) continue;
		for (const parent of parents) if (!entries.has(parent)) entries.set(parent, directory(parent, 0o755, 0));
		// A hard link comes after its target in a layer.
		const target = files.find(file => compareLayerPaths(file, one.path) < 0);
		if (one.kind === 'link' && target === undefined) continue;
		entries.set(one.path, entryOf(one, target));
		if (one.kind === 'file') files.push(one.path);
	}
	return [...entries.values()].sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
}

function entryOf(one: Wish, target: string | undefined): LayerEntry {
	const header: EntryHeader = {path: one.path, type: 'file', mode: one.mode, uid: 0, gid: 0, size: 0, mtime: one.mtime};
	if (one.kind === 'remove') return whiteout(one.path);
	// An ordinary user who runs this has to be able to look into it.
	if (one.kind === 'directory') return directory(one.path, one.mode | 0o700, one.mtime);
	if (one.kind === 'link') return {header: {...header, type: 'hardlink', linkname: target as string}};
	if (one.kind === 'symlink')
		return {
			header: {...header, type: 'symlink', mode: 0o777, linkname: `../${one.text.replaceAll('\0', '').slice(0, 50)}x`},
		};
	const bytes = Buffer.from(one.text);
	if (bytes.length === 0) return {header};
	return {header: {...header, size: bytes.length}, content: {kind: 'bytes', bytes}};
}

function directory(of: string, bits: number, time: number): LayerEntry {
	return {header: {path: of, type: 'directory', mode: bits, uid: 0, gid: 0, size: 0, mtime: time}};
}
