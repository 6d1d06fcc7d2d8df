import {compareNames} from '../../core/name.js';
import type {EntryHeader, LayerEntry} from '../entry.js';

/** image-spec, layer.md, "Whiteouts": the prefix that marks a name as removed. */
export const whiteoutPrefix = '.wh.';
/** The marker that hides everything that lower layers have in its directory. */
export const opaqueName = '.wh..wh..opq';

/** The entry that removes `path` of the layers below. */
export function whiteout(path: string, mtime = 0): LayerEntry {
	const cut = path.lastIndexOf('/') + 1;
	return {header: marker(`${path.slice(0, cut)}${whiteoutPrefix}${path.slice(cut)}`, mtime)};
}

/** The entry that hides everything the layers below have in the directory `path` ('' is the root). */
export function opaque(path: string, mtime = 0): LayerEntry {
	return {header: marker(path === '' ? opaqueName : `${path}/${opaqueName}`, mtime)};
}

/** What an entry removes, or undefined for one that is no whiteout. */
export type Removal =
	| {readonly kind: 'opaque'; readonly folder: string}
	| {readonly kind: 'name'; readonly path: string};

export function removalOf(path: string): Removal | undefined {
	const cut = path.lastIndexOf('/') + 1;
	if (!path.startsWith(whiteoutPrefix, cut)) return undefined;
	const folder = path.slice(0, Math.max(0, cut - 1));
	if (path.length - cut === opaqueName.length && path.endsWith(opaqueName)) return {kind: 'opaque', folder};
	return {kind: 'name', path: path.slice(0, cut) + path.slice(cut + whiteoutPrefix.length)};
}

/**
 * The order of names in a layer: that of `compareNames`, but whiteouts come before what lies beside them, so that a
 * reader which applies them on sight does not remove what the layer itself brings.
 */
export function compareLayerPaths(a: string, b: string): number {
	if (!a.includes(whiteoutPrefix) && !b.includes(whiteoutPrefix)) return compareNames(a, b);
	return compareNames(early(a), early(b));
}

function early(path: string): string {
	const cut = path.lastIndexOf('/') + 1;
	return path.startsWith(whiteoutPrefix, cut) ? `${path.slice(0, cut)}\0${path.slice(cut)}` : path;
}

function marker(path: string, mtime: number): EntryHeader {
	return {path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime};
}
