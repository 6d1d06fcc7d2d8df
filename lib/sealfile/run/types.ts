import type {Abortable, OperationOptions} from '../../core/events.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {Platform} from '../../oci/platform.js';
import type {ImageTree} from '../../oci/tree/tree.js';
import type {Command, Heredoc, RunMount} from '../syntax.js';

/** Where a session keeps its files and how it finds a runtime. */
export interface RootfsOptions extends OperationOptions {
	/** An existing folder for the unpacked tree and everything else; the session removes what it puts there. */
	readonly scratchDir: string;
	/** Where `--mount=type=cache` folders live from build to build; made when needed. */
	readonly cacheDir: string;
	/** The platform of the stage: decides whether the host can run it at all. */
	readonly platform: Platform;
	/** The runtimes to try, in order: names looked up in `searchPath`, or absolute paths. Default: crun, then runc. */
	readonly runtimes?: readonly string[] | undefined;
	/** Folders with the runtimes and newuidmap. Default: the usual system folders. */
	readonly searchPath?: readonly string[] | undefined;
}

/** One RUN, everything expanded and looked up by the caller. */
export interface RunRequest extends OperationOptions {
	/** The step that `command.output` events belong to. */
	readonly id: string;
	/** Where the instruction stands; named in errors. */
	readonly file: string;
	readonly line: number;
	readonly command: Command;
	readonly heredocs: readonly Heredoc[];
	/** The SHELL in force. Default `/bin/sh -c`. */
	readonly shell?: readonly string[] | undefined;
	/** `KEY=value`, later ones win: ENV of the image, the ARGs that are visible, proxies. PATH is added when missing. */
	readonly env: readonly string[];
	/** The WORKDIR: absolute; made (0755, owned by the user) when it is not there. Default `/`. */
	readonly cwd?: string | undefined;
	/** The USER: `name`, `uid`, `name:group`, `uid:gid`. Default root. */
	readonly user?: string | undefined;
	/** Words already expanded. */
	readonly mounts: readonly RunMount[];
	/** Where a bind mount's (or a cache mount's first) content comes from; called with the mounts that need it. */
	readonly bindSource?: ((mount: RunMount) => BindSource | Promise<BindSource>) | undefined;
	/** The bytes of a secret, or undefined when the caller has none of this name. */
	readonly secret?: ((id: string) => Promise<Uint8Array | undefined> | Uint8Array | undefined) | undefined;
	readonly network: 'default' | 'none' | 'host';
	readonly security: 'sandbox' | 'insecure';
}

/** The root that a bind mount's `source` is looked up in. */
export type BindSource =
	/** A stage or an image: the part that is wanted is unpacked to scratch. */
	| {readonly kind: 'tree'; readonly tree: ImageTree}
	/** Prepared files (the context after its ignore rules), sorted, with paths from the root of the source. */
	| {readonly kind: 'entries'; readonly entries: Iterable<LayerEntry>};

export interface RunResult {
	/**
	 * What the command changed, sorted as a layer wants it, whiteouts included. The contents are files in the session's
	 * scratch folder: they stay as they are until the next `apply`, `run` or `close`.
	 */
	readonly entries: readonly LayerEntry[];
}

/**
 * The file system of a stage on disk, for its RUN instructions. Calls must not overlap. Nothing touches the disk before
 * the first `run`.
 */
export interface Rootfs {
	/**
	 * Brings the changes of a layer (COPY, ADD, a cached RUN) to the tree, whiteouts included. Contents must stay
	 * readable until the next `run` has begun, or the session is closed.
	 */
	apply(entries: Iterable<LayerEntry>, options?: Abortable): Promise<void>;
	/**
	 * Runs one command in the tree.
	 * @throws SealError ERR_RUN_FAILED (exit status not 0), ERR_RUN_UNAVAILABLE (this host cannot run it), ERR_RUN_USER
	 * (no such user in the tree), ERR_RUN_MOUNT (a mount that cannot be made). After a failure only `close` is allowed.
	 */
	run(request: RunRequest): Promise<RunResult>;
	/** Removes everything from scratch. Safe to call more than once and after any failure. */
	close(): Promise<void>;
}
