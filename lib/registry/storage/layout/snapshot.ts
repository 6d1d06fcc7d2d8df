import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {ifExists, withIo} from '../../../core/io-error.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {type Digest, digestOf} from '../../../oci/digest.js';
import {indexFile, type LayoutIndex, namesOf, parseIndex} from '../../../oci/store/layout.js';
import type {Documents} from './documents.js';
import {hiddenOf} from './hidden.js';
import {createNameReader} from './names.js';
import {createReach, type Reacher, type Root} from './reach.js';
import {type Stamp, stampOf} from './stamp.js';

/** What `index.json` says of one repository. */
export interface RepositoryView {
	readonly tags: ReadonlyMap<string, Descriptor>;
	readonly roots: readonly Root[];
	readonly reach: Reacher;
}

/** `index.json` at one moment. */
export interface Snapshot {
	readonly index: LayoutIndex;
	/** By the store's spelling. */
	readonly repositories: ReadonlyMap<string, RepositoryView>;
}

export interface Snapshots {
	/** The names of the store as they are now, whoever changed them last. @throws SealError ERR_STORE_DAMAGED */
	current(): Promise<Snapshot>;
	/** What the names will be with other entries. */
	derive(snapshot: Snapshot, entries: readonly Descriptor[]): Snapshot;
}

export function createSnapshots(root: string, documents: Documents): Snapshots {
	const path = join(root, indexFile);
	const viewsOf = createViewer(documents);
	let latest: {readonly stamp: Stamp; readonly hash: Digest; readonly snapshot: Snapshot} | undefined;

	const read = async (): Promise<Snapshot> => {
		// The stamp is older than the bytes: a change in between shows at the next look.
		const stamp = await stampOf(path);
		if (latest !== undefined && stamp !== undefined && isSame(latest.stamp, stamp)) return latest.snapshot;
		const bytes = (await withIo('read', path, () => ifExists(() => readFile(path)))) ?? new Uint8Array();
		const hash = digestOf(bytes);
		const before = latest?.snapshot.repositories;
		const snapshot = latest?.hash === hash ? latest.snapshot : viewsOf(parseIndex(bytes, root), before);
		// Written anew with the same names: what was missing before may have been brought in.
		if (latest?.hash === hash) for (const {reach} of latest.snapshot.repositories.values()) reach.renew();
		latest = stamp === undefined ? undefined : {stamp, hash, snapshot};
		return snapshot;
	};
	const readShared = shareNext(read);
	return {
		async current() {
			const stamp = await stampOf(path);
			return latest !== undefined && stamp !== undefined && isSame(latest.stamp, stamp)
				? latest.snapshot
				: await readShared();
		},
		derive: (snapshot, entries) => viewsOf({...snapshot.index, manifests: entries}, snapshot.repositories),
	};
}

function isSame(known: Stamp, found: Stamp): boolean {
	return known.settled && known.text === found.text;
}

/**
 * Who asks while `work` is running gets the next run, together with all others who asked meanwhile: the running one may have
 * begun before the change that he knows of.
 */
export function shareNext<R>(work: () => Promise<R>): () => Promise<R> {
	let running: Promise<unknown> | undefined;
	let next: Promise<R> | undefined;
	return () => {
		next ??= (async () => {
			await running?.catch(() => undefined);
			running = next;
			next = undefined;
			try {
				return await work();
			} finally {
				if (next === undefined) running = undefined;
			}
		})();
		return next;
	};
}

function createViewer(
	documents: Documents,
): (index: LayoutIndex, before: Snapshot['repositories'] | undefined) => Snapshot {
	const readName = createNameReader();
	return (index, before) => {
		const groups = new Map<string, {readonly tags: Map<string, Descriptor>; readonly roots: Map<string, Root>}>();
		for (const entry of index.manifests) {
			// The first name is the one that listings of the store show.
			const [name] = namesOf(entry);
			const read = name === undefined ? undefined : readName(name);
			if (read === undefined) continue;
			const group = groups.get(read.repository) ?? {
				tags: new Map<string, Descriptor>(),
				roots: new Map<string, Root>(),
			};
			groups.set(read.repository, group);
			const {mediaType, digest, size} = entry;
			const root: Root = {descriptor: {mediaType, digest, size}, hidden: new Set(hiddenOf(entry))};
			if (read.tag !== undefined && !group.tags.has(read.tag)) group.tags.set(read.tag, root.descriptor);
			group.roots.set(rootKey(root), root);
		}
		const repositories = new Map<string, RepositoryView>();
		for (const [repository, {tags, roots}] of groups) {
			repositories.set(repository, createView(documents, tags, [...roots.values()], before?.get(repository)));
		}
		return {index, repositories};
	};
}

function createView(
	documents: Documents,
	tags: ReadonlyMap<string, Descriptor>,
	roots: readonly Root[],
	before: RepositoryView | undefined,
): RepositoryView {
	if (before === undefined || !sameRoots(before.roots, roots))
		return {tags, roots, reach: createReach(documents, roots)};
	before.reach.renew();
	return {tags, roots, reach: before.reach};
}

function sameRoots(a: readonly Root[], b: readonly Root[]): boolean {
	return a.length === b.length && a.every((root, i) => rootKey(root) === rootKey(b[i] as Root));
}

function rootKey({descriptor, hidden}: Root): string {
	return [descriptor.digest, ...hidden].join(' ');
}
