import {mkdir, open, readdir, rmdir, stat, unlink, utimes, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {systemCode} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, type Digest, hexOf, isDigest} from '../digest.js';
import {privateFolder} from './layout.js';

/**
 * What a registry server keeps beside a layout: files that say which content belongs to which repository while no name of
 * `index.json` reaches it. `_blobs` holds what was uploaded or mounted (an empty file), `_manifests` what was pushed by digest or lost
 * its last tag. The times of the files are those of the push.
 */
export interface ManifestLink {
	readonly repository: string;
	readonly descriptor: Descriptor;
	/** What it is attached to, when it is a referrer. */
	readonly subject?: Digest | undefined;
	/** Content it names that is not to be read through it: see `hiddenAnnotation`. */
	readonly hidden?: readonly Digest[] | undefined;
	readonly pushedMs: number;
}

export interface BlobLink {
	readonly repository: string;
	readonly digest: Digest;
	readonly pushedMs: number;
}

/** Where the links of all repositories are. */
export function linksFolder(root: string): string {
	return join(root, privateFolder, 'registry', 'repositories');
}

/** Where a registry server keeps uploads under way. */
export function uploadsFolder(root: string): string {
	return join(root, privateFolder, 'registry', 'uploads');
}

export async function writeManifestLink(
	root: string,
	link: Omit<ManifestLink, 'pushedMs'>,
	options: {readonly sync: boolean},
): Promise<void> {
	const path = linkPath(root, link.repository, '_manifests', link.descriptor.digest);
	const {mediaType, size} = link.descriptor;
	const record = {
		mediaType,
		size,
		...(link.subject === undefined ? {} : {subject: link.subject}),
		...(link.hidden === undefined || link.hidden.length === 0 ? {} : {hidden: link.hidden}),
	};
	const write = (): Promise<void> =>
		writeFileAtomic(path, JSON.stringify(record), {sync: options.sync, tempDir: join(root, privateFolder)});
	await withFolder(path, write);
}

/** Writes the link, or renews the time of the one there is. */
export async function writeBlobLink(root: string, repository: string, digest: Digest): Promise<void> {
	const path = linkPath(root, repository, '_blobs', digest);
	const now = new Date();
	await withIo('write', path, async () => {
		const renewed = await ifExists(async () => {
			await utimes(path, now, now);
			return true;
		});
		if (renewed === undefined) await withFolder(path, () => writeFile(path, ''));
	});
}

export async function readManifestLink(
	root: string,
	repository: string,
	digest: Digest,
): Promise<ManifestLink | undefined> {
	const path = linkPath(root, repository, '_manifests', digest);
	return await withIo('read', path, () =>
		ifExists(async () => {
			const file = await open(path, 'r');
			try {
				const {mtimeMs} = await file.stat();
				return parseLink(await file.readFile('utf8'), repository, digest, mtimeMs);
			} finally {
				await file.close();
			}
		}),
	);
}

export async function readBlobLink(root: string, repository: string, digest: Digest): Promise<BlobLink | undefined> {
	const path = linkPath(root, repository, '_blobs', digest);
	const found = await withIo('read', path, () => ifExists(() => stat(path)));
	return found === undefined ? undefined : {repository, digest, pushedMs: found.mtimeMs};
}

/** False when there is none. */
export async function removeManifestLink(root: string, repository: string, digest: Digest): Promise<boolean> {
	return await removeLink(linkPath(root, repository, '_manifests', digest));
}

/** False when there is none. */
export async function removeBlobLink(root: string, repository: string, digest: Digest): Promise<boolean> {
	return await removeLink(linkPath(root, repository, '_blobs', digest));
}

/** The manifests of one repository that no name reaches. */
export async function listManifestLinks(root: string, repository: string): Promise<readonly ManifestLink[]> {
	const links: ManifestLink[] = [];
	for (const digest of await listDigests(join(linksFolder(root), repository, '_manifests'))) {
		const link = await readManifestLink(root, repository, digest);
		if (link !== undefined) links.push(link);
	}
	return links;
}

/** The blob links of one repository. */
export async function listBlobLinks(root: string, repository: string): Promise<readonly BlobLink[]> {
	const links: BlobLink[] = [];
	for (const digest of await listDigests(join(linksFolder(root), repository, '_blobs'))) {
		const link = await readBlobLink(root, repository, digest);
		if (link !== undefined) links.push(link);
	}
	return links;
}

/** The repositories that have links, in the store's spelling. Components that begin with "_" are ours. */
export async function* listLinkedRepositories(root: string): AsyncGenerator<string> {
	const queue = [''];
	for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
		const folder = join(linksFolder(root), at);
		const found = await withIo('read', folder, () => ifExists(() => readdir(folder, {withFileTypes: true})));
		const names = (found ?? []).filter(entry => entry.isDirectory()).map(entry => entry.name);
		if (names.includes('_blobs') || names.includes('_manifests')) yield at;
		for (const name of names) if (!name.startsWith('_')) queue.push(at === '' ? name : `${at}/${name}`);
	}
}

/** Changes whenever a manifest link of the repository comes or goes. */
export function manifestLinkFolders(root: string, repository: string): readonly string[] {
	const folder = join(linksFolder(root), repository, '_manifests');
	return [join(folder, 'sha256'), join(folder, 'sha512')];
}

/** Removes the folders of a repository that have become empty. */
export async function removeEmptyLinkFolders(root: string, repository: string): Promise<void> {
	const folder = join(linksFolder(root), repository);
	for (const kind of ['_blobs', '_manifests']) {
		for (const algorithm of ['sha256', 'sha512']) await rmdir(join(folder, kind, algorithm)).catch(() => undefined);
		await rmdir(join(folder, kind)).catch(() => undefined);
	}
	for (let path = folder; path !== linksFolder(root); path = dirname(path)) {
		if (
			!(await rmdir(path).then(
				() => true,
				() => false,
			))
		)
			return;
	}
}

function linkPath(root: string, repository: string, kind: '_blobs' | '_manifests', digest: Digest): string {
	return join(linksFolder(root), repository, kind, algorithmOf(digest), hexOf(digest));
}

async function listDigests(folder: string): Promise<readonly Digest[]> {
	const digests: Digest[] = [];
	for (const algorithm of ['sha256', 'sha512']) {
		const path = join(folder, algorithm);
		const names = (await withIo('read', path, () => ifExists(() => readdir(path)))) ?? [];
		digests.push(...names.map(name => `${algorithm}:${name}`).filter(isDigest));
	}
	return digests;
}

async function removeLink(path: string): Promise<boolean> {
	const removed = await withIo('remove', path, () =>
		ifExists(async () => {
			await unlink(path);
			return true;
		}),
	);
	return removed === true;
}

/** A collector may remove an empty folder between its making and its use. */
async function withFolder(path: string, write: () => Promise<void>): Promise<void> {
	for (let attempt = 0; ; attempt++) {
		try {
			await write();
			return;
		} catch (error) {
			const code = systemCode(error) === 'ENOENT' || systemCode((error as Error).cause) === 'ENOENT';
			if (!code || attempt === 8) throw error;
			await mkdir(dirname(path), {recursive: true}).catch((failure: unknown) => {
				if (systemCode(failure) !== 'ENOENT') throw failure;
			});
		}
	}
}

/** A link that is no link of ours names nothing. */
function parseLink(text: string, repository: string, digest: Digest, pushedMs: number): ManifestLink | undefined {
	try {
		const value = JSON.parse(text) as {mediaType?: unknown; size?: unknown; subject?: unknown; hidden?: unknown};
		const {mediaType, size, subject, hidden} = value;
		if (typeof mediaType !== 'string' || !Number.isSafeInteger(size)) return undefined;
		return {
			repository,
			descriptor: {mediaType, digest, size: size as number},
			subject: isDigest(subject) ? subject : undefined,
			hidden: Array.isArray(hidden) ? hidden.filter(isDigest) : undefined,
			pushedMs,
		};
	} catch {
		return undefined;
	}
}
