import {SealError} from '../../core/errors.js';
import type {EntryHeader, EntryType} from '../entry.js';
import type {RawHeader} from './block.js';
import type {Overrides} from './overrides.js';
import {normalizeLink, normalizePath} from './path.js';

/** Type flags of GNU tar that are no entries of a file system. */
export const gnuFlags = {longLink: 0x4b, longName: 0x4c, sparse: 0x53, dumpFolder: 0x44, volume: 0x56} as const;

const types: Readonly<Record<number, EntryType>> = {
	0: 'file', // V7
	48: 'file',
	49: 'hardlink',
	50: 'symlink',
	51: 'character',
	52: 'block',
	53: 'directory',
	54: 'fifo',
	55: 'file', // contiguous: a wish about the disk
	[gnuFlags.dumpFolder]: 'directory',
	[gnuFlags.sparse]: 'file',
};

/**
 * The header of an entry out of its block and what stood before it.
 * @throws SealError ERR_TAR_FORMAT, ERR_UNSAFE_PATH, ERR_TAR_LIMIT
 */
export function mergeHeader(raw: RawHeader, local: Overrides, global: Overrides): EntryHeader {
	const name = local.sparse?.name ?? local.path ?? raw.name;
	const path = normalizePath(name);
	const type = typeOf(raw, name);
	if (path === '' && type !== 'directory') throw bad(path, 'has an entry without a name');
	const {mtime, mtimeNsec} = local.time ?? global.time ?? {mtime: raw.mtime, mtimeNsec: 0};
	const xattrs = [...(global.xattrs ?? []), ...(local.xattrs ?? [])];
	return {
		path,
		type,
		mode: raw.mode,
		uid: owner(local.uid ?? global.uid ?? raw.uid, path),
		gid: owner(local.gid ?? global.gid ?? raw.gid, path),
		size: type === 'file' ? (local.sparse?.size ?? sizeOf(raw, local)) : 0,
		mtime,
		...(mtimeNsec === 0 ? {} : {mtimeNsec}),
		...linkOf(type, local.linkpath ?? raw.linkname, path),
		...(type === 'character' || type === 'block' ? {devmajor: raw.devmajor, devminor: raw.devminor} : {}),
		...(xattrs.length === 0 ? {} : {xattrs: Object.fromEntries(xattrs)}),
	};
}

/**
 * Bytes that follow the header. Links, devices and directories have none, whatever their size field says (as in Go).
 */
export function storedSize(raw: RawHeader, local: Overrides): number {
	const type = types[raw.flag];
	if (type !== 'file' && raw.flag !== gnuFlags.dumpFolder && raw.flag !== gnuFlags.volume) return 0;
	return sizeOf(raw, local);
}

function sizeOf(raw: RawHeader, local: Overrides): number {
	const size = local.size ?? raw.size;
	if (size < 0) throw bad(raw.name, `has the negative size ${size}`);
	return size;
}

function typeOf(raw: RawHeader, name: string): EntryType {
	const type = types[raw.flag];
	if (type === undefined) {
		const flag = JSON.stringify(String.fromCharCode(raw.flag));
		throw new SealError(
			'ERR_TAR_FORMAT',
			`The archive has an entry of the unknown type ${flag}: ${name.slice(0, 200)}`,
		);
	}
	// V7 had no type for directories: a slash at the end says it.
	return type === 'file' && name.endsWith('/') ? 'directory' : type;
}

function linkOf(type: EntryType, target: string, path: string): {readonly linkname?: string} {
	if (type !== 'symlink' && type !== 'hardlink') return {};
	if (target === '') throw bad(path, 'links to nowhere');
	return {linkname: type === 'symlink' ? target : normalizeLink(target)};
}

function owner(id: number, path: string): number {
	if (id < 0 || id > 0xffffffff) throw bad(path, `has the owner ${id}`);
	return id;
}

function bad(path: string, what: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `The archive is damaged: ${JSON.stringify(path.slice(0, 200))} ${what}`);
}
