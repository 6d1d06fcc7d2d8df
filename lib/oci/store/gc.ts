import {readdir, readFile, stat, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {hasCode} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {withLock} from '../../core/lock.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, type Digest, digestOf, isDigest} from '../digest.js';
import {walkGraph} from '../graph.js';
import {maxManifestBytes} from '../manifest.js';
import {isIndexType, isManifestType} from '../media-types.js';
import {checkDigest} from '../verify.js';
import {namesOf} from './layout.js';
import {defaultGraceMs, dropLinks, type LinkPolicy, readLinkPolicy} from './link-policy.js';
import {sweepPartials} from './partial.js';
import {linksFolder} from './repository-links.js';
import {oldestLease} from './session.js';
import {collectorLockPath, type EntryEdit, type Store} from './store.js';
import {peekReader, readStoredDocument} from './stored-document.js';

export interface CollectOptions extends OperationOptions {
	/** Forget images without a name first (default false). */
	readonly unnamed?: boolean;
	/** Forget what a registry server keeps without a tag, when it is older than `graceMs` (default: as `unnamed`). */
	readonly untagged?: boolean | undefined;
	/** What a registry server took in is left alone for so long; default one hour. */
	readonly graceMs?: number | undefined;
	/** Drop the beginnings of interrupted downloads too (default false); those under way are kept. */
	readonly partial?: boolean;
	/** Only say what would be removed. */
	readonly dryRun?: boolean | undefined;
}

export interface Collected {
	/** Images that were forgotten because they have no name. */
	readonly images: readonly Descriptor[];
	/** What a registry server kept in a repository without a tag, and no longer does. */
	readonly untagged: readonly {readonly repository: string; readonly descriptor: Descriptor}[];
	readonly blobs: readonly Digest[];
	/** Content whose download was interrupted. */
	readonly partials: readonly Digest[];
	/** Bytes on the disk of what was removed. */
	readonly freedBytes: number;
	/** Blobs kept only because some process was writing to the store. */
	readonly protectedBlobs: number;
}

/**
 * Removes content that no image of the store reaches. Referrers (artifacts whose `subject` is kept) are kept. Safe beside
 * running builds: what they have stored or met since they began is kept until they end.
 * @throws SealError ERR_MANIFEST_INVALID, ERR_CONTENT_MISSING when a named image cannot be read: then nothing is removed
 */
export async function collectGarbage(store: Store, options: CollectOptions = {}): Promise<Collected> {
	const {signal} = options;
	const forgotten: Descriptor[] = [];
	const withoutUnnamed: (entries: readonly Descriptor[]) => readonly Descriptor[] = entries => {
		if (options.unnamed !== true) return entries;
		const kept = entries.filter(entry => namesOf(entry).length > 0);
		forgotten.push(...entries.filter(entry => namesOf(entry).length === 0));
		return kept.length === entries.length ? entries : kept;
	};
	const work = async (): Promise<Collected> => {
		let result: Swept = {untagged: [], blobs: [], freedBytes: 0, protectedBlobs: 0};
		const markAndSweep: EntryEdit = async entries => {
			const startMs = Date.now();
			const policy = await readLinkPolicy(store, {
				untagged: options.untagged ?? options.unnamed === true,
				graceMs: options.graceMs ?? defaultGraceMs,
				signal,
			});
			const kept = options.dryRun === true ? withoutUnnamed(entries) : entries;
			const marked = await mark(store, kept, policy, options);
			const untagged = await dropLinks(store, policy, marked, {dryRun: options.dryRun});
			result = {untagged, ...(await sweep(store, marked, startMs, options))};
			return entries;
		};
		// Names go first, so that a crash in between leaves garbage and never a name without content.
		if (options.dryRun !== true) {
			await store.editEntries(withoutUnnamed, {signal}).catch(async (error: unknown) => {
				if (!hasCode(error, 'ERR_NO_SPACE')) throw error;
				// The names cannot be written on a full disk: what nobody names has to make room for them.
				await store.editEntries(markAndSweep, {signal});
				forgotten.length = 0;
				await store.editEntries(withoutUnnamed, {signal});
			});
		}
		const early = result;
		await store.editEntries(markAndSweep, {signal});
		result = joined(early, result);
		const {dryRun = false} = options;
		const left =
			options.partial === true ? await sweepPartials(store.root, {idleMs: 0, dryRun}) : {digests: [], freedBytes: 0};
		return {
			images: forgotten,
			...result,
			partials: left.digests,
			freedBytes: result.freedBytes + left.freedBytes,
		};
	};
	return await withLock(collectorLockPath(store.root), work, {what: `the store ${store.root}`, signal});
}

function joined(a: Swept, b: Swept): Swept {
	return {
		untagged: [...a.untagged, ...b.untagged],
		blobs: [...a.blobs, ...b.blobs],
		freedBytes: a.freedBytes + b.freedBytes,
		protectedBlobs: b.protectedBlobs,
	};
}

type Swept = Omit<Collected, 'images' | 'partials'>;

interface Blob {
	readonly digest: Digest;
	readonly path: string;
}

async function mark(
	store: Store,
	entries: readonly Descriptor[],
	policy: LinkPolicy,
	options: CollectOptions,
): Promise<ReadonlySet<Digest>> {
	const reader = peekReader(store);
	const seen = new Set<Digest>();
	const walk = async (root: Descriptor): Promise<void> => {
		for await (const node of walkGraph(reader, root, {seen, tolerant: true, signal: options.signal})) {
			if (node.document !== undefined || !isDocumentType(node.descriptor.mediaType)) continue;
			for (const document of await markUnreadable(store, node.descriptor, seen)) await walk(document);
		}
	};
	for (const entry of entries) {
		if (!(await reader.exists(entry))) await store.fetch(entry);
		await walk(entry);
	}
	for (const root of policy.roots) await walk(root);
	for (const digest of policy.uploads) seen.add(digest);
	const referrers = await findReferrers(store, seen, options);
	for (let before = -1; before < seen.size; ) {
		before = seen.size;
		for (const {descriptor, subject} of referrers) if (seen.has(subject)) await walk(descriptor);
	}
	return seen;
}

function isDocumentType(mediaType: string): boolean {
	return isIndexType(mediaType) || isManifestType(mediaType);
}

/**
 * What is named as a manifest and is none (anyone who may push can do that) is no reason to stop: every digest in its text counts as
 * named. What is damaged is one: what it names is not known. Resolves with the manifests among what it names.
 * @throws SealError ERR_CONTENT_DIGEST
 */
async function markUnreadable(store: Store, descriptor: Descriptor, seen: Set<Digest>): Promise<readonly Descriptor[]> {
	const path = store.blobPath(descriptor.digest);
	const bytes = await withIo('read', path, () =>
		ifExists(async () => ((await stat(path)).size > maxManifestBytes ? new Uint8Array() : await readFile(path))),
	);
	if (bytes === undefined || bytes.length === 0) return [];
	checkDigest(descriptor, digestOf(bytes, algorithmOf(descriptor.digest)), `the store ${store.root}`);
	const documents: Descriptor[] = [];
	for (const [digest] of Buffer.from(bytes)
		.toString('latin1')
		.matchAll(/sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})/g)) {
		if (!isDigest(digest) || seen.has(digest)) continue;
		const document = await readStoredDocument(store, digest);
		if (document === undefined) seen.add(digest);
		else documents.push(document.descriptor);
	}
	return documents;
}

/** Artifacts that point at other content, among what is not marked: read once, not once per subject. */
async function findReferrers(
	store: Store,
	marked: ReadonlySet<Digest>,
	{signal}: CollectOptions,
): Promise<readonly {readonly descriptor: Descriptor; readonly subject: Digest}[]> {
	const found: {descriptor: Descriptor; subject: Digest}[] = [];
	for await (const {digest} of listBlobs(store.root)) {
		signal?.throwIfAborted();
		const document = marked.has(digest) ? undefined : await readStoredDocument(store, digest);
		if (document !== undefined && isDigest(document.subject)) {
			found.push({descriptor: document.descriptor, subject: document.subject});
		}
	}
	return found;
}

/** Times of files come from the kernel's coarse clock, times that are set from the exact one. */
const clockSlackMs = 10;

async function sweep(
	store: Store,
	marked: ReadonlySet<Digest>,
	startMs: number,
	options: CollectOptions,
): Promise<Omit<Swept, 'untagged'>> {
	const lease = await oldestLease(store.tempDir);
	// A registry server sets the time of what it takes in: after `startMs` its links may not have been read any more.
	const serverMs = (await ifExists(() => stat(linksFolder(store.root)))) === undefined ? undefined : startMs;
	const blobs: Digest[] = [];
	let freedBytes = 0;
	let protectedBlobs = 0;
	for await (const {digest, path} of listBlobs(store.root)) {
		options.signal?.throwIfAborted();
		if (marked.has(digest)) continue;
		const facts = await withIo('read', path, () => ifExists(() => stat(path)));
		if (facts === undefined) continue;
		const isLeased = lease !== undefined && facts.mtimeMs >= lease - clockSlackMs;
		if (isLeased || (serverMs !== undefined && facts.mtimeMs >= serverMs)) {
			protectedBlobs++;
			continue;
		}
		if (options.dryRun !== true) await withIo('remove', path, () => ifExists(() => unlink(path)));
		blobs.push(digest);
		// Another name of the same file, in another store, keeps the bytes.
		if (facts.nlink === 1) freedBytes += facts.size;
	}
	return {blobs, freedBytes, protectedBlobs};
}

/** Every blob of a layout. Files with other names belong to other tools. */
async function* listBlobs(root: string): AsyncGenerator<Blob> {
	const folder = join(root, 'blobs');
	for (const algorithm of (await ifExists(() => readdir(folder))) ?? []) {
		const names = (await ifExists(() => readdir(join(folder, algorithm)))) ?? [];
		for (const name of names) {
			const digest = `${algorithm}:${name}`;
			if (isDigest(digest)) yield {digest, path: join(folder, algorithm, name)};
		}
	}
}
