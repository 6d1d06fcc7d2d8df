import {hasCode} from '../../../core/errors.js';
import {emit} from '../../../core/events.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {referrerOf} from '../../storage/referrer.js';
import {createLru} from '../../storage/stock/lru.js';
import type {Page, StoredManifest} from '../../storage/storage.js';
import {isUpstreamDown} from './back-off.js';
import {upstreamRefusal} from './failure.js';
import {createFlights} from './flights.js';
import type {PullThroughWork, UpstreamRepository} from './pull-through.js';

/** Tags and manifests of upstreams. */
export interface ManifestCache {
	tag(repository: UpstreamRepository, tag: string): Promise<Digest | undefined>;
	manifest(repository: UpstreamRepository, digest: Digest): Promise<StoredManifest | undefined>;
	tags(repository: UpstreamRepository, page: Page): Promise<readonly string[] | undefined>;
	referrers(repository: UpstreamRepository, subject: Digest): Promise<readonly Descriptor[]>;
}

const maxChecked = 10_000;

export function createManifestCache(work: PullThroughWork): ManifestCache {
	const {storage, counts, options} = work;
	const tagFlights = createFlights<Digest | undefined>();
	const manifestFlights = createFlights<StoredManifest | undefined>();
	/** When tags were last compared. */
	const checked = createLru<string, number>(maxChecked);

	/** Stores a manifest without what it names: that comes when it is asked for. */
	const store = async ({stored}: UpstreamRepository, manifest: StoredManifest, tags: readonly string[]) => {
		await storage.putManifest(stored, {...manifest, blobs: [], manifests: [], referrer: referrerOf(manifest)}, tags);
	};
	const fetched = async (repository: UpstreamRepository, wanted: Descriptor, tags: readonly string[]) => {
		const known = await storage.manifest(repository.stored, wanted.digest);
		if (known === undefined) counts.misses++;
		const bytes = known?.bytes ?? (await repository.upstream.manifest(repository.name, wanted, work));
		const manifest = {digest: wanted.digest, mediaType: known?.mediaType ?? wanted.mediaType, bytes};
		await store(repository, manifest, tags);
		return manifest;
	};
	const compare = async (repository: UpstreamRepository, tag: string): Promise<Digest | undefined> => {
		const {upstream, name, stored} = repository;
		const last = await storage.tag(stored, tag);
		if (last !== undefined && options.replica === 'local') return last;
		const key = `${stored}:${tag}`;
		const age = Date.now() - (checked.get(key) ?? Number.NEGATIVE_INFINITY);
		if (last !== undefined && age >= 0 && age < (options.tagTtlMs ?? 0)) return last;
		try {
			const found = await upstream.resolve(name, tag, work);
			const isOnlyHere = found === undefined && options.replica !== undefined;
			if (found === undefined && !isOnlyHere) await storage.deleteTag(stored, tag);
			else if (found !== undefined && found.digest !== last) await fetched(repository, found, [tag]);
			checked.set(key, Date.now());
			return isOnlyHere ? last : found?.digest;
		} catch (error) {
			counts.failures++;
			if (last === undefined || !isUpstreamDown(error)) throw refusalOr(error, upstream.namespace);
			counts.stale++;
			warnStale(work, `${stored}:${tag}`, error);
			return last;
		}
	};
	const fetchByDigest = async (repository: UpstreamRepository, digest: Digest) => {
		const {upstream, name} = repository;
		try {
			const found = await upstream.resolve(name, digest, work);
			return found === undefined ? undefined : await fetched(repository, found, []);
		} catch (error) {
			counts.failures++;
			throw refusalOr(error, upstream.namespace);
		}
	};
	return {
		tag: (repository, tag) => tagFlights.join(`${repository.stored}:${tag}`, () => compare(repository, tag)),
		async manifest(repository, digest) {
			const known = await storage.manifest(repository.stored, digest);
			if (known !== undefined) {
				counts.hits++;
				return known;
			}
			return await manifestFlights.join(`${repository.stored}@${digest}`, () => fetchByDigest(repository, digest));
		},
		async tags({upstream, name, stored}, page) {
			try {
				return cut(await upstream.tags(name, work), page);
			} catch (error) {
				if (hasCode(error, 'ERR_IMAGE_UNKNOWN')) return undefined;
				const known = isUpstreamDown(error) ? await storage.tags(stored, page) : undefined;
				if (known === undefined) throw refusalOr(error, upstream.namespace);
				return known;
			}
		},
		async referrers({upstream, name, stored}, subject) {
			try {
				return await upstream.referrers(name, subject, work);
			} catch (error) {
				if (!isUpstreamDown(error)) throw refusalOr(error, upstream.namespace);
				return await storage.referrers(stored, subject);
			}
		},
	};
}

function cut(tags: readonly string[], {after = '', limit}: Page): readonly string[] {
	const rest = tags.filter(tag => Buffer.compare(Buffer.from(tag), Buffer.from(after)) > 0);
	return limit === undefined ? rest : rest.slice(0, limit);
}

export function refusalOr(error: unknown, namespace: string): unknown {
	return upstreamRefusal(error, namespace) ?? error;
}

function warnStale({options}: PullThroughWork, name: string, error: unknown): void {
	emit(options, {
		type: 'warning',
		code: 'UpstreamStale',
		message: `${name} is served as it was last seen: ${error instanceof Error ? error.message : String(error)}`,
	});
}
