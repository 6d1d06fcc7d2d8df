import type {Digest} from '../../../oci/digest.js';
import type {NewManifest} from '../storage.js';
import {keepFiles} from './collector.js';
import type {StockParts} from './parts.js';
import {referencesOf} from './references.js';

/**
 * Everything that a manifest about to be stored relies on, through its children too, is kept from a collector: it may be about to
 * take what nothing has named so far.
 */
export async function keepContent(parts: StockParts, repository: string, manifest: NewManifest): Promise<void> {
	const {folder, blobs, manifests} = parts;
	const documents = new Set<Digest>();
	const contents = new Set<Digest>(manifest.blobs.map(({digest}) => digest));
	const queue = [manifest.digest, ...manifest.manifests.map(({digest}) => digest)];
	for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
		if (documents.has(next)) continue;
		documents.add(next);
		const found = next === manifest.digest ? manifest : await manifests.content(next).catch(() => undefined);
		if (found === undefined) continue;
		const references = referencesOf(found.bytes);
		for (const digest of references?.blobs ?? []) contents.add(digest);
		queue.push(...(references?.manifests ?? []));
	}
	const paths = [...documents].flatMap(digest => manifests.files(repository, digest));
	for (const digest of contents) paths.push(...(await blobs.files(repository, digest)));
	await keepFiles(folder, paths);
	for (const digest of documents) manifests.forget(repository, digest);
	for (const digest of contents) blobs.forget(repository, digest);
}
