import {emit, type Observable, type SealEvent} from '../../../core/events.js';
import type {TransportOptions} from '../../exchange/transport.js';
import type {RegistryStorage} from '../../storage/storage.js';
import {refuse} from '../refusal.js';
import type {BackOffOptions} from './back-off.js';
import {createBlobCache} from './blob-cache.js';
import {openFailover} from './failover.js';
import {createManifestCache} from './manifest-cache.js';
import {folderOf, namespaceOfFolder, type UpstreamSpec} from './spec.js';
import {openUpstream, type Upstream, type UpstreamServer} from './upstream.js';

export interface PullThroughOptions extends Observable {
	/** `*` is for every registry that has none of its own. Of several for one registry each is asked when those before it fail or lack what is wanted. */
	readonly upstreams: readonly UpstreamSpec[];
	/** How upstreams are reached: credentials, certificates, proxies. */
	readonly transport?: TransportOptions | undefined;
	/** For how long a tag is given out without asking again. Default 0: every pull asks. */
	readonly tagTtlMs?: number | undefined;
	/** How long an upstream may take to say what a tag points at; then it counts as down. Default 15 s. */
	readonly answerMs?: number | undefined;
	/** For how long an upstream that is down is left alone. Default: a second at first, a minute at most. */
	readonly rests?: BackOffOptions | undefined;
	/**
	 * The upstreams and this storage are meant to hold the same, as the registries of one cluster are: what only this one has is
	 * served and kept, under its plain name too, and a blob that is here for any repository is here for all. `local` gives out
	 * a tag that is here without asking.
	 */
	readonly replica?: 'upstream' | 'local' | undefined;
}

/** What a cache has done so far, for metrics. */
export interface PullThroughCounts {
	/** Manifests and blobs that were there. */
	hits: number;
	/** Manifests and blobs that were not. */
	misses: number;
	/** Tags that were given out as they were last seen, since the upstream did not answer. */
	stale: number;
	/** Requests that an upstream failed. */
	failures: number;
	/** Bytes of blobs taken from upstreams. */
	fetchedBytes: number;
}

/** A storage that fetches what it lacks. */
export interface PullThroughStorage extends RegistryStorage {
	readonly counts: Readonly<PullThroughCounts>;
	/** Whether the repositories of a registry are fetched: `docker.io`. */
	hasUpstream(namespace: string): boolean;
	/** What is here already, when this is one of several that hold the same. */
	readonly replica?: RegistryStorage | undefined;
}

export function isPullThrough(storage: RegistryStorage): storage is PullThroughStorage {
	return typeof (storage as Partial<PullThroughStorage>).hasUpstream === 'function';
}

/** What the parts of a cache share. */
export interface PullThroughWork {
	readonly storage: RegistryStorage;
	readonly counts: PullThroughCounts;
	/** Ends what is being fetched when the cache closes. */
	readonly signal: AbortSignal;
	/** Hears of what goes wrong on the way to an upstream. */
	readonly onEvent: (event: SealEvent) => void;
	readonly options: PullThroughOptions;
}

/** A repository of an upstream. */
export interface UpstreamRepository {
	readonly upstream: Upstream;
	/** `library/redis` */
	readonly name: string;
	/** `docker.io/library/redis` */
	readonly stored: string;
}

/**
 * Makes a storage a pull-through cache of registries: what is missing below `docker.io/` and the like is fetched, kept and served
 * while it comes in. Tags are compared with the upstream at every pull and served as last seen while it is down; content is
 * kept for ever. Repositories of upstreams cannot be written to (405). Works over every form of storage.
 * @throws SealError ERR_UPSTREAM_INVALID
 */
export function openPullThrough(storage: RegistryStorage, options: PullThroughOptions): PullThroughStorage {
	const controller = new AbortController();
	const counts: PullThroughCounts = {hits: 0, misses: 0, stale: 0, failures: 0, fetchedBytes: 0};
	const onEvent = (event: SealEvent): void => {
		if (event.type === 'warning') emit(options, event);
	};
	const work: PullThroughWork = {storage, counts, signal: controller.signal, onEvent, options};
	const upstreams = createUpstreams(options);
	const manifests = createManifestCache(work);
	const blobs = createBlobCache(work);
	const find = upstreams.find;
	const readOnly = <A extends [string, ...unknown[]], R>(method: (...values: A) => Promise<R>) => {
		return async (...values: A): Promise<R> => {
			const repository = find(values[0]);
			if (repository !== undefined) throw notWritable(repository);
			return await method(...values);
		};
	};
	const {uploads} = storage;
	return {
		name: storage.name,
		counts,
		replica: options.replica === undefined ? undefined : storage,
		hasUpstream: namespace => find(`${folderOf(namespace)}/x`) !== undefined,
		repositories: page => storage.repositories(page),
		async tags(repository, page) {
			const found = find(repository);
			return found === undefined ? await storage.tags(repository, page) : await manifests.tags(found, page);
		},
		async tag(repository, tag) {
			const found = find(repository);
			return found === undefined ? await storage.tag(repository, tag) : await manifests.tag(found, tag);
		},
		async manifest(repository, digest, given) {
			const found = find(repository);
			if (found === undefined) return await storage.manifest(repository, digest, given);
			return await manifests.manifest(found, digest);
		},
		async referrers(repository, subject) {
			const found = find(repository);
			if (found === undefined) return await storage.referrers(repository, subject);
			return await manifests.referrers(found, subject);
		},
		async blob(repository, digest, given) {
			const found = find(repository);
			if (found === undefined) return await storage.blob(repository, digest, given);
			return await blobs.blob(found, digest);
		},
		putManifest: readOnly(storage.putManifest.bind(storage)),
		deleteTag: readOnly(storage.deleteTag.bind(storage)),
		deleteManifest: readOnly(storage.deleteManifest.bind(storage)),
		deleteBlob: readOnly(storage.deleteBlob.bind(storage)),
		mount: readOnly(storage.mount.bind(storage)),
		uploads: {
			start: readOnly(uploads.start.bind(uploads)),
			status: readOnly(uploads.status.bind(uploads)),
			append: readOnly(uploads.append.bind(uploads)),
			finish: readOnly(uploads.finish.bind(uploads)),
			cancel: readOnly(uploads.cancel.bind(uploads)),
			count: () => uploads.count(),
			sweep: idleMs => uploads.sweep(idleMs),
		},
		async close() {
			controller.abort(new Error('The cache was closed'));
			await blobs.settled();
			await upstreams.close();
			await storage.close();
		},
	};
}

function notWritable({stored, upstream}: UpstreamRepository): Error {
	const message = `${stored} is a copy of what ${upstream.namespace} has and cannot be written to here`;
	return refuse('UNSUPPORTED', message, {headers: {allow: 'GET, HEAD'}});
}

interface Upstreams {
	/** The upstream that a repository of the storage belongs to. */
	find(repository: string): UpstreamRepository | undefined;
	close(): Promise<void>;
}

function createUpstreams(options: PullThroughOptions): Upstreams {
	const specs = new Map<string, UpstreamSpec[]>();
	for (const spec of options.upstreams) {
		const folder = spec.namespace === '*' ? '*' : folderOf(spec.namespace);
		specs.set(folder, [...(specs.get(folder) ?? []), spec]);
	}
	const servers = new Map([...specs].map(([folder, several]) => [folder, openServers(several, options)]));
	const upstreamOf = (folder: string): Upstream | undefined => {
		const named = servers.get(folder);
		if (named !== undefined) return named.of(undefined);
		const namespace = namespaceOfFolder(folder);
		return namespace === undefined ? undefined : servers.get('*')?.of(namespace);
	};
	return {
		find(repository) {
			const slash = repository.indexOf('/');
			const upstream = slash === -1 ? undefined : upstreamOf(repository.slice(0, slash));
			return upstream === undefined ? undefined : {upstream, name: repository.slice(slash + 1), stored: repository};
		},
		async close() {
			await Promise.all([...servers.values()].map(server => server.close()));
		},
	};
}

/** Where there is another server to ask, none is asked twice. */
function openServers(specs: readonly UpstreamSpec[], options: PullThroughOptions): UpstreamServer {
	const {transport = {}, answerMs = 15_000, rests} = options;
	const times = {answerMs, rests, ...(specs.length > 1 ? {attempts: 1} : {})};
	return openFailover(specs.map(spec => openUpstream(spec, transport, times)));
}
