import {join, resolve as resolvePath} from 'node:path';
import {sweepBeside} from '../../core/atomic-file.js';
import type {Abortable, OperationOptions} from '../../core/events.js';
import {withLock} from '../../core/lock.js';
import {mapBounded} from '../../core/pool.js';
import {sweepTempDirs} from '../../core/temp-dir.js';
import type {
	BlobAdopter,
	BlobFiles,
	ContentReader,
	ImageSink,
	ImageSource,
	Ingester,
	ResumableSink,
} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import type {Digest} from '../digest.js';
import {type ImageFacts, imageFacts} from '../image.js';
import type {Platform} from '../platform.js';
import {normalizeReference} from '../reference.js';
import {missingContent} from '../verify.js';
import {type BlobFolder, createBlobFolder} from './blobs.js';
import {lockPath, namesOf, openLayout, privateFolder, readIndex, withoutName, writeIndex} from './layout.js';
import {
	ambiguousPrefix,
	digestInReference,
	findByName,
	findByPrefix,
	unknownImage,
	withName,
	withoutEntry,
	withUnnamed,
} from './names.js';
import {partialAgeMs, sweepPartials} from './partial.js';
import {createSession} from './session.js';
import {peekReader, readStoredDocument} from './stored-document.js';

export interface StoreOptions extends OperationOptions {
	/** `full` (default) survives a power cut: what a name reaches is on the disk before the name is. `none` survives kill -9 only. */
	readonly durability?: 'full' | 'none';
	/** How long to wait for another process that holds the store; default 30 s. */
	readonly lockTimeoutMs?: number;
	/** Make the folder when there is none (default true). */
	readonly create?: boolean;
}

/** One image of the store with everything a listing shows. */
export interface StoredImage {
	/** Full normalised references, sorted; empty when the image is stored without a name. */
	readonly names: readonly string[];
	readonly descriptor: Descriptor;
	/** Newest `created` of its configs; undefined when none says. */
	readonly created?: string;
	/** Bytes of manifests, configs and layers, each blob counted once. */
	readonly sizeBytes: number;
	readonly platforms: readonly Platform[];
	/** Why the facts are incomplete: content is missing or damaged. */
	readonly damage?: string;
}

export interface ListOptions extends Abortable {
	/** Read manifests and configs for `created`, `sizeBytes` and `platforms` (default true); false reads index.json only. */
	readonly facts?: boolean;
}

/** Given the entries of `index.json`, gives the new ones. May look at the disk: the store is locked meanwhile. */
export type EntryEdit = (entries: readonly Descriptor[]) => readonly Descriptor[] | Promise<readonly Descriptor[]>;

/**
 * Images on disk: an OCI image layout that other tools read as it is. Names are stored in docker's normalised form.
 * `resolve` takes a name, name@digest, a digest, or six or more leading digits of one.
 */
export interface Store extends ImageSource, ImageSink, ResumableSink, Ingester, BlobFiles, BlobAdopter {
	readonly root: string;
	/** For derived data that may be deleted at any time. */
	readonly cacheDir: string;
	/** On the same file system as the blobs; what dead processes left there is swept when the store is opened. */
	readonly tempDir: string;
	/** As `Tagger.tag`; a digest in place of a name keeps the content without a name. */
	tag(reference: string, descriptor: Descriptor, options?: Abortable): Promise<void>;
	/** Sorted by name; images without a name last. */
	list(options?: ListOptions): Promise<readonly StoredImage[]>;
	/**
	 * Rewrites the entries of `index.json` under the lock, as `tag` and `untag` do; what `edit` returns is written unless it
	 * is the same list.
	 */
	editEntries(edit: EntryEdit, options?: Abortable): Promise<void>;
	/** Removes one name; content stays until it is collected. Resolves with what it pointed to. @throws SealError ERR_IMAGE_UNKNOWN */
	untag(reference: string, options?: Abortable): Promise<Descriptor>;
	/** Ends the protection of unnamed content that this store wrote. The end of the process does it too. */
	close(): Promise<void>;
}

/**
 * Opens the store at `root`, making it when it is missing.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_PERMISSION, ERR_IO
 */
export async function openStore(root: string, options: StoreOptions = {}): Promise<Store> {
	const path = resolvePath(root);
	options.signal?.throwIfAborted();
	await openLayout(path, {
		create: options.create ?? true,
		lockTimeoutMs: options.lockTimeoutMs,
		signal: options.signal,
	});
	const tempDir = join(path, privateFolder, 'tmp');
	await sweepTempDirs(tempDir);
	await sweepBeside(join(path, privateFolder));
	// What cannot be removed now is tried again by the next one.
	await sweepPartials(path, {idleMs: partialAgeMs}).catch(() => undefined);
	const session = createSession(tempDir);
	const name = `the store ${path}`;
	const blobs = createBlobFolder({
		root: path,
		name,
		session,
		collectorLock: collectorLockPath(path),
		lockTimeoutMs: options.lockTimeoutMs,
		flushEarly: options.durability !== 'none',
	});
	return createStore({root: path, name, tempDir, blobs, options});
}

/** The lock that a collector holds from before it looks at the names until it has removed the last blob. */
export function collectorLockPath(root: string): string {
	return join(root, privateFolder, 'collector');
}

interface Parts {
	readonly root: string;
	readonly name: string;
	readonly tempDir: string;
	readonly blobs: BlobFolder;
	readonly options: StoreOptions;
}

function createStore(parts: Parts): Store {
	const {root, name, tempDir, blobs, options} = parts;
	const cacheDir = join(root, privateFolder, 'cache');
	const factsByDigest = new Map<Digest, ImageFacts>();
	const entriesOf = async (): Promise<readonly Descriptor[]> => (await readIndex(root)).manifests;

	const editEntries: Store['editEntries'] = async (edit, {signal} = {}) => {
		const sync = options.durability !== 'none';
		if (sync) await blobs.sync();
		const change = async (): Promise<void> => {
			const index = await readIndex(root);
			const manifests = await edit(index.manifests);
			if (manifests === index.manifests) return;
			// No session: a lease would keep the collector from whatever a long-lived process stores.
			await writeIndex(root, {...index, manifests}, {sync, tempDir: join(root, privateFolder)});
		};
		const {lockTimeoutMs: timeoutMs} = options;
		await withLock(lockPath(root), change, {what: name, signal, ...(timeoutMs === undefined ? {} : {timeoutMs})});
	};

	return {
		root,
		cacheDir,
		tempDir,
		fetch: blobs.fetch,
		exists: blobs.exists,
		push: blobs.push,
		pushFrom: blobs.pushFrom,
		ingest: blobs.ingest,
		adopt: blobs.adopt,
		blobPath: blobs.blobPath,
		editEntries,
		async resolve(reference, {signal} = {}) {
			signal?.throwIfAborted();
			return await resolveIn(await entriesOf(), reference, blobs, name);
		},
		async tag(reference, descriptor, {signal} = {}) {
			const full = nameFor(reference, descriptor);
			// Renewed before the lock is taken: a collector holds its own lock while it waits for this one.
			await blobs.exists(descriptor, {signal});
			const edit: EntryEdit = async entries => {
				if (!(await blobs.peek(descriptor))) throw missingContent(descriptor, name);
				return full === undefined ? withUnnamed(entries, descriptor) : withName(entries, full, descriptor);
			};
			await editEntries(edit, {signal});
		},
		async untag(reference, {signal} = {}) {
			let found: Descriptor | undefined;
			const edit: EntryEdit = entries => {
				found = findByName(entries, reference);
				if (found === undefined) throw unknownImage(reference, name, entries);
				return withoutEntry(entries, reference);
			};
			await editEntries(edit, {signal});
			return withoutName(found!);
		},
		async list({facts = true, signal} = {}) {
			const reader = peekReader(blobs);
			const images = groupByDigest(await entriesOf());
			if (!facts) return images;
			return await mapBounded(images, 16, image => withFacts(image, reader, factsByDigest, signal), {signal});
		},
		close: blobs.close,
	};
}

/**
 * The name to store, or undefined for none: a digest alone names nothing, and a name with the digest of something else
 * (the index that one platform was taken from) would lie.
 */
function nameFor(reference: string, descriptor: Descriptor): string | undefined {
	const digest = digestInReference(reference);
	if (digest === undefined) return normalizeReference(reference);
	return digest === descriptor.digest && reference !== digest ? normalizeReference(reference) : undefined;
}

async function resolveIn(
	entries: readonly Descriptor[],
	reference: string,
	blobs: BlobFolder,
	where: string,
): Promise<Descriptor> {
	const digest = digestInReference(reference);
	if (digest !== undefined) {
		const found =
			entries.find(entry => entry.digest === digest) ?? (await readStoredDocument(blobs, digest))?.descriptor;
		if (found === undefined) throw unknownImage(reference, where, entries);
		return withoutName(found);
	}
	const named = findByName(entries, reference);
	if (named !== undefined) return withoutName(named);
	const candidates = findByPrefix(entries, reference);
	if (candidates.length > 1) throw ambiguousPrefix(reference, where, candidates);
	if (candidates[0] !== undefined) return withoutName(candidates[0]);
	if (!/^[0-9a-f]{64}$/.test(reference)) normalizeReference(reference);
	throw unknownImage(reference, where, entries);
}

function groupByDigest(entries: readonly Descriptor[]): readonly StoredImage[] {
	const groups = new Map<Digest, {descriptor: Descriptor; names: Set<string>}>();
	for (const entry of entries) {
		const group = groups.get(entry.digest) ?? {descriptor: withoutName(entry), names: new Set()};
		const [first] = namesOf(entry);
		if (first !== undefined) group.names.add(first);
		groups.set(entry.digest, group);
	}
	const images = [...groups.values()].map(({descriptor, names}) => ({
		descriptor,
		names: [...names].toSorted(),
		sizeBytes: descriptor.size,
		platforms: [],
	}));
	return images.toSorted((a, b) => compareNames(a.names[0], b.names[0]));
}

function compareNames(a: string | undefined, b: string | undefined): number {
	if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
	return a < b ? -1 : Number(a > b);
}

async function withFacts(
	image: StoredImage,
	reader: ContentReader,
	known: Map<Digest, ImageFacts>,
	signal: AbortSignal | undefined,
): Promise<StoredImage> {
	signal?.throwIfAborted();
	try {
		const facts = known.get(image.descriptor.digest) ?? (await imageFacts(reader, image.descriptor, {signal}));
		known.set(image.descriptor.digest, facts);
		return {...image, ...facts};
	} catch (error) {
		signal?.throwIfAborted();
		return {...image, damage: (error as Error).message};
	}
}
