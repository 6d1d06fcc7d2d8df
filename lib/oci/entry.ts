import type {Descriptor} from './descriptor.js';
import type {SparseMap} from './layer/layer-index.js';

/** What a name in a layer is. A regular file with content is `file`; a second name of it is `hardlink`. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/**
 * One name in a layer or in an image tree: everything but the content. Plain data, safe to keep by the million.
 */
export interface EntryHeader {
	/**
	 * Relative to the image root, `/`-separated, no leading `./` or `/`, no trailing slash, no `.` or `..` component.
	 * The root itself is the empty string. Bytes that are not UTF-8 are kept as lone surrogates (see core/name.ts).
	 */
	readonly path: string;
	readonly type: EntryType;
	/** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	/** Bytes of content; 0 for everything but `file`. */
	readonly size: number;
	/** Whole seconds since the epoch, rounded down; negative before 1970. */
	readonly mtime: number;
	/** Nanoseconds after `mtime`, 0 to 999,999,999; absent means 0. Layers are written without it. */
	readonly mtimeNsec?: number;
	/** Symlink: its text, as it is. Hard link: the path (in the form of `path`) of the name it shares content with. */
	readonly linkname?: string;
	/** For `character` and `block`. */
	readonly devmajor?: number;
	readonly devminor?: number;
	/** Extended attributes by name, values as raw bytes. */
	readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

/** Where the bytes of a `file` entry come from. */
export type EntryContent =
	| {readonly kind: 'bytes'; readonly bytes: Uint8Array}
	/**
	 * `size` bytes of the file at the absolute `path`, from `offset` (default 0). With `inode`, the number of the file that was
	 * listed: another one in its place is refused.
	 */
	| {readonly kind: 'file'; readonly path: string; readonly offset?: number; readonly inode?: number}
	/**
	 * `size` bytes at `offset` of the uncompressed tar of a stored layer. Must be turned into `file` (by `locateContents` of
	 * layer/content.ts: free for plain tar layers, a spool file for compressed ones) before a layer can be written from it.
	 */
	| {readonly kind: 'layer'; readonly layer: Descriptor; readonly offset: number; readonly sparse?: SparseMap};

/** An entry that can be written to a layer. `content` is present exactly when the header is a non-empty `file`. */
export interface LayerEntry {
	readonly header: EntryHeader;
	readonly content?: EntryContent;
}
