import {join} from 'node:path';
import {type Digest, isDigest} from '../../oci/digest.js';
import {type FileFacts, statRegular} from '../storage/stock/files.js';
import type {StockFolder} from '../storage/stock/folder.js';
import {foldersIn} from '../storage/stock/folders-in.js';

/** One link of a registry's folder. */
export interface LinkFile {
	readonly digest: Digest;
	readonly path: string;
	readonly facts: FileFacts;
}

/** The links below `_layers` or `_manifests/revisions`: `<algorithm>/<hex>/link`. */
export async function listLinks(folder: string): Promise<readonly LinkFile[]> {
	const links: LinkFile[] = [];
	for (const algorithm of ['sha256', 'sha512']) {
		for (const entry of await foldersIn(join(folder, algorithm))) {
			const digest = `${algorithm}:${entry.name}`;
			const path = join(folder, algorithm, entry.name, 'link');
			const facts = isDigest(digest) ? await statRegular(path) : undefined;
			if (isDigest(digest) && facts !== undefined) links.push({digest, path, facts});
		}
	}
	return links;
}

/** A blob's file as it is on the disk. */
export interface BlobFile {
	readonly digest: Digest;
	readonly path: string;
	readonly facts: FileFacts;
}

/** Every blob of a registry's folder. */
export async function* listBlobFiles(folder: StockFolder): AsyncGenerator<BlobFile> {
	for (const algorithm of ['sha256', 'sha512']) {
		const top = join(folder.base, 'blobs', algorithm);
		for (const prefix of await foldersIn(top)) {
			for (const entry of await foldersIn(join(top, prefix.name))) {
				const digest = `${algorithm}:${entry.name}`;
				const path = join(top, prefix.name, entry.name, 'data');
				const facts = isDigest(digest) && entry.name.startsWith(prefix.name) ? await statRegular(path) : undefined;
				if (isDigest(digest) && facts !== undefined) yield {digest, path, facts};
			}
		}
	}
}
