import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {withIo} from '../../core/io-error.js';
import type {Digest} from '../../oci/digest.js';
import type {ImageTree} from '../../oci/tree/tree.js';
import type {UnpackedImage, UnpackRequest} from './content.js';
import {flush} from './flush.js';
import {type ContentFolder, removeFolder, replaceFolder} from './folder.js';
import {exists} from './have.js';
import {listImages, treePath, writeImage} from './images.js';
import {type LayerRecord, readLayerRecord} from './layer-record.js';
import {mergeRegistry, registryFilesOf} from './registry.js';
import {type Draft, draftStatement, type StatementOf} from './statement.js';
import {composeTree, sizeOfTree, writeTree} from './tree.js';
import {checkTree} from './tree-check.js';

/**
 * Makes the tree of an image whose layers are all unpacked, its part of the registry, and its name, in this order: a name is the
 * promise that the rest is there. What is there already is looked at and mended.
 * @throws SealError ERR_CONTENT_DIGEST when a layer was damaged; it has been removed then
 */
export async function makeImage(
	folder: ContentFolder,
	request: StatementOf,
	scratch: string,
	options: OperationOptions,
): Promise<MadeImage> {
	const path = treePath(folder, request.layers);
	const records = await readRecords(folder, request.layers);
	const tree = composeTree(request.layers.map(layer => records.get(layer.diffId) as LayerRecord));
	const size = sizeOfTree(tree);
	const registry = registryFilesOf(folder, tree, records, options);
	const statement = await draftStatement(folder, request, {...size, hasRegistry: registry.size > 0}, scratch);
	const isMade = await makeTree(folder, tree, path, scratch, options);
	const {added, moved} = await mergeRegistry(folder, registry, options);
	const isMerged = added + moved > 0;
	if (isMade || isMerged) await statement.renew();
	if (isMerged) await flush(folder);
	if (isMade || isMerged || !(await isNamed(folder, request))) {
		const layers = request.layers.map(({blob, diffId}) => ({blob, diffId}));
		await writeImage(folder, {name: request.name, manifest: request.manifest, layers, unpackedAtMs: Date.now()});
	}
	return {image: {path, ...size}, statement};
}

export interface MadeImage {
	readonly image: Omit<UnpackedImage, 'unpacked'>;
	/** To be published once nothing is kept for others. */
	readonly statement: Draft;
}

async function readRecords(
	folder: ContentFolder,
	layers: UnpackRequest['layers'],
): Promise<ReadonlyMap<Digest, LayerRecord>> {
	const records = new Map<Digest, LayerRecord>();
	for (const {diffId} of layers) {
		const record = records.get(diffId) ?? (await readLayerRecord(folder, diffId));
		if (record === undefined) throw await damagedLayer(folder, diffId, folder.layer(diffId));
		records.set(diffId, record);
	}
	return records;
}

/** True when the tree was not there, or not as it should be. */
async function makeTree(
	folder: ContentFolder,
	tree: ImageTree,
	path: string,
	scratch: string,
	options: OperationOptions,
): Promise<boolean> {
	if (await exists(path)) {
		const {changed, damagedLayers} = await checkTree(folder, tree, path, options);
		for (const [diffId, where] of damagedLayers) throw await damagedLayer(folder, diffId, join(path, where));
		if (changed === undefined) return false;
	}
	const fresh = join(scratch, 'tree');
	await writeTree(folder, tree, fresh, options);
	await flush(folder);
	options.signal?.throwIfAborted();
	await withIo('move the tree to', path, () => replaceFolder(fresh, path));
	return true;
}

async function isNamed(folder: ContentFolder, {name, manifest, layers}: StatementOf): Promise<boolean> {
	const path = treePath(folder, layers);
	return (await listImages(folder)).some(
		image => image.name === name && image.manifest === manifest && image.path === path,
	);
}

async function damagedLayer(folder: ContentFolder, diffId: Digest, where: string): Promise<SealError> {
	await removeFolder(folder.layer(diffId));
	return new SealError(
		'ERR_CONTENT_DIGEST',
		`The unpacked layer ${diffId} was changed at ${where}; it has been removed`,
		{
			hint: 'Run the same command again: it sends the layer anew.',
			details: {diffId, path: where},
		},
	);
}
