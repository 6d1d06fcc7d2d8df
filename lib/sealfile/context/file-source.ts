import type {Abortable} from '../../core/events.js';
import type {EntryContent, EntryHeader} from '../../oci/entry.js';

/** What tells that a file on disk is the one that was read before: the key of a stat cache. */
export interface StatIdentity {
	/** Absolute; bytes that are not UTF-8 as lone surrogates (core/name.ts). */
	readonly path: string;
	readonly dev: number;
	readonly ino: number;
	readonly size: number;
	/** With the fraction as far as a double holds it: a quarter of a microsecond, far below the clock tick of file systems. */
	readonly mtimeMs: number;
	readonly ctimeMs: number;
	/** With the file type bits. */
	readonly mode: number;
}

/** One name in a source of COPY or ADD. */
export interface SourceNode {
	/** `path` is relative to the root of the source. Sizes are those of the moment of the look-up. */
	readonly header: EntryHeader;
	readonly content?: EntryContent;
	/** For regular files that are on disk. */
	readonly identity?: StatIdentity;
	/** The same for all names of one file, another for every other file; absent when it is known to have one name only. */
	readonly linkKey?: string | object;
	/** A directory that ignore rules exclude while something below it is not: it is there, its metadata is not used. */
	readonly implied?: boolean;
	/** Why it cannot be copied: only matters when it is asked for. The header of a socket is that of an empty file. */
	readonly problem?: 'socket' | 'unreadable';
}

/**
 * Where COPY and ADD take files from: the build context, or the tree of a stage or image. Paths are relative,
 * `/`-separated, '' for the root, and name exactly one entry: nothing here follows a symbolic link (see links.ts).
 * Looking never reads file contents.
 */
export interface FileSource {
	/** For messages: "the build context", "stage build". */
	readonly title: string;
	/** False for the build context: its files belong to root, whoever owns them on this machine. */
	readonly keepsOwners: boolean;
	/**
	 * Runs `look`, which decides something by `lookup` and `list`, and once more when the source was disturbed meanwhile or has attributes to add:
	 * what it resolves with comes from this source for certain. Absent where nothing can disturb (the tree of an image).
	 */
	surely?<T>(look: () => Promise<T>, options?: Abortable): Promise<T>;
	/** @throws SealError ERR_PERMISSION, ERR_CONTEXT when a folder is swapped while it is looked at */
	lookup(path: string): SourceNode | undefined;
	/**
	 * The entries of a directory in the order of `compareNames`.
	 * @throws SealError as `lookup`
	 */
	list(path: string): readonly SourceNode[];
	/** True when ignore rules hide this path: for hints. */
	excludes(path: string): boolean;
}
