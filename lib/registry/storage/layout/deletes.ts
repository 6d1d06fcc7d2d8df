import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {namesOf} from '../../../oci/store/layout.js';
import {withoutEntry} from '../../../oci/store/names.js';
import {writeBlobLink} from '../../../oci/store/repository-links.js';
import type {LinkKey} from './edit.js';
import {hiddenOf, withHidden} from './hidden.js';
import {linkRoot, type ManifestParts, writeLink} from './manifests.js';
import {isDocument, isPresent} from './membership.js';
import {createNameReader} from './names.js';
import {createReach, type Root} from './reach.js';
import type {Snapshot} from './snapshot.js';

/** As `RegistryStorage.deleteTag`: what the tag pointed to stays in the repository. */
export async function deleteTag(parts: ManifestParts, stored: string, tag: string): Promise<boolean> {
	return await parts.editor.edit(async snapshot => {
		const view = snapshot.repositories.get(stored);
		const target = view?.tags.get(tag);
		if (view === undefined || target === undefined) return {result: false};
		const root = view.roots.find(({descriptor}) => descriptor.digest === target.digest);
		if (root !== undefined) await linkRoot(parts, stored, root);
		const entries = withoutEntry(snapshot.index.manifests, `${stored}:${tag}`);
		const still = entries.some(entry => entry.digest === target.digest && isOf(entry, stored));
		const drops: readonly LinkKey[] = still ? [{kind: 'manifest', repository: stored, digest: target.digest}] : [];
		return {result: true, entries, drops};
	});
}

/**
 * As `RegistryStorage.deleteManifest`. What it names stays in the repository, as registries have it: its children as manifests
 * without a tag, its blobs as if they had just been uploaded, so that a push under way that has counted on them goes through.
 */
export async function deleteManifest(parts: ManifestParts, stored: string, digest: Digest): Promise<boolean> {
	const {store, documents, membership} = parts;
	return await parts.editor.edit(async snapshot => {
		const descriptor = await membership.findManifest(snapshot, stored, digest);
		if (descriptor === undefined) return {result: false};
		const hidden = (await membership.roots(snapshot, stored)).find(root => root.descriptor.digest === digest)?.hidden;
		for (const child of (await documents.facts(descriptor))?.children ?? []) {
			if (hidden?.has(child.digest) === true || !(await isPresent(store, child))) continue;
			if (isDocument(child)) await linkRoot(parts, stored, {descriptor: child, hidden: hidden ?? new Set()});
			else {
				await writeBlobLink(store.root, stored, child.digest);
				parts.editor.note({kind: 'blob', repository: stored, digest: child.digest});
			}
		}
		const kept = snapshot.index.manifests.filter(entry => entry.digest !== digest || !isOf(entry, stored));
		const entries = await hideIn(parts, snapshot, kept, stored, digest);
		return {result: true, entries, drops: [{kind: 'manifest', repository: stored, digest}]};
	});
}

/** As `RegistryStorage.deleteBlob`. A blob that manifests of the repository name is hidden there until it is pushed again. */
export async function deleteBlob(parts: ManifestParts, stored: string, digest: Digest): Promise<boolean> {
	const {membership} = parts;
	return await parts.editor.edit(async snapshot => {
		const member = await membership.find(snapshot, stored, digest);
		if (member === undefined) return {result: false};
		const entries = await hideIn(parts, snapshot, snapshot.index.manifests, stored, digest);
		return {result: true, entries, drops: [{kind: 'blob', repository: stored, digest}]};
	});
}

/** Shows content again that was deleted here, when it is pushed or mounted anew. */
export async function showAgain(
	parts: ManifestParts,
	snapshot: Snapshot,
	stored: string,
	digest: Digest,
): Promise<void> {
	const roots = await parts.membership.roots(snapshot, stored);
	if (!roots.some(root => root.hidden.has(digest))) return;
	await parts.editor.edit(async current => {
		const linked = (await parts.membership.linked(stored))?.roots ?? [];
		for (const root of linked.filter(({hidden}) => hidden.has(digest))) {
			await linkRoot(parts, stored, {...root, hidden: without(root.hidden, digest)});
		}
		const entries = current.index.manifests.map(entry =>
			isOf(entry, stored) && hiddenOf(entry).includes(digest)
				? withHidden(entry, without(hiddenOf(entry), digest))
				: entry,
		);
		return {result: undefined, entries};
	});
}

/** Every other manifest of the repository that reaches the content no longer shows it. */
async function hideIn(
	parts: ManifestParts,
	snapshot: Snapshot,
	entries: readonly Descriptor[],
	stored: string,
	digest: Digest,
): Promise<readonly Descriptor[]> {
	const reaches = async ({descriptor, hidden}: Root): Promise<boolean> => {
		if (descriptor.digest === digest) return false;
		return (await createReach(parts.documents, [{descriptor, hidden}])()).content.has(digest);
	};
	for (const link of (await parts.membership.linked(stored))?.links ?? []) {
		const hidden = new Set(link.hidden);
		if (!(await reaches({descriptor: link.descriptor, hidden}))) continue;
		await writeLink(parts, {...link, hidden: [...hidden, digest]});
	}
	const reaching = new Set<Digest>();
	for (const root of snapshot.repositories.get(stored)?.roots ?? []) {
		if (await reaches(root)) reaching.add(root.descriptor.digest);
	}
	return entries.map(entry =>
		reaching.has(entry.digest) && isOf(entry, stored) ? withHidden(entry, [...hiddenOf(entry), digest]) : entry,
	);
}

const readName = createNameReader();

function isOf(entry: Descriptor, stored: string): boolean {
	const [name] = namesOf(entry);
	return name !== undefined && readName(name)?.repository === stored;
}

function without<T>(items: Iterable<T>, item: T): Set<T> {
	return new Set([...items].filter(candidate => candidate !== item));
}
