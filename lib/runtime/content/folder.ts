import {randomBytes} from 'node:crypto';
import {mkdir, readdir, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {type LockOptions, withLock} from '../../core/lock.js';
import {createOwner} from '../../core/process-owner.js';
import {algorithmOf, type Digest, digestOf, hexOf} from '../../oci/digest.js';
import {removeTree} from '../../oci/disk/remove.js';

/** Where things are in the folder of a host's content; see content.ts. */
export interface ContentFolder {
	readonly root: string;
	readonly images: string;
	readonly registry: string;
	readonly partials: string;
	readonly tmp: string;
	/** Locks and work of this boot: what other boots left beside it belongs to nobody. */
	readonly work: string;
	/** The boot in which the content was last looked over. */
	readonly bootFile: string;
	readonly bootId: string;
	/** Whether what was written is on the disk before it gets its name. */
	readonly durability: 'full' | 'none';
	/** What is known of the image of this name. */
	record(name: string): string;
	/** What the host says of it when it is whole: see statement.ts. */
	statement(name: string): string;
	blob(digest: Digest): string;
	partial(digest: Digest): string;
	layer(diffId: Digest): string;
	tree(chainId: Digest): string;
}

export function contentFolder(root: string, durability: ContentFolder['durability'] = 'full'): ContentFolder {
	const {bootId} = createOwner();
	const byDigest = (kind: Kind, digest: Digest): string => join(root, digestPath(kind, digest));
	return {
		root,
		images: join(root, 'images'),
		registry: join(root, 'registry'),
		partials: join(root, 'partial'),
		tmp: join(root, 'tmp'),
		work: join(root, 'tmp', bootId.replaceAll(/[^\w.-]/g, '_')),
		bootFile: join(root, 'boot'),
		bootId,
		durability,
		record: name => join(root, 'images', `${recordName(name)}.json`),
		statement: name => join(root, 'images', `${recordName(name)}.whole`),
		blob: digest => byDigest('blobs', digest),
		partial: digest => join(root, 'partial', hexOf(digest)),
		layer: diffId => byDigest('layers', diffId),
		tree: chainId => byDigest('trees', chainId),
	};
}

/** Where something is, relative to the content's folder. */
export function digestPath(kind: Kind, digest: Digest): string {
	return join(kind, algorithmOf(digest), hexOf(digest));
}

/** What the files of an image are called: a name that people can read; very long ones go by their digest. */
export function recordName(name: string): string {
	const encoded = encodeURIComponent(name);
	return encoded.length > longestName ? digestOf(name) : encoded;
}

/** File systems take names of 255 bytes. */
const longestName = 200;

/** What only root may enter: see HostContent. */
const closed = ['blobs', 'layers', 'trees', 'partial', 'tmp'] as const;
const addressed = ['blobs', 'layers', 'trees'] as const;
type Kind = (typeof addressed)[number];

/** Makes the folders that are missing. @throws SealError ERR_PERMISSION, ERR_READ_ONLY, ERR_NO_SPACE, ERR_IO */
export async function prepareFolder(folder: ContentFolder): Promise<void> {
	await withIo('make the content folder', folder.root, async () => {
		await mkdir(folder.root, {recursive: true});
		await mkdir(folder.images, {recursive: true});
		const isNew = (await mkdir(join(folder.root, 'blobs'), {recursive: true, mode: 0o700})) !== undefined;
		// What comes from now on comes in this boot.
		if (isNew) await writeFile(folder.bootFile, folder.bootId);
		for (const kind of closed) await mkdir(join(folder.root, kind), {recursive: true, mode: 0o700});
		for (const kind of addressed) {
			for (const algorithm of ['sha256', 'sha512']) await mkdir(join(folder.root, kind, algorithm), {recursive: true});
		}
		await mkdir(folder.work, {recursive: true});
	});
}

/** Puts a whole folder in its place. One that is there already steps aside first and then goes. */
export async function replaceFolder(from: string, to: string): Promise<void> {
	try {
		await rename(from, to);
	} catch (error) {
		if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error;
		await withdraw(to, () => rename(from, to));
	}
}

/** Takes a folder away at once, and then removes it. */
export async function removeFolder(path: string): Promise<void> {
	await withIo('remove', path, () => withdraw(path));
}

/** What died while it went, or before it came, is swept by its name. */
export async function sweepWithdrawn(folder: ContentFolder): Promise<void> {
	for (const kind of ['layers', 'trees']) {
		for (const algorithm of ['sha256', 'sha512']) {
			const path = join(folder.root, kind, algorithm);
			for (const name of (await withIo('read', path, () => ifExists(() => readdir(path)))) ?? [])
				if (name.includes(withdrawn)) await removeTree(join(path, name));
		}
	}
}

const withdrawn = '.gone-';

async function withdraw(path: string, meanwhile?: () => Promise<void>): Promise<void> {
	const gone = `${path}${withdrawn}${randomBytes(6).toString('hex')}`;
	await ifExists(() => rename(path, gone));
	await meanwhile?.();
	await removeTree(gone);
}

/** Whoever unpacks, collects or verifies has to wait for the other: an hour is longer than any of them takes. */
const patienceMs = 60 * 60_000;

/**
 * Runs `work` while no other process unpacks, collects or verifies. Blobs may come in meanwhile.
 * @throws SealError ERR_STORE_LOCKED
 */
export async function alone<R>(
	folder: ContentFolder,
	work: () => Promise<R>,
	options: Pick<LockOptions, 'signal'> = {},
): Promise<R> {
	const lock = {what: `the content folder ${folder.root}`, timeoutMs: patienceMs, signal: options.signal};
	return await withLock(join(folder.work, 'alone'), work, lock);
}
