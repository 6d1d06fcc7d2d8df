import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {algorithmOf, type Digest, digestOf} from '../../oci/digest.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import {readRegular, statRegular} from '../storage/stock/files.js';
import type {StockFolder} from '../storage/stock/folder.js';
import type {Links} from '../storage/stock/links.js';
import {blobFile, repositoryFolder, revisionsFolder, tagLink} from '../storage/stock/paths.js';
import {type References, referencesOf} from '../storage/stock/references.js';
import type {RegistryStorage} from '../storage/storage.js';
import {type LinkFile, listLinks} from './stock-files.js';

/** What a collector found in a registry's folder. */
export interface StockMark {
	/** Content that is needed. */
	readonly kept: ReadonlySet<Digest>;
	/** Manifests that are given up. */
	readonly untagged: readonly (LinkFile & {readonly repository: string})[];
	/** Links to blobs that no manifest of their repository names. */
	readonly stale: readonly LinkFile[];
}

export interface MarkOptions extends Abortable {
	readonly untagged: boolean;
	/** What has a later time is kept. */
	readonly sinceMs: number;
}

/**
 * Finds what is needed: the manifests of every repository with all they name. Without a tag they are kept too, unless `untagged`;
 * then children of a kept index and referrers of kept manifests stay, and what is young.
 * @throws SealError ERR_STORE_DAMAGED when a manifest that is kept cannot be read: what it names is not known then;
 * ERR_UNSAFE_PATH when a repository lies behind a symbolic link, where it is not looked for
 */
export async function markStock(
	folder: StockFolder,
	storage: RegistryStorage,
	links: Links,
	options: MarkOptions,
): Promise<StockMark> {
	const read = createReader(folder);
	const kept = new Set<Digest>();
	const untagged: (LinkFile & {repository: string})[] = [];
	const stale: LinkFile[] = [];
	await refuseSymbolicLinks(join(folder.base, 'repositories'));
	for (const repository of await storage.repositories({})) {
		options.signal?.throwIfAborted();
		const revisions = await listLinks(join(folder.base, revisionsFolder(repository)));
		const tagged = new Set<Digest>();
		for (const tag of (await storage.tags(repository, {})) ?? []) {
			const digest = await links.read(join(folder.base, tagLink(repository, tag)), 'moving');
			if (digest !== undefined) tagged.add(digest);
		}
		const targets = await targetsOf(revisions, links);
		const readHere: Reader = digest => read(targets.get(digest) ?? digest);
		const found = await markRepository({repository, revisions, tagged, read: readHere, options});
		for (const digest of [...found.manifests, ...found.blobs]) kept.add(digest);
		for (const link of revisions) {
			if (!found.manifests.has(link.digest)) untagged.push({...link, repository});
			else kept.add(targets.get(link.digest) ?? link.digest);
		}
		for (const link of await listLinks(join(folder.base, repositoryFolder(repository), '_layers'))) {
			const isNeeded = found.blobs.has(link.digest) || link.facts.mtimeMs >= options.sinceMs;
			if (!isNeeded) {
				stale.push(link);
				continue;
			}
			kept.add(link.digest);
			if (algorithmOf(link.digest) === 'sha512') kept.add((await links.read(link.path, 'fixed')) ?? link.digest);
		}
	}
	return {kept, untagged, stale};
}

/** The stock server follows them: what a repository behind one needs would be taken for garbage. */
async function refuseSymbolicLinks(folder: string): Promise<void> {
	const queue = [folder];
	for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
		const path = next;
		for (const entry of (await withIo('list', path, () => ifExists(() => readdir(path, {withFileTypes: true})))) ??
			[]) {
			if (entry.isSymbolicLink()) {
				throw new SealError('ERR_UNSAFE_PATH', `${join(path, entry.name)} is a symbolic link: nothing was removed`, {
					hint: 'Put a plain folder there: links inside a registry folder are not followed.',
					details: {path: join(path, entry.name)},
				});
			}
			if (entry.isDirectory() && !entry.name.startsWith('_')) queue.push(join(path, entry.name));
		}
	}
}

/** Where links lead that lead elsewhere: the stock server stores sha512 content under sha256. */
async function targetsOf(revisions: readonly LinkFile[], links: Links): Promise<ReadonlyMap<Digest, Digest>> {
	const targets = new Map<Digest, Digest>();
	for (const {digest, path} of revisions) {
		if (algorithmOf(digest) === 'sha512') targets.set(digest, (await links.read(path, 'fixed')) ?? digest);
	}
	return targets;
}

interface Repository {
	readonly repository: string;
	readonly revisions: readonly LinkFile[];
	readonly tagged: ReadonlySet<Digest>;
	readonly read: Reader;
	readonly options: MarkOptions;
}

async function markRepository({
	repository,
	revisions,
	tagged,
	read,
	options,
}: Repository): Promise<{readonly manifests: ReadonlySet<Digest>; readonly blobs: ReadonlySet<Digest>}> {
	const manifests = new Set<Digest>();
	const blobs = new Set<Digest>();
	const keep = async (root: Digest): Promise<void> => {
		const queue = [root];
		for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
			if (manifests.has(next)) continue;
			manifests.add(next);
			const references = await read(next);
			if (references === undefined && tagged.has(next)) throw missing(repository, next);
			for (const digest of references?.blobs ?? []) blobs.add(digest);
			queue.push(...(references?.manifests ?? []));
		}
	};
	for (const digest of tagged) await keep(digest);
	const rest: LinkFile[] = [];
	for (const link of revisions) {
		if (!options.untagged || link.facts.mtimeMs >= options.sinceMs) await keep(link.digest);
		else rest.push(link);
	}
	for (let before = -1; before < manifests.size; ) {
		before = manifests.size;
		for (const {digest} of rest) {
			const subject = manifests.has(digest) ? undefined : (await read(digest))?.subject;
			if (subject !== undefined && manifests.has(subject)) await keep(digest);
		}
	}
	return {manifests, blobs};
}

type Reader = (digest: Digest) => Promise<References | undefined>;

/**
 * Each manifest is read once, however many repositories have it. Undefined when it is not there. What has the right digest and is no
 * manifest, or too long for one, names nothing: anyone who may push can make an index of such.
 */
function createReader(folder: StockFolder): Reader {
	const known = new Map<Digest, References | undefined>();
	const read = async (digest: Digest): Promise<References | undefined> => {
		const path = join(folder.base, blobFile(digest));
		const facts = await statRegular(path);
		if (facts === undefined) return undefined;
		if (facts.sizeBytes > maxManifestBytes) return nothing;
		const found = await readRegular(path, maxManifestBytes);
		if (found === undefined) return undefined;
		if (digestOf(found.bytes, algorithmOf(digest)) !== digest) throw damaged(path, digest);
		return referencesOf(found.bytes) ?? nothing;
	};
	return async digest => {
		if (!known.has(digest)) known.set(digest, await read(digest));
		return known.get(digest);
	};
}

const nothing: References = {blobs: [], manifests: [], subject: undefined};

function damaged(path: string, digest: Digest): SealError {
	return new SealError('ERR_STORE_DAMAGED', `The manifest ${digest} is damaged: what it names is not known`, {
		hint: 'Mend it with "sealimage registry verify --repair-from", or delete it; nothing was removed.',
		details: {path, digest},
	});
}

function missing(repository: string, digest: Digest): SealError {
	return new SealError('ERR_STORE_DAMAGED', `A tag of ${repository} points at ${digest}, which is not there`, {
		hint: 'Mend it with "sealimage registry verify --repair-from", or delete it; nothing was removed.',
		details: {repository, digest},
	});
}
