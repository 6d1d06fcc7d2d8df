import {type Digest, isDigest} from '../digest.js';
import type {EntryHeader, EntryType} from '../entry.js';

/**
 * Where the data of a sparse file lies, as GNU tar stores it: `[offset in the file, length, offset, length, ...]`,
 * ascending. The pieces follow each other in the archive; everything else of the file is zeros.
 */
export type SparseMap = readonly number[];

/** One name of a layer and where its bytes are. */
export interface IndexedEntry {
	readonly header: EntryHeader;
	/** Of the content (not the header) in the uncompressed tar. For entries without content: where content would be. */
	readonly offset: number;
	readonly sparse?: SparseMap;
}

/** The table of contents of one layer, in archive order. */
export interface LayerIndex {
	readonly diffID: Digest;
	/** Of the uncompressed tar. */
	readonly sizeBytes: number;
	readonly entries: readonly IndexedEntry[];
}

/** Counts up with every change of the form: old caches are then made again. */
const version = 1;
const types: readonly EntryType[] = ['file', 'directory', 'symlink', 'hardlink', 'character', 'block', 'fifo'];
/** Values per entry in the flat list. */
const width = 9;

/** What few entries have. */
interface Rare {
	/** mtimeNsec */
	readonly n?: number;
	/** linkname */
	readonly l?: string;
	/** device numbers */
	readonly d?: readonly [number, number];
	/** xattrs, values in base64 */
	readonly x?: ReadonlyArray<readonly [string, string]>;
	readonly s?: SparseMap;
}

/** A compact form for a cache on disk: one flat JSON list, which is what JSON reads and writes fastest. */
export function formatLayerIndex(index: LayerIndex): Buffer {
	const flat: unknown[] = [version, index.diffID, index.sizeBytes, index.entries.length];
	for (const {header, offset, sparse} of index.entries) {
		const {path, type, mode, uid, gid, size, mtime} = header;
		flat.push(path, types.indexOf(type), mode, uid, gid, size, mtime, offset, rareOf(header, sparse));
	}
	return Buffer.from(JSON.stringify(flat));
}

/**
 * Reads what `formatLayerIndex` wrote. Undefined when the bytes are of another version or damaged: make the index
 * again.
 */
export function parseLayerIndex(bytes: Uint8Array): LayerIndex | undefined {
	let flat: unknown;
	try {
		flat = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
	} catch {
		return undefined;
	}
	if (!Array.isArray(flat) || flat[0] !== version) return undefined;
	const [, diffID, sizeBytes, count] = flat as [number, unknown, number, number];
	if (!isDigest(diffID) || flat.length !== 4 + width * count) return undefined;
	const entries: IndexedEntry[] = [];
	for (let at = 4; at < flat.length; at += width) {
		if (!isEntry(flat, at)) return undefined;
		entries.push(readEntry(flat, at));
	}
	return {diffID, sizeBytes, entries};
}

function rareOf(header: EntryHeader, sparse: SparseMap | undefined): Rare | 0 {
	const {mtimeNsec, linkname, devmajor, devminor, xattrs} = header;
	if (mtimeNsec === undefined && linkname === undefined && devmajor === undefined && !xattrs && !sparse) return 0;
	return {
		...(mtimeNsec === undefined ? {} : {n: mtimeNsec}),
		...(linkname === undefined ? {} : {l: linkname}),
		...(devmajor === undefined ? {} : {d: [devmajor, devminor ?? 0]}),
		...(xattrs === undefined
			? {}
			: {x: Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const)}),
		...(sparse === undefined ? {} : {s: sparse}),
	};
}

function isEntry(flat: readonly unknown[], at: number): boolean {
	if (typeof flat[at] !== 'string' || types[flat[at + 1] as number] === undefined) return false;
	for (let i = at + 2; i < at + 8; i++) {
		if (typeof flat[i] !== 'number') return false;
	}
	return flat[at + 8] === 0 || (typeof flat[at + 8] === 'object' && flat[at + 8] !== null);
}

function readEntry(flat: readonly unknown[], at: number): IndexedEntry {
	const header: EntryHeader = {
		path: flat[at] as string,
		type: types[flat[at + 1] as number] as EntryType,
		mode: flat[at + 2] as number,
		uid: flat[at + 3] as number,
		gid: flat[at + 4] as number,
		size: flat[at + 5] as number,
		mtime: flat[at + 6] as number,
	};
	const offset = flat[at + 7] as number;
	const rare = flat[at + 8] as Rare | 0;
	if (rare === 0) return {header, offset};
	const {n, l, d, x, s} = rare;
	const full: EntryHeader = {
		...header,
		...(n === undefined ? {} : {mtimeNsec: n}),
		...(l === undefined ? {} : {linkname: l}),
		...(d === undefined ? {} : {devmajor: d[0], devminor: d[1]}),
		...(x === undefined
			? {}
			: {xattrs: Object.fromEntries(x.map(([name, value]) => [name, Buffer.from(value, 'base64')]))}),
	};
	return {header: full, offset, ...(s === undefined ? {} : {sparse: s})};
}
