import {SealError} from '../../core/errors.js';
import type {EntryHeader, LayerEntry} from '../entry.js';
import {compareLayerPaths, opaqueName, whiteoutPrefix} from './whiteout.js';
import {portableXattrs} from './xattrs.js';

/** Empty, `.` and `..` components, and NUL, which no file system has in a name. */
const notNormal = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

/**
 * A function that checks the entries of one layer in their order.
 * @throws SealError ERR_LAYER_ENTRY for one that cannot stand there
 */
export function createEntryCheck(): (entry: LayerEntry) => void {
	let last: string | undefined;
	/** Targets of hard links: whoever comes with such a path comes too late. */
	const linked = new Map<string, string>();
	return entry => {
		const {path, type, linkname} = entry.header;
		checkEntry(entry);
		if (last !== undefined) checkOrder(path, last);
		last = path;
		const early = linked.size === 0 ? undefined : linked.get(path);
		if (early !== undefined) throw refused(early, `is a hard link to ${path}, which comes after it`);
		if (type === 'hardlink') linked.set(linkname as string, path);
	};
}

function checkEntry(entry: LayerEntry): void {
	const {header, content} = entry;
	const {path} = header;
	if (path !== '' && notNormal.test(path)) throw refused(path, 'is no normal path below the root of the image');
	if (path === '' && header.type !== 'directory') throw refused(path, 'is the root of the image but no directory');
	checkNumbers(header);
	if (path.includes(whiteoutPrefix)) checkWhiteout(header);
	if ((header.type === 'symlink' || header.type === 'hardlink') && !header.linkname)
		throw refused(path, `is a ${header.type} to nowhere`);
	if (header.linkname?.includes('\0')) throw refused(path, 'has a link target with a NUL');
	const needsContent = header.type === 'file' && header.size > 0;
	if (needsContent !== (content !== undefined))
		throw refused(path, needsContent ? 'has a size but no content' : 'has content where there can be none');
}

/** The header as it is written: whole seconds, only attributes that may travel. */
export function storedHeader(header: EntryHeader): EntryHeader {
	if (header.mtimeNsec === undefined && header.xattrs === undefined) return header;
	const {mtimeNsec: _, xattrs, ...rest} = header;
	const kept = portableXattrs(xattrs);
	for (const name of Object.keys(kept ?? {})) {
		if (name === '' || /[=\0]/.test(name))
			throw refused(header.path, `has an extended attribute that tar cannot name: ${JSON.stringify(name)}`);
	}
	return kept === undefined ? rest : {...rest, xattrs: kept};
}

/** The error for an entry that cannot be stored. */
export function refused(path: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_LAYER_ENTRY', `${path === '' ? 'The root' : path} ${why}`, {details: {path}, cause});
}

function checkOrder(path: string, last: string): void {
	const order = compareLayerPaths(last, path);
	if (order === 0) throw refused(path, 'comes twice in one layer');
	if (order > 0) throw refused(path, `comes after ${last}: the entries of a layer must be sorted`);
}

function checkNumbers(header: EntryHeader): void {
	const {path, mode, uid, gid, size, mtime} = header;
	if (!isWithin(mode, 0o7777)) throw refused(path, `has the impossible mode ${mode}`);
	if (!isWithin(uid, 0xffffffff) || !isWithin(gid, 0xffffffff))
		throw refused(path, `has the impossible owner ${uid}:${gid}`);
	if (!isWithin(size, Number.MAX_SAFE_INTEGER)) throw refused(path, `has the impossible size ${size}`);
	if (!Number.isSafeInteger(mtime)) throw refused(path, `has the impossible time ${mtime}`);
	if (header.type === 'character' || header.type === 'block') {
		if (!isWithin(header.devmajor ?? 0, 0o7777777) || !isWithin(header.devminor ?? 0, 0o7777777))
			throw refused(path, `has the impossible device number ${header.devmajor}:${header.devminor}`);
	}
}

function isWithin(value: number, most: number): boolean {
	return Number.isInteger(value) && value >= 0 && value <= most;
}

function checkWhiteout(header: EntryHeader): void {
	const {path} = header;
	const components = path.split('/');
	const base = components.pop() as string;
	if (components.some(name => name.startsWith(whiteoutPrefix)))
		throw refused(path, `lies below a name that begins with ${whiteoutPrefix}, which marks removed files`);
	if (!base.startsWith(whiteoutPrefix)) return;
	if (base === whiteoutPrefix) throw refused(path, 'is a whiteout without a name');
	if (base !== opaqueName && base.startsWith(whiteoutPrefix + whiteoutPrefix))
		throw refused(path, 'is a reserved whiteout name');
	if (header.type !== 'file' || header.size > 0)
		throw refused(path, `begins with ${whiteoutPrefix}, which marks removed files, but is no empty file`);
}
