import {stat} from 'node:fs/promises';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import type {BlobFiles} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import type {Digest} from '../digest.js';
import {
	type BlobLink,
	listBlobLinks,
	listLinkedRepositories,
	listManifestLinks,
	type ManifestLink,
	removeBlobLink,
	removeEmptyLinkFolders,
	removeManifestLink,
} from './repository-links.js';
import type {Store} from './store.js';

/** How long what was uploaded, and what has no tag, is left alone: a push of a large image may take that long. */
export const defaultGraceMs = 60 * 60_000;

/** What registry servers have noted about the content of a store, sorted by what a collector makes of it. */
export interface LinkPolicy {
	/** All that have links, or had some. */
	readonly repositories: readonly string[];
	/** Manifests without a name that are kept. */
	readonly roots: readonly Descriptor[];
	/** Uploads that a manifest may yet name. */
	readonly uploads: readonly Digest[];
	/** Kept when their subject is. */
	readonly referrers: readonly ManifestLink[];
	/** Manifests without a name that are given up. */
	readonly untagged: readonly ManifestLink[];
	/** Uploads that a manifest keeps by now, or that were forgotten. */
	readonly spent: readonly BlobLink[];
}

export interface LinkPolicyOptions extends Abortable {
	/** Give up manifests without a name. */
	readonly untagged: boolean;
	/** Nothing younger than this is given up. */
	readonly graceMs: number;
}

/** Reads the links of all repositories. */
export async function readLinkPolicy(
	store: Store,
	{untagged, graceMs, signal}: LinkPolicyOptions,
): Promise<LinkPolicy> {
	const since = Date.now() - graceMs;
	const policy = {
		repositories: [] as string[],
		roots: [] as Descriptor[],
		uploads: [] as Digest[],
		referrers: [] as ManifestLink[],
		untagged: [] as ManifestLink[],
		spent: [] as BlobLink[],
	};
	for await (const repository of listLinkedRepositories(store.root)) {
		signal?.throwIfAborted();
		policy.repositories.push(repository);
		for (const link of await listManifestLinks(store.root, repository)) {
			if (link.pushedMs > since) policy.roots.push(link.descriptor);
			else if (link.subject !== undefined && (await hasContent(store, link.subject))) policy.referrers.push(link);
			else if (untagged) policy.untagged.push(link);
			else policy.roots.push(link.descriptor);
		}
		for (const link of await listBlobLinks(store.root, repository)) {
			if (link.pushedMs > since) policy.uploads.push(link.digest);
			else policy.spent.push(link);
		}
	}
	return policy;
}

/** Removes links that are given up, and referrers' links whose manifest goes. Before the content: a crash leaves garbage only. */
export async function dropLinks(
	store: Store,
	policy: LinkPolicy,
	kept: ReadonlySet<Digest>,
	options: {readonly dryRun?: boolean | undefined},
): Promise<readonly ManifestLink[]> {
	const gone = [...policy.untagged, ...policy.referrers.filter(link => !kept.has(link.descriptor.digest))];
	if (options.dryRun === true) return gone;
	for (const {repository, descriptor} of gone) await removeManifestLink(store.root, repository, descriptor.digest);
	for (const {repository, digest} of policy.spent) await removeBlobLink(store.root, repository, digest);
	for (const repository of policy.repositories) await removeEmptyLinkFolders(store.root, repository);
	return gone;
}

async function hasContent(store: BlobFiles, digest: Digest): Promise<boolean> {
	const path = store.blobPath(digest);
	return (await withIo('read', path, () => ifExists(() => stat(path)))) !== undefined;
}
