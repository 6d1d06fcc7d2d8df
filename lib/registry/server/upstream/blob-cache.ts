import {hasCode} from '../../../core/errors.js';
import {emit} from '../../../core/events.js';
import type {Digest} from '../../../oci/digest.js';
import {createLru} from '../../storage/stock/lru.js';
import type {StoredBlob} from '../../storage/storage.js';
import {createFlights} from './flights.js';
import {type GrowingBlob, growBlob} from './growing-blob.js';
import {refusalOr} from './manifest-cache.js';
import type {PullThroughWork, UpstreamRepository} from './pull-through.js';

/** Blobs of upstreams. */
export interface BlobCache {
	blob(repository: UpstreamRepository, digest: Digest): Promise<StoredBlob | undefined>;
	/** Resolves when nothing is being fetched. */
	settled(): Promise<void>;
}

const maxPlaces = 100_000;

export function createBlobCache(work: PullThroughWork): BlobCache {
	const {storage, counts} = work;
	const flights = createFlights<StoredBlob | undefined>();
	/** Blobs that are coming in: they are served from here until the storage has them. */
	const growing = new Map<string, GrowingBlob>();
	/** A repository that each blob was fetched for. */
	const places = createLru<Digest, string>(maxPlaces);

	/** A blob that was fetched for another repository needs no second transfer, if the upstream has it in this one, too. */
	const mounted = async ({upstream, name, stored}: UpstreamRepository, digest: Digest) => {
		const place = places.get(digest);
		// Among replicas everybody may read everything: what the disk has needs no question.
		if (work.options.replica !== undefined && (await storage.mount(stored, digest, undefined))) {
			return await storage.blob(stored, digest);
		}
		if (place === undefined || place === stored || (await storage.blob(place, digest)) === undefined) return undefined;
		if (!(await upstream.hasBlob(name, digest, work))) return undefined;
		return (await storage.mount(stored, digest, place)) ? await storage.blob(stored, digest) : undefined;
	};
	const grow = async (repository: UpstreamRepository, digest: Digest): Promise<StoredBlob | undefined> => {
		const {upstream, name, stored} = repository;
		const found = await upstream.blob(name, digest, work);
		if (found === undefined) return undefined;
		const key = `${stored}@${digest}`;
		const blob = await growBlob(storage.uploads, stored, digest, found, work);
		growing.set(key, blob);
		void blob.stored
			.then(
				() => {
					counts.fetchedBytes += found.sizeBytes;
					places.set(digest, stored);
				},
				(error: unknown) => {
					counts.failures++;
					if (hasCode(error, 'ERR_CONTENT_DIGEST') || hasCode(error, 'ERR_CONTENT_SIZE')) found.isWrong?.();
					warnFailed(work, repository, digest, error);
				},
			)
			.finally(() => growing.delete(key));
		return blob.blob;
	};
	const fetchOnce = (repository: UpstreamRepository, digest: Digest): Promise<StoredBlob | undefined> => {
		const key = `${repository.stored}@${digest}`;
		return flights.join(key, async () => {
			const known = growing.get(key)?.blob ?? (await storage.blob(repository.stored, digest));
			if (known !== undefined) return known;
			counts.misses++;
			try {
				return (await mounted(repository, digest)) ?? (await grow(repository, digest));
			} catch (error) {
				counts.failures++;
				throw refusalOr(error, repository.upstream.namespace);
			}
		});
	};
	return {
		async blob(repository, digest) {
			const {stored} = repository;
			const coming = growing.get(`${stored}@${digest}`);
			if (coming !== undefined) return coming.blob;
			const known = await storage.blob(stored, digest);
			if (known !== undefined) {
				counts.hits++;
				return known;
			}
			return await fetchOnce(repository, digest);
		},
		async settled() {
			await Promise.allSettled([...growing.values()].map(({stored}) => stored));
		},
	};
}

function warnFailed({options}: PullThroughWork, {stored}: UpstreamRepository, digest: Digest, error: unknown): void {
	emit(options, {
		type: 'warning',
		code: 'UpstreamBlob',
		message: `${digest} of ${stored} cannot be fetched: ${error instanceof Error ? error.message : String(error)}`,
	});
}
