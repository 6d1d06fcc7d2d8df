import type {BlobFiles} from '../../oci/content.js';
import {type Digest, digestOf} from '../../oci/digest.js';
import type {EmbedLayer} from '../../oci/embedded.js';
import type {EntryHeader, LayerEntry} from '../../oci/entry.js';
import {compareLayerPaths} from '../../oci/layer/whiteout.js';
import type {Blob} from './content.js';
import {blobFile} from './layout.js';
import type {Link} from './links.js';

/** A layer without its identity: put in order, doubles removed, and named by everything that its bytes depend on. */
export function finishLayer(title: string, blobs: readonly Blob[], links: readonly Link[], mtime: number): EmbedLayer {
	const distinct = [...new Map(links.map(link => [link.path, link])).values()];
	const sorted = distinct.sort((a, b) => compareLayerPaths(a.path, b.path));
	const key = digestOf(JSON.stringify([1, mtime, blobs.map(blob => [blob.digest, blob.size]), sorted]));
	return {title, key, blobs, links: sorted, mtime};
}

/**
 * The entries of a layer, ready for `writeLayer` with compression `none`: folders 0755, files 0644, owner 0:0, parents
 * first, in byte order. Blobs are read from the files of the store; link files hold the digest and no newline.
 */
export function embedEntries(layer: EmbedLayer, files: BlobFiles): LayerEntry[] {
	const entries = new Map<string, LayerEntry>();
	const add = (path: string, size: number, content: LayerEntry['content']): void => {
		addParents(entries, path, layer.mtime);
		const header = headerOf(path, 'file', size, layer.mtime);
		entries.set(path, content === undefined || size === 0 ? {header} : {header, content});
	};
	for (const {digest, size} of layer.blobs) add(blobFile(digest), size, {kind: 'file', path: files.blobPath(digest)});
	for (const {path, digest} of layer.links)
		add(path, digest.length, {kind: 'bytes', bytes: Buffer.from(digest as Digest)});
	return [...entries.values()].sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
}

function addParents(entries: Map<string, LayerEntry>, path: string, mtime: number): void {
	for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
		const folder = path.slice(0, end);
		if (entries.has(folder)) return;
		entries.set(folder, {header: headerOf(folder, 'directory', 0, mtime)});
	}
}

function headerOf(path: string, type: 'file' | 'directory', size: number, mtime: number): EntryHeader {
	return {path, type, mode: type === 'file' ? 0o644 : 0o755, uid: 0, gid: 0, size, mtime};
}
