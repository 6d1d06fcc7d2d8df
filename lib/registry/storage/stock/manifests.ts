import {dirname, join} from 'node:path';
import {withIo} from '../../../core/io-error.js';
import {algorithmOf, type Digest, digestOf} from '../../../oci/digest.js';
import {maxManifestBytes} from '../../../oci/manifest.js';
import {mediaTypes} from '../../../oci/media-types.js';
import type {StoredManifest} from '../storage.js';
import type {Blobs} from './blobs.js';
import {damaged, type FileFacts, readRegular, sameFile} from './files.js';
import type {StockFolder} from './folder.js';
import type {Links} from './links.js';
import {createLru} from './lru.js';
import {repositoryFolder, revisionLink} from './paths.js';
import {putLink} from './put-link.js';
import type {Writer} from './writer.js';

/** Manifests: blobs with a revision link in each repository that has them. */
export interface Manifests {
	/** Verified. @throws SealError ERR_STORE_DAMAGED naming the file */
	read(repository: string, digest: Digest): Promise<StoredManifest | undefined>;
	/** As `read`, whichever repository has it. */
	content(digest: Digest): Promise<StoredManifest | undefined>;
	has(repository: string, digest: Digest): Promise<boolean>;
	/** Stores the bytes and makes them a manifest of the repository. */
	write(repository: string, manifest: StoredManifest): Promise<void>;
	/** Makes a stored document a manifest of the repository. */
	link(repository: string, digest: Digest): Promise<void>;
	remove(repository: string, digest: Digest): Promise<boolean>;
	/** The files that a manifest of a repository consists of. */
	files(repository: string, digest: Digest): readonly string[];
	/** What was known of a manifest of a repository is looked up anew. */
	forget(repository: string, digest: Digest): void;
}

export function createManifests(folder: StockFolder, links: Links, blobs: Blobs, writer: Writer): Manifests {
	const known = createLru<Digest, Known>(32 * 1024 * 1024, ({manifest}) => manifest.bytes.length + 512);
	const linkPath = (repository: string, digest: Digest): string => join(folder.base, revisionLink(repository, digest));

	const content = async (digest: Digest, target = digest): Promise<StoredManifest | undefined> => {
		const facts = await blobs.facts(target);
		if (facts === undefined) return undefined;
		const entry = known.get(digest);
		if (entry !== undefined && sameFile(entry.facts, facts)) return entry.manifest;
		const path = blobs.path(target);
		const found = await readRegular(path, maxManifestBytes);
		if (found === undefined) return undefined;
		const computed = digestOf(found.bytes, algorithmOf(digest));
		if (computed !== digest) throw damaged(path, `holds content with the digest ${computed} instead of ${digest}`);
		const manifest = {digest, mediaType: mediaTypeOf(found.bytes, path), bytes: found.bytes};
		known.set(digest, {manifest, facts: found.facts});
		return manifest;
	};
	const read = async (repository: string, digest: Digest): Promise<StoredManifest | undefined> => {
		const target = await links.read(linkPath(repository, digest), 'fixed');
		return target === undefined ? undefined : await content(digest, target);
	};
	const link = async (repository: string, digest: Digest): Promise<void> => {
		// The catalog of the stock server 2.8 shows only repositories with this folder, also those of indexes alone.
		await writer.folder(join(folder.base, repositoryFolder(repository), '_layers'));
		await putLink({folder, links, writer}, linkPath(repository, digest), digest, blobs.path(digest));
	};
	return {
		read,
		content: digest => content(digest),
		link,
		files: (repository, digest) => [blobs.path(digest), linkPath(repository, digest)],
		forget(repository, digest) {
			blobs.forget(repository, digest);
			links.forget(linkPath(repository, digest));
		},
		async has(repository, digest) {
			const target = await links.read(linkPath(repository, digest), 'fixed');
			return target !== undefined && (await blobs.facts(target)) !== undefined;
		},
		async write(repository, {digest, bytes}) {
			if (!(await holds(blobs.path(digest), bytes))) await blobs.write(digest, bytes);
			await link(repository, digest);
		},
		async remove(repository, digest) {
			const path = linkPath(repository, digest);
			const existed = (await links.read(path, 'moving').catch(() => digest)) !== undefined;
			await writer.remove(dirname(path));
			links.forget(path);
			return existed;
		},
	};
}

interface Known {
	readonly manifest: StoredManifest;
	readonly facts: FileFacts;
}

/** A manifest is small enough to be compared: pushing it again mends a damaged one. */
async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
	const found = await withIo('read', path, () => readRegular(path, maxManifestBytes).catch(() => undefined));
	return found?.bytes.equals(bytes) === true;
}

/**
 * The layout keeps no media types. As the stock server does: the document's own field, else the OCI type of its shape; what
 * has version 1 is docker's oldest form.
 * @throws SealError ERR_STORE_DAMAGED
 */
function mediaTypeOf(bytes: Buffer, path: string): string {
	let document: Readonly<Record<string, unknown>>;
	try {
		document = JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>;
	} catch {
		throw damaged(path, 'is no manifest: it is not JSON');
	}
	if (typeof document !== 'object' || document === null) throw damaged(path, 'is no manifest: it is no JSON object');
	if (typeof document.mediaType === 'string') return document.mediaType;
	if (document.schemaVersion === 1) return 'application/vnd.docker.distribution.manifest.v1+prettyjws';
	return Array.isArray(document.manifests) ? mediaTypes.index : mediaTypes.manifest;
}
