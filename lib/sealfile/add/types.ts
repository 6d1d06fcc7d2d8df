import type {OperationOptions} from '../../core/events.js';
import type {HttpClient} from '../../core/http.js';
import type {CopiedEntry, CopyOptions, CopyRequest, CopyResult, DestinationFacts} from '../copy/types.js';

/** One ADD with every word expanded. `parents` is COPY's alone. */
export interface AddRequest extends Omit<CopyRequest, 'parents'> {
	/** `sha256:...` of a URL's content, or the start of a commit. */
	readonly checksum?: string | undefined;
	/** Undefined: local archives are unpacked, downloaded ones are not. */
	readonly unpack?: boolean | undefined;
	readonly keepGitDir?: boolean | undefined;
}

/** What is remembered of downloads from build to build. JSON-safe values; `path` points into the cache's own folder. */
export interface DownloadCache {
	get(url: string): Promise<CachedDownload | undefined>;
	/** Takes over the file at `path` (moves or links it) and resolves with the record to use from now on. */
	put(url: string, download: CachedDownload): Promise<CachedDownload>;
}

export interface CachedDownload {
	/** Absolute path of the complete file. */
	readonly path: string;
	/** `sha256:...` */
	readonly digest: string;
	readonly sizeBytes: number;
	readonly etag?: string | undefined;
	/** The header as it came. */
	readonly lastModified?: string | undefined;
	/** The `--checksum` that it passed. */
	readonly verified?: string | undefined;
}

export interface AddOptions extends Omit<CopyOptions, 'signal'>, OperationOptions {
	/** An existing folder for downloads, clones and unpacked archives; must outlive the entries; removed by the caller. */
	readonly scratchDir: string;
	readonly downloadCache?: DownloadCache | undefined;
	/** Never asks a server about a cached URL; ERR_DOWNLOAD when it is not cached. */
	readonly offline?: boolean | undefined;
	/** Default: a client of its own, closed at the end. */
	readonly http?: HttpClient | undefined;
	/** `http_proxy`, `https_proxy`, `no_proxy` in either case, for that client. Default: none. */
	readonly proxies?: Readonly<Record<string, string>> | undefined;
	/** Files with authorities for that client, besides those that Node brings; missing ones are passed over. Default: none. */
	readonly caFiles?: readonly string[] | undefined;
	/** The `git` to run. Default `git`. */
	readonly gitBinary?: string | undefined;
	/** The most that one archive may unpack to. Default 64 GiB. */
	readonly archiveLimitBytes?: number | undefined;
	/** What git is run with: HOME, the SSH agent, GIT_SSL_*. Default: nothing but a plain PATH. */
	readonly gitEnv?: Readonly<Record<string, string | undefined>> | undefined;
	/** Allow repositories at `file://` URLs. Default false. */
	readonly localGit?: boolean | undefined;
	/** Before the second try of a download; doubles with every further one. Default 500. */
	readonly retryDelayMs?: number | undefined;
	/** The step that progress events belong to. */
	readonly id?: string | undefined;
}

/** Something that an ADD brings in, told apart by content. With the request it makes the cache key of an unopened ADD. */
export type AddInput =
	| {readonly kind: 'entry'; readonly entry: CopiedEntry}
	/** A local archive, or a downloaded one with --unpack: `file` has the archive as its content. */
	| {readonly kind: 'archive'; readonly file: CopiedEntry}
	| {readonly kind: 'url'; readonly url: string; readonly digest: string; readonly mtime: number}
	| {readonly kind: 'git'; readonly url: string; readonly commit: string; readonly subdir: string};

/** An ADD whose inputs are known: remote ones are in the scratch folder, archives are not opened yet. */
export interface AddPlan {
	readonly inputs: readonly AddInput[];
	readonly destinationFacts: DestinationFacts;
	/** Opens the archives and gives the entries. Call it once. */
	expand(options?: OperationOptions): Promise<CopyResult>;
}
