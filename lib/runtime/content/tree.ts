import {mkdir} from 'node:fs/promises';
import type {Abortable, OperationOptions} from '../../core/events.js';
import {emit} from '../../core/events.js';
import {type Digest, digestOf} from '../../oci/digest.js';
import {writeToDisk} from '../../oci/disk/write.js';
import {applyLayer, emptyTree, type ImageTree, walkTree} from '../../oci/tree/tree.js';
import type {ContentFolder} from './folder.js';
import {contentPath, type LayerRecord} from './layer-record.js';

/** image-spec, config.md, "Layer ChainID": what a stack of layers is called. */
export function chainIdOf(diffIds: readonly Digest[]): Digest {
	const [first = digestOf(''), ...others] = diffIds;
	return others.reduce((chain, diffId) => digestOf(`${chain} ${diffId}`), first);
}

/** The files of an image out of what is known of its layers. */
export function composeTree(layers: readonly LayerRecord[]): ImageTree {
	return layers.reduce<ImageTree>(
		(tree, {index}) => applyLayer(tree, index, {mediaType: '', digest: index.diffID, size: index.sizeBytes}),
		emptyTree,
	);
}

/** Writes a tree into the new folder `target`, contents as hard links to those of the layers. Nothing is flushed. */
export async function writeTree(
	folder: ContentFolder,
	tree: ImageTree,
	target: string,
	options: OperationOptions,
): Promise<void> {
	await mkdir(target, {mode: 0o700});
	const {skippedDevices} = await writeToDisk(walkTree(tree), noContents, target, {
		...options,
		owners: process.geteuid?.() === 0,
		fresh: true,
		existing: content => contentPath(folder, content),
	});
	if (skippedDevices.length === 0) return;
	emit(options, {
		type: 'warning',
		code: 'DevicesSkipped',
		message: `${skippedDevices.length} device nodes are left out (${skippedDevices.slice(0, 3).join(', ')}): only root can make them`,
	});
}

export interface TreeSize {
	/** Names of regular files. */
	readonly files: number;
	/** Of their contents, each counted once. */
	readonly bytes: number;
}

export function sizeOfTree(tree: ImageTree): TreeSize {
	let files = 0;
	let bytes = 0;
	const seen = new Set<object>();
	for (const {header, content} of walkTree(tree)) {
		if (header.type !== 'file') continue;
		files++;
		if (content === undefined || seen.has(content)) continue;
		seen.add(content);
		bytes += header.size;
	}
	return {files, bytes};
}

/** Trees are made of contents that layers hold: there is nothing to read. */
const noContents = {
	exists: async () => false,
	fetch: (_: unknown, {signal}: Abortable = {}): never => {
		signal?.throwIfAborted();
		throw new TypeError('A tree on a host is made of links alone');
	},
};
