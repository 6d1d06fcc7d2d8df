import type {OperationOptions} from '../../core/events.js';
import type {Compression} from '../../oci/compress/compression.js';
import type {BlobFiles, ImageSink, ImageSource, Ingester} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import type {EntryContent} from '../../oci/entry.js';
import type {Platform} from '../../oci/platform.js';
import type {Diagnostic} from '../diagnostic.js';
import type {HelmCommand} from '../discover/helm.js';

/** Where a build keeps what it makes: the local store, or anything that can do the same. */
export interface BuildStore extends ImageSource, ImageSink, Ingester, BlobFiles {
	/** For derived data that may be deleted at any time. */
	readonly cacheDir: string;
	/** Scratch space on the same file system as the blobs. */
	readonly tempDir: string;
}

export interface BuildOptions extends OperationOptions {
	/** The folder that COPY and ADD read; absolute. */
	readonly context: string;
	/** Absolute path of the Sealfile. Default: Sealfile, Kubefile, Dockerfile or Containerfile of the context, the first found. */
	readonly file?: string | undefined;
	/** Absolute path of an ignore file to use instead of those that are looked up. */
	readonly ignoreFile?: string | undefined;
	readonly store: BuildStore;
	/** Where images that the store lacks come from, in order: registries, archives, layouts. */
	readonly sources?: readonly ImageSource[] | undefined;
	/** `missing` (default): ask `sources` for what the store lacks; `always`: ask them first; `never`: the store only. */
	readonly pull?: 'missing' | 'always' | 'never' | undefined;
	/** Names for the result; moved together at the end. */
	readonly tags?: readonly string[] | undefined;
	/** Default: the platform of this machine. More than one gives an index, in this order. */
	readonly platforms?: readonly Platform[] | undefined;
	/** A stage, by name or number. Default: the last. */
	readonly target?: string | undefined;
	readonly buildArgs?: Readonly<Record<string, string>> | undefined;
	/** Added to the labels of the result, after those of the Sealfile. */
	readonly labels?: Readonly<Record<string, string>> | undefined;
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** For the manifests, and the index when there is one. */
	readonly annotations?: Readonly<Record<string, string>> | undefined;
	/** `auto` (default): gzip, but plain tar for layers of bytes that are compressed already. */
	readonly compression?: Compression | 'auto' | undefined;
	/** `docker` writes docker's schema 2 media types. Default `oci`. */
	readonly format?: 'oci' | 'docker' | undefined;
	/** Whole seconds: `created` of the image, and newer files get this time. Usually SOURCE_DATE_EPOCH. */
	readonly timestamp?: number | undefined;
	/** False: use nothing of earlier builds (what this one makes is remembered all the same). */
	readonly cache?: boolean | undefined;
	/** False: leave container images out that the cluster image needs. Default true. */
	readonly saveImages?: boolean | undefined;
	/** Gives what renders charts so that their images are found; see findHelm. Asked when there is a chart. Without it their values and templates are read. */
	readonly helm?: (() => Promise<HelmCommand | undefined>) | undefined;
	/**
	 * The agent that runs on hosts of a platform: images of type rootfs get it at `opt/sealimage`. Asked only for such an image; undefined
	 * when there is none for the platform. Default: no agent.
	 */
	readonly agent?: ((platform: Platform, options: OperationOptions) => Promise<AgentFiles | undefined>) | undefined;
	/** Text of an images.lock.json: embedded images come by these digests only. */
	readonly lock?: string | undefined;
	/** What FROM scratch starts with: nothing (default), or BuildKit's PATH and working directory. */
	readonly scratchConfig?: 'empty' | 'buildkit' | undefined;
	/** `buildah`: a wildcard that matches nothing is an error. */
	readonly compat?: 'buildkit' | 'buildah' | undefined;
	/** Bytes of `RUN --mount=type=secret`, by id. */
	readonly secret?: ((id: string) => Promise<Uint8Array | undefined> | Uint8Array | undefined) | undefined;
	/** Proxy settings of this machine (`http_proxy` and so on): for downloads of ADD, visible to RUN, never recorded. */
	readonly proxies?: Readonly<Record<string, string>> | undefined;
	/** Files with authorities that downloads of ADD trust, besides those that Node brings. Default: none. */
	readonly caFiles?: readonly string[] | undefined;
	/** What git is run with for ADD of a repository: HOME, the SSH agent, GIT_SSL_*. Default: nothing but a plain PATH. */
	readonly gitEnv?: Readonly<Record<string, string | undefined>> | undefined;
	/** Keep `user.*` attributes and file capabilities of the context. Default true. */
	readonly contextXattrs?: boolean | undefined;
	/** Folders with crun, runc, git and the decompressors. Default: the usual system folders. */
	readonly searchPath?: readonly string[] | undefined;
	/** Layers written at once. Default 2: each already compresses on every core. */
	readonly jobs?: number | undefined;
	/** Milliseconds since the epoch; only to tell settled files from those still changing. Default the system clock. */
	readonly now?: (() => number) | undefined;
}

/** Files for `opt/sealimage`. Equal ids are equal bytes, names and modes. */
export interface AgentFiles {
	readonly id: string;
	readonly files: readonly {
		readonly name: string;
		readonly mode: number;
		readonly sizeBytes: number;
		readonly content: EntryContent;
	}[];
}

export interface BuiltPlatform {
	readonly platform: Platform;
	readonly manifest: Descriptor;
	readonly config: Digest;
	readonly layers: readonly {readonly descriptor: Descriptor; readonly diffID: Digest; readonly sizeBytes: number}[];
	/** Container images in its registry. */
	readonly images: readonly {readonly reference: string; readonly digest: Digest}[];
}

export interface BuildResult {
	/** What the names point to: a manifest for one platform, else an index. */
	readonly descriptor: Descriptor;
	readonly tags: readonly string[];
	readonly platforms: readonly BuiltPlatform[];
	/** Warnings of the parser, the evaluation and the steps. */
	readonly diagnostics: readonly Diagnostic[];
}
