import type {Abortable} from '../../core/events.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {StatIdentity} from '../context/file-source.js';

/** A file whose bytes are written in the Sealfile. */
export interface InlineFile {
	readonly name: string;
	readonly bytes: Uint8Array;
}

/** One COPY (or the local part of an ADD) with every word expanded. */
export interface CopyRequest {
	readonly sources: readonly string[];
	readonly inlineFiles?: readonly InlineFile[] | undefined;
	readonly destination: string;
	/** Absolute; a relative destination starts here. Default `/`. */
	readonly workingDir?: string | undefined;
	readonly chown?: string | undefined;
	readonly chmod?: string | undefined;
	readonly exclude?: readonly string[] | undefined;
	readonly parents?: boolean | undefined;
	readonly link?: boolean | undefined;
}

export interface CopyOptions extends Abortable {
	/** `buildah`: wildcards that match nothing at all are an error. Default `buildkit`: a warning. */
	readonly compat?: 'buildkit' | 'buildah' | undefined;
	/** Seconds since the epoch: later times become this one, and directories made on the way get it (default 0). */
	readonly sourceDateEpoch?: number | undefined;
	/**
	 * The bytes of a regular file of the destination tree; called for /etc/passwd and /etc/group, and only when --chown
	 * has names in it.
	 */
	readonly readFile?: ((path: string) => Promise<Uint8Array | undefined>) | undefined;
}

/** An entry of the new layer. */
export interface CopiedEntry extends LayerEntry {
	/** For contents that are files on disk. */
	readonly identity?: StatIdentity;
}

/** What a copy took from the tree that it writes to. JSON-safe. */
export interface DestinationFacts {
	/** Where it writes, links followed: relative to the image root. */
	readonly path: string;
	/** How many leading components of `path` are there already, so that the layer does not name them. */
	readonly existingDepth: number;
	/**
	 * True when further parts of the tree may have played a role (an archive is unpacked over it): the result is only
	 * known to be the same for the same tree.
	 */
	readonly wholeTree: boolean;
}

export interface CopyWarning {
	readonly code: string;
	readonly message: string;
	readonly hint?: string;
}

export interface CopyResult {
	/**
	 * Ready for `writeLayer`: sorted, each path once, directories that are made on the way included, those that exist
	 * in the tree not. The layer follows from these entries and their contents alone: a cache key over (path, type,
	 * mode, uid, gid, size, linkname, xattrs, digest of content) needs neither the request nor the lower layers.
	 */
	readonly entries: readonly CopiedEntry[];
	readonly destinationFacts: DestinationFacts;
	readonly warnings: readonly CopyWarning[];
}
