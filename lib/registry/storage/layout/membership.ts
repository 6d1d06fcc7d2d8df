import {stat} from 'node:fs/promises';
import {ifExists, withIo} from '../../../core/io-error.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {isIndexType, isManifestType} from '../../../oci/media-types.js';
import {
	listManifestLinks,
	type ManifestLink,
	manifestLinkFolders,
	readBlobLink,
	readManifestLink,
	writeBlobLink,
} from '../../../oci/store/repository-links.js';
import type {Store} from '../../../oci/store/store.js';
import type {Documents} from './documents.js';
import {createReach, type Reach, type Reacher, type Root} from './reach.js';
import type {RepositoryView, Snapshot} from './snapshot.js';
import {stampOf} from './stamp.js';

/** Why a repository shows content: a name reaches it, a manifest without a name does, or it was uploaded or mounted there. */
export type Right = 'named' | 'linked' | 'uploaded';

export interface Member {
	/** As the document that names it says; undefined for an upload that nothing names yet. */
	readonly descriptor: Descriptor | undefined;
	readonly right: Right;
}

/** The manifests of a repository that no name reaches. */
export interface LinkedView {
	readonly links: readonly ManifestLink[];
	readonly roots: readonly Root[];
	readonly reach: Reacher;
}

/** Which repository may show what. A store has many repositories' content in one folder: that it has a blob gives no right to it. */
export interface Membership {
	find(snapshot: Snapshot, stored: string, digest: Digest): Promise<Member | undefined>;
	/** Only manifests and indexes. */
	findManifest(snapshot: Snapshot, stored: string, digest: Digest): Promise<Descriptor | undefined>;
	linked(stored: string): Promise<LinkedView | undefined>;
	/** What shows content in the repository, names first. */
	roots(snapshot: Snapshot, stored: string): Promise<readonly Root[]>;
	/** What names reach and what links reach. */
	reaches(snapshot: Snapshot, stored: string): Promise<readonly Reach[]>;
}

export function createMembership(store: Store, documents: Documents): Membership {
	const {root} = store;
	const linked = createLinkedViews(root, documents);

	const findLinked = async (stored: string, digest: Digest): Promise<Member | undefined> => {
		const view = await linked(stored);
		const descriptor = view === undefined ? undefined : (await view.reach()).content.get(digest);
		return descriptor === undefined ? undefined : {descriptor, right: 'linked'};
	};
	const findNamed = async (view: RepositoryView | undefined, digest: Digest): Promise<Member | undefined> => {
		const descriptor = view === undefined ? undefined : (await view.reach()).content.get(digest);
		return descriptor === undefined ? undefined : {descriptor, right: 'named'};
	};
	return {
		linked,
		async find(snapshot, stored, digest) {
			const named = await findNamed(snapshot.repositories.get(stored), digest);
			if (named !== undefined) return named;
			const upload = await readBlobLink(root, stored, digest);
			if (upload === undefined) return await findLinked(stored, digest);
			// Who asks for it is about to use it: the collector must not take an upload for forgotten.
			if (Date.now() - upload.pushedMs > renewAfterMs) await writeBlobLink(root, stored, digest);
			return {descriptor: undefined, right: 'uploaded'};
		},
		async findManifest(snapshot, stored, digest) {
			const view = snapshot.repositories.get(stored);
			const named = view?.roots.find(candidate => candidate.descriptor.digest === digest);
			if (named !== undefined) return named.descriptor;
			const child = (await findNamed(view, digest))?.descriptor;
			if (child !== undefined && isDocument(child)) return child;
			const link = await readManifestLink(root, stored, digest);
			if (link !== undefined) return link.descriptor;
			const linkedChild = (await findLinked(stored, digest))?.descriptor;
			return linkedChild !== undefined && isDocument(linkedChild) ? linkedChild : undefined;
		},
		async roots(snapshot, stored) {
			const view = await linked(stored);
			return [...(snapshot.repositories.get(stored)?.roots ?? []), ...(view?.roots ?? [])];
		},
		async reaches(snapshot, stored) {
			const found = [snapshot.repositories.get(stored)?.reach, (await linked(stored))?.reach];
			return await Promise.all(found.filter(reach => reach !== undefined).map(reach => reach()));
		},
	};
}

/** An upload that nothing names yet is given this long before the collector takes it, see `uploadGraceMs`. */
const renewAfterMs = 15 * 60_000;

/** Whether content is a manifest or index that we can read. */
export function isDocument({mediaType}: Descriptor): boolean {
	return isIndexType(mediaType) || isManifestType(mediaType);
}

/** Whether the store has exactly this content. */
export async function isPresent(store: Store, descriptor: Descriptor): Promise<boolean> {
	return (await sizeOf(store, descriptor.digest)) === descriptor.size;
}

/** Undefined when the store does not have it. */
export async function sizeOf(store: Store, digest: Digest): Promise<number | undefined> {
	const path = store.blobPath(digest);
	const facts = await withIo('read', path, () => ifExists(() => stat(path)));
	return facts?.isFile() === true ? facts.size : undefined;
}

function createLinkedViews(root: string, documents: Documents): (stored: string) => Promise<LinkedView | undefined> {
	const known = new Map<string, {readonly stamp: string; readonly view: LinkedView}>();
	return async stored => {
		const stamps = await Promise.all(manifestLinkFolders(root, stored).map(stampOf));
		const found = stamps.filter(stamp => stamp !== undefined);
		if (found.length === 0) {
			known.delete(stored);
			return undefined;
		}
		const stamp = found.map(({text}) => text).join(' ');
		const before = known.get(stored);
		if (before?.stamp === stamp) return before.view;
		const links = await listManifestLinks(root, stored);
		const roots = links.map(({descriptor, hidden = []}) => ({descriptor, hidden: new Set(hidden)}));
		const view = {links, roots, reach: createReach(documents, roots)};
		// A change within the same tick of the clock would not show.
		if (found.every(({settled}) => settled)) known.set(stored, {stamp, view});
		else known.delete(stored);
		return view;
	};
}
