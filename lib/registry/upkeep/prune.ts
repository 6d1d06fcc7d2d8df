import type {Abortable} from '../../core/events.js';
import {compareVersions, isVersion} from '../../core/version-order.js';
import type {Digest} from '../../oci/digest.js';
import {closureOf} from './closure.js';
import type {StorageInventory} from './inventory.js';
import {type ListedTag, listRegistry} from './list.js';
import {subjectOf} from './named.js';

/** By when a tag was moved last, by when its image was made, or by the version that it says. */
export type PruneOrder = 'pushed' | 'created' | 'version';

export interface PruneTagsOptions extends Abortable {
	/** So many tags of each repository stay, the newest. */
	readonly keep: number;
	/** Of the rest only tags with an older image or push go. A tag whose age is not known stays then. */
	readonly olderThan?: Date | undefined;
	/** Default `pushed`. With `version` and `created` only tags that have one count and go: `latest` stays by version. */
	readonly order?: PruneOrder | undefined;
	/** Only this repository. */
	readonly only?: string | undefined;
}

/** What pruning takes away; made by `planPrune`, done by `pruneTags`. */
export interface PrunePlan {
	readonly tags: readonly PrunedTag[];
	/** Manifests that only those tags, and what goes with them, have kept; referrers of them too. */
	readonly manifests: readonly {readonly repository: string; readonly digest: Digest}[];
}

export interface PrunedTag {
	readonly repository: string;
	readonly tag: string;
	readonly digest: Digest;
}

/** Finds what goes; changes nothing. */
export async function planPrune(inventory: StorageInventory, options: PruneTagsOptions): Promise<PrunePlan> {
	const tags: PrunedTag[] = [];
	const manifests: {repository: string; digest: Digest}[] = [];
	const {repositories} = await listRegistry(inventory, options);
	for (const {repository, tags: listed} of repositories) {
		const gone = chooseTags(listed, options);
		if (gone.length === 0) continue;
		tags.push(...gone.map(({tag, digest}) => ({repository, tag, digest})));
		const left = listed.filter(tag => !gone.includes(tag));
		for (const digest of await releasedBy(inventory, repository, gone, left, options)) {
			manifests.push({repository, digest});
		}
	}
	return {tags, manifests};
}

/** Does what `planPrune` found, leaving out what has got a tag since. Blobs go with the next collection. */
export async function pruneTags({storage}: StorageInventory, plan: PrunePlan, {signal}: Abortable = {}): Promise<void> {
	for (const {repository, tag, digest} of plan.tags) {
		signal?.throwIfAborted();
		if ((await storage.tag(repository, tag)) === digest) await storage.deleteTag(repository, tag);
	}
	for (const repository of new Set(plan.manifests.map(manifest => manifest.repository))) {
		const tagged = new Set<Digest | undefined>();
		for (const tag of (await storage.tags(repository, {})) ?? []) tagged.add(await storage.tag(repository, tag));
		for (const {digest} of plan.manifests.filter(manifest => manifest.repository === repository)) {
			signal?.throwIfAborted();
			if (!tagged.has(digest)) await storage.deleteManifest(repository, digest);
		}
	}
}

function chooseTags(tags: readonly ListedTag[], options: PruneTagsOptions): readonly ListedTag[] {
	const {keep, olderThan, order = 'pushed'} = options;
	const candidates = newestFirst(tags, order).slice(keep);
	if (olderThan === undefined) return candidates;
	return candidates.filter(tag => {
		const time = Date.parse((order === 'created' ? tag.created : (tag.pushedAt ?? tag.created)) ?? '');
		return time < olderThan.getTime();
	});
}

/** `tags` come in the order of their push. */
function newestFirst(tags: readonly ListedTag[], order: PruneOrder): readonly ListedTag[] {
	if (order === 'pushed') return tags;
	if (order === 'version') {
		return tags.filter(({tag}) => isVersion(tag)).toSorted((a, b) => compareVersions(b.tag, a.tag));
	}
	const timeOf = ({created}: ListedTag): number => Date.parse(created ?? '');
	return tags.filter(tag => !Number.isNaN(timeOf(tag))).toSorted((a, b) => timeOf(b) - timeOf(a));
}

/**
 * Manifests that only the tags that go have kept: what they reach, and what is attached to it, but nothing that the tags that stay
 * reach, or that is attached to that. Manifests that never had a tag are not touched.
 */
async function releasedBy(
	inventory: StorageInventory,
	repository: string,
	gone: readonly ListedTag[],
	left: readonly ListedTag[],
	{signal}: Abortable,
): Promise<readonly Digest[]> {
	const {storage} = inventory;
	const reachOf = async (tags: readonly ListedTag[]): Promise<Set<Digest>> => {
		const reached = new Set<Digest>(tags.map(({digest}) => digest));
		for (const {digest} of tags) {
			const {manifests} = await closureOf(storage, repository, digest, {signal});
			for (const each of manifests) reached.add(each);
		}
		return reached;
	};
	const kept = await reachOf(left);
	const released = await reachOf(gone);
	for (const digest of kept) released.delete(digest);
	const referrers = await attachedIn(inventory, repository, {signal});
	for (let before = -1; before < released.size; ) {
		before = released.size;
		for (const [digest, subject] of referrers) if (released.has(subject) && !kept.has(digest)) released.add(digest);
	}
	return [...released];
}

/** What the manifests of a repository are attached to. */
async function attachedIn(
	{storage, manifests}: StorageInventory,
	repository: string,
	{signal}: Abortable,
): Promise<ReadonlyMap<Digest, Digest>> {
	const attached = new Map<Digest, Digest>();
	for (const digest of await manifests(repository, {signal})) {
		const found = await storage.manifest(repository, digest, {signal}).catch(() => undefined);
		const subject = found === undefined ? undefined : subjectOf(found.bytes);
		if (subject !== undefined) attached.set(digest, subject);
	}
	return attached;
}
