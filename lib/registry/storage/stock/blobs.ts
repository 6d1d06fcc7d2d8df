import {utimes} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bytes} from '../../../core/bytes.js';
import {withIo} from '../../../core/io-error.js';
import type {Digest} from '../../../oci/digest.js';
import {readFileRange} from '../../../oci/verify.js';
import type {StoredBlob} from '../storage.js';
import {keepFiles} from './collector.js';
import {checkInside, type FileFacts, statRegular} from './files.js';
import type {StockFolder} from './folder.js';
import type {Links} from './links.js';
import {createLru} from './lru.js';
import {blobFile, layerLink} from './paths.js';
import {putLink} from './put-link.js';
import type {PutOptions, Writer} from './writer.js';

/** The blobs of a registry's folder, which all repositories share, and the links that make them usable in one. */
export interface Blobs {
	path(digest: Digest): string;
	/** Facts of a blob's file; undefined when there is none. At most a second old. */
	facts(digest: Digest): Promise<FileFacts | undefined>;
	/** A blob that may be read in this repository. */
	find(repository: string, digest: Digest): Promise<StoredBlob | undefined>;
	/** Whether a repository has a blob, of this size when it is given. */
	has(repository: string, blob: {readonly digest: Digest; readonly size?: number}): Promise<boolean>;
	/** Takes a verified file that is on the same file system as a blob. It is dropped when the blob is there already. */
	place(
		digest: Digest,
		file: {readonly path: string; readonly sizeBytes: number; readonly touchedMs?: number},
		options?: PutOptions,
	): Promise<void>;
	/** Tells collectors that a blob is wanted again: if it is there afterwards, it stays. */
	renew(digest: Digest): Promise<void>;
	/** The files that a blob of a repository consists of. */
	files(repository: string, digest: Digest): Promise<readonly string[]>;
	/** What was known of a blob of a repository is looked up anew. */
	forget(repository: string, digest: Digest): void;
	/** Writes a small blob. */
	write(digest: Digest, bytes: Uint8Array): Promise<void>;
	/** Makes a blob readable in a repository. */
	link(repository: string, digest: Digest, options?: PutOptions): Promise<void>;
	unlink(repository: string, digest: Digest): Promise<boolean>;
}

export function createBlobs(folder: StockFolder, links: Links, writer: Writer): Blobs {
	const path = (digest: Digest): string => join(folder.base, blobFile(digest));
	const linkPath = (repository: string, digest: Digest): string => join(folder.base, layerLink(repository, digest));
	const {facts, forget} = createFacts(path);

	const find = async (repository: string, digest: Digest): Promise<StoredBlob | undefined> => {
		// The stock server stores a blob under sha256 and lets links of other digests point there.
		const target = await links.read(linkPath(repository, digest), 'fixed');
		const found = target === undefined ? undefined : await facts(target);
		return target === undefined || found === undefined ? undefined : storedBlob(digest, path(target), found.sizeBytes);
	};
	/** A blob that is there may be garbage that a collector is about to take: its time says that it is wanted again. */
	const renew = async (digest: Digest): Promise<void> => {
		await keepFiles(folder, [path(digest)]);
		forget(digest);
	};
	const isThere = async (digest: Digest, sizeBytes: number): Promise<boolean> => {
		forget(digest);
		if ((await facts(digest))?.sizeBytes !== sizeBytes) return false;
		await renew(digest);
		return (await facts(digest))?.sizeBytes === sizeBytes;
	};
	return {
		path,
		facts,
		find,
		renew,
		async files(repository, digest) {
			const target = await links.read(linkPath(repository, digest), 'fixed').catch(() => undefined);
			return [path(target ?? digest), linkPath(repository, digest)];
		},
		forget(repository, digest) {
			forget(digest);
			links.forget(linkPath(repository, digest));
		},
		async has(repository, {digest, size}) {
			const found = await find(repository, digest);
			return found !== undefined && (size === undefined || found.sizeBytes === size);
		},
		async place(digest, file, options) {
			if (await isThere(digest, file.sizeBytes)) {
				await writer.remove(file.path);
				return;
			}
			// An upload may have waited for long: its age counts from now.
			const now = new Date();
			if (now.getTime() - (file.touchedMs ?? 0) > youngMs)
				await withIo('renew the time of', file.path, () => utimes(file.path, now, now));
			await writer.move(file.path, path(digest), options);
			forget(digest);
		},
		async write(digest, bytes) {
			await writer.write(path(digest), bytes);
			forget(digest);
		},
		async link(repository, digest, options) {
			await putLink({folder, links, writer}, linkPath(repository, digest), digest, path(digest), options);
			forget(digest);
		},
		async unlink(repository, digest) {
			const target = linkPath(repository, digest);
			links.forget(target);
			const removed = await writer.remove(target);
			links.forget(target);
			if (removed) await writer.prune(join(target, '..'), join(target, '../..'));
			return removed;
		},
	};
}

/** Facts of blobs, remembered for a moment. */
function createFacts(path: (digest: Digest) => string): Pick<Blobs, 'facts'> & {forget(digest: Digest): void} {
	const known = createLru<Digest, {readonly facts: FileFacts; readonly checkedAt: number}>(20_000);
	/** Counts what this process wrote: a look that began before a write may not be remembered after it. */
	let epoch = 0;
	return {
		async facts(digest) {
			const entry = known.get(digest);
			if (entry !== undefined && performance.now() - entry.checkedAt < believedMs) return entry.facts;
			const began = epoch;
			const found = await withIo('read', path(digest), async () => {
				const facts = await statRegular(path(digest));
				if (facts !== undefined && entry === undefined) await checkInside(path(digest));
				return facts;
			});
			if (found === undefined) known.delete(digest);
			else if (began === epoch) known.set(digest, {facts: found, checkedAt: performance.now()});
			return found;
		},
		forget(digest) {
			epoch++;
			known.delete(digest);
		},
	};
}

/** Collectors leave alone what is this young, and much older. */
const youngMs = 60_000;
/** How long a look at the disk is believed: another process that removes a blob is noticed after that. */
const believedMs = 1000;

export function storedBlob(digest: Digest, path: string, sizeBytes: number): StoredBlob {
	return {
		digest,
		sizeBytes,
		path,
		async read({start = 0, end = sizeBytes, signal} = {}): Promise<Bytes> {
			signal?.throwIfAborted();
			return readFileRange(path, start, end - start, {signal});
		},
	};
}
