import {mkdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../../core/atomic-file.js';
import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {withIo} from '../../../core/io-error.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {algorithmOf, type Digest, digestOf} from '../../../oci/digest.js';
import {privateFolder} from '../../../oci/store/layout.js';
import {withName} from '../../../oci/store/names.js';
import {type ManifestLink, writeManifestLink} from '../../../oci/store/repository-links.js';
import type {Store} from '../../../oci/store/store.js';
import {checkDigest} from '../../../oci/verify.js';
import type {NewManifest} from '../storage.js';
import {type Documents, factsOf} from './documents.js';
import type {Editor, LinkKey} from './edit.js';
import {withHidden} from './hidden.js';
import {isDocument, isPresent, type Membership} from './membership.js';
import {createReach, type Root} from './reach.js';
import type {Snapshot} from './snapshot.js';

export interface ManifestParts {
	readonly store: Store;
	readonly documents: Documents;
	readonly membership: Membership;
	readonly editor: Editor;
	readonly sync: boolean;
}

/**
 * As `RegistryStorage.putManifest`, for a repository in the store's spelling. Without tags the manifest gets a link that keeps it;
 * with tags the names keep it, and the links of what it reaches are dropped: removing the last name by `sealimage rmi` then frees all.
 */
export async function putManifest(
	parts: ManifestParts,
	stored: string,
	manifest: NewManifest,
	tags: readonly string[],
	{signal}: Abortable = {},
): Promise<readonly Descriptor[]> {
	const {mediaType, digest, bytes} = manifest;
	const descriptor: Descriptor = {mediaType, digest, size: bytes.length};
	checkDigest(descriptor, digestOf(bytes, algorithmOf(digest)), 'the request');
	const facts = factsOf(descriptor, bytes);
	if (facts === undefined && isDocument(descriptor)) throw notAManifest(digest);
	const change = async (snapshot: Snapshot) => {
		const needed = [...manifest.blobs, ...manifest.manifests];
		const missing = await findMissing(parts, snapshot, stored, needed);
		if (missing.length > 0) return {result: missing};
		await placeManifest(parts, descriptor, bytes);
		const hidden = await findHidden(parts, snapshot, stored, descriptor);
		const root: Root = {descriptor, hidden: new Set(hidden)};
		if (tags.length === 0) {
			await keepWithoutTag(parts, snapshot, stored, root, facts?.referrer?.subject);
			return {result: []};
		}
		const entries = await moveTags(parts, snapshot, stored, root, tags);
		return {result: [], entries, drops: await redundantLinks(parts, stored, root)};
	};
	return await parts.editor.edit(change, {signal});
}

/** The manifest keeps its place in the repository when a name goes: a link for it, written before the name is gone. */
export async function linkRoot(parts: ManifestParts, stored: string, {descriptor, hidden}: Root): Promise<void> {
	const facts = await parts.documents.facts(descriptor);
	await writeLink(parts, {repository: stored, descriptor, subject: facts?.referrer?.subject, hidden: [...hidden]});
}

/** Writes a manifest link as a part of a change. */
export async function writeLink(parts: ManifestParts, link: Omit<ManifestLink, 'pushedMs'>): Promise<void> {
	await writeManifestLink(parts.store.root, link, {sync: parts.sync});
	parts.editor.note({kind: 'manifest', repository: link.repository, digest: link.descriptor.digest});
}

async function findMissing(
	{store, membership}: ManifestParts,
	snapshot: Snapshot,
	stored: string,
	needed: readonly Descriptor[],
): Promise<readonly Descriptor[]> {
	const missing: Descriptor[] = [];
	for (const descriptor of new Map(needed.map(each => [each.digest, each])).values()) {
		const isMember =
			(await membership.find(snapshot, stored, descriptor.digest)) !== undefined ||
			(await membership.findManifest(snapshot, stored, descriptor.digest)) !== undefined;
		if (!isMember || !(await isPresent(store, descriptor))) missing.push(descriptor);
	}
	return missing;
}

/**
 * What the manifest reaches and the repository has no right to: layers that are distributed elsewhere, and whatever the server
 * did not ask for. It must not become readable when another repository brings it in.
 * @throws SealError ERR_MANIFEST_INVALID when it names as a manifest what is none: the collector could not follow it
 */
async function findHidden(
	{store, documents, membership}: ManifestParts,
	snapshot: Snapshot,
	stored: string,
	descriptor: Descriptor,
): Promise<readonly Digest[]> {
	const {content} = await createReach(documents, [{descriptor, hidden: new Set()}])();
	const hidden: Digest[] = [];
	for (const [digest, reached] of content) {
		if (digest === descriptor.digest) continue;
		if (isDocument(reached) && (await documents.facts(reached)) === undefined && (await isPresent(store, reached))) {
			throw notAManifest(digest);
		}
		const isMember =
			(await membership.find(snapshot, stored, digest)) !== undefined ||
			(await membership.findManifest(snapshot, stored, digest)) !== undefined;
		if (!isMember) hidden.push(digest);
	}
	return hidden;
}

/** Written beside and renamed under the lock: a collector sees it together with what keeps it. */
async function placeManifest(
	{store, documents, sync}: ManifestParts,
	descriptor: Descriptor,
	bytes: Uint8Array,
): Promise<void> {
	const isThere = (await isPresent(store, descriptor)) && (await documents.bytes(descriptor)) !== undefined;
	if (isThere) return;
	const path = store.blobPath(descriptor.digest);
	await withIo('store', path, async () => {
		await mkdir(dirname(path), {recursive: true});
		await writeFileAtomic(path, bytes, {sync, mode: 0o444, tempDir: join(store.root, privateFolder)});
	});
}

async function keepWithoutTag(
	parts: ManifestParts,
	snapshot: Snapshot,
	stored: string,
	root: Root,
	subject: Digest | undefined,
): Promise<void> {
	const {descriptor, hidden} = root;
	const named = await snapshot.repositories.get(stored)?.reach();
	if (named?.content.has(descriptor.digest) === true && isDocument(descriptor)) return;
	await writeLink(parts, {repository: stored, descriptor, subject, hidden: [...hidden]});
}

/** What a tag pointed to before stays in the repository, as registries have it: only the tag moves. */
async function moveTags(
	parts: ManifestParts,
	snapshot: Snapshot,
	stored: string,
	root: Root,
	tags: readonly string[],
): Promise<readonly Descriptor[]> {
	const view = snapshot.repositories.get(stored);
	for (const left of view?.roots ?? []) {
		const {digest} = left.descriptor;
		const names = [...(view?.tags ?? [])].filter(([, target]) => target.digest === digest).map(([tag]) => tag);
		const isLeft = names.length > 0 && digest !== root.descriptor.digest && names.every(tag => tags.includes(tag));
		if (isLeft) await linkRoot(parts, stored, left);
	}
	let entries = snapshot.index.manifests;
	for (const tag of tags) {
		const moved = withName(entries, `${stored}:${tag}`, root.descriptor);
		entries = moved.map((entry, i) => (i === moved.length - 1 ? withHidden(entry, root.hidden) : entry));
	}
	return entries;
}

/** What a name keeps needs no link: else its content would outlive the removal of the name by another process. */
async function redundantLinks(parts: ManifestParts, repository: string, root: Root): Promise<readonly LinkKey[]> {
	const {content} = await createReach(parts.documents, [root])();
	return [...content.values()].flatMap(descriptor => {
		const {digest} = descriptor;
		const isManifest = digest === root.descriptor.digest || isDocument(descriptor);
		const blob = {kind: 'blob', repository, digest} as const;
		return isManifest ? [{kind: 'manifest', repository, digest} as const, blob] : [blob];
	});
}

function notAManifest(digest: Digest): SealError {
	return new SealError('ERR_MANIFEST_INVALID', `${digest} is named as a manifest and is none`, {
		details: {digest},
	});
}
