import {isSealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {Digest} from '../../oci/digest.js';
import {imageFacts} from '../../oci/image.js';
import {formatPlatform} from '../../oci/platform.js';
import {closureOf} from './closure.js';
import type {StorageInventory, TagFacts} from './inventory.js';
import {storageReader} from './storage-reader.js';

/** What a registry holds. */
export interface RegistryListing {
	readonly repositories: readonly ListedRepository[];
	/** Bytes of everything that tags reach, what is shared counted once. */
	readonly sizeBytes: number;
}

export interface ListedRepository {
	readonly repository: string;
	/** The tag pushed last first. */
	readonly tags: readonly ListedTag[];
	/** Manifests that no tag of the repository reaches. */
	readonly untagged: number;
	/** What is shared by tags of the repository is counted once. */
	readonly sizeBytes: number;
}

export interface ListedTag {
	readonly tag: string;
	readonly digest: Digest;
	readonly mediaType?: string | undefined;
	readonly platforms: readonly string[];
	readonly sizeBytes: number;
	readonly created?: string | undefined;
	readonly pushedAt?: string | undefined;
	/** Why the facts are incomplete: content is missing or damaged. */
	readonly damage?: string | undefined;
}

/** Lists repositories and tags. `only` names a repository. */
export async function listRegistry(
	inventory: StorageInventory,
	options: Abortable & {readonly only?: string | undefined} = {},
): Promise<RegistryListing> {
	const {signal, only} = options;
	const {storage} = inventory;
	const names = (await storage.repositories({signal})).filter(name => only === undefined || name === only);
	const all = new Map<Digest, number>();
	const repositories: ListedRepository[] = [];
	for (const repository of names) {
		const own = new Map<Digest, number>();
		const facts = await inventory.tags(repository, {signal});
		const tags = await mapBounded(facts, 8, tag => describeTag(inventory, repository, tag, own, signal), {signal});
		for (const [digest, size] of own) all.set(digest, size);
		const untagged = (await inventory.manifests(repository, {signal})).filter(digest => !own.has(digest)).length;
		repositories.push({repository, tags, untagged, sizeBytes: sum(own)});
	}
	return {repositories, sizeBytes: sum(all)};
}

async function describeTag(
	{storage}: StorageInventory,
	repository: string,
	{tag, digest, pushedAt}: TagFacts,
	sizes: Map<Digest, number>,
	signal: AbortSignal | undefined,
): Promise<ListedTag> {
	const at = pushedAt === undefined ? {} : {pushedAt: pushedAt.toISOString()};
	try {
		const manifest = await storage.manifest(repository, digest, {signal});
		if (manifest === undefined)
			return {tag, digest, platforms: [], sizeBytes: 0, ...at, damage: `${digest} is missing`};
		const {mediaType, bytes} = manifest;
		const {sizes: own} = await closureOf(storage, repository, digest, {signal});
		for (const [each, size] of own) sizes.set(each, size);
		const descriptor = {mediaType, digest, size: bytes.length};
		const facts = await imageFacts(storageReader(storage, repository), descriptor, {signal});
		return {
			tag,
			digest,
			mediaType,
			platforms: facts.platforms.map(formatPlatform),
			sizeBytes: sum(own),
			...(facts.created === undefined ? {} : {created: facts.created}),
			...at,
		};
	} catch (error) {
		signal?.throwIfAborted();
		if (!isSealError(error)) throw error;
		return {tag, digest, platforms: [], sizeBytes: 0, ...at, damage: error.message};
	}
}

function sum(sizes: ReadonlyMap<Digest, number>): number {
	return [...sizes.values()].reduce((total, size) => total + size, 0);
}
