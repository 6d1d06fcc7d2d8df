import {oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {withTempDir} from '../../core/temp-dir.js';
import {formatConfig, type HistoryEntry, type ImageConfig} from '../../oci/config.js';
import {type Descriptor, describe} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {Image} from '../../oci/image.js';
import {locateContents, readContents} from '../../oci/layer/content.js';
import type {LayerIndex} from '../../oci/layer/layer-index.js';
import {indexLayer} from '../../oci/layer/read.js';
import {compareLayerPaths} from '../../oci/layer/whiteout.js';
import {writeLayer} from '../../oci/layer/write.js';
import {formatManifest} from '../../oci/manifest.js';
import {mediaTypes} from '../../oci/media-types.js';
import type {Store} from '../../oci/store/store.js';
import {applyLayer, emptyTree, type ImageTree, lookup, type TreeNode} from '../../oci/tree/tree.js';
import {formatLock, lockPath, mergeLocks, parseLock} from '../embed/lock.js';
import type {MergeConflict, OnConflict} from './conflict.js';
import {mergeConfigs} from './merge-config.js';
import {mergeTrees} from './merge-trees.js';

/** One of the images that are merged, for one platform. */
export interface MergePart extends Image {
	readonly image: string;
}

export interface MergePlatformOptions extends OperationOptions {
	readonly onConflict: OnConflict;
	readonly report: (conflict: MergeConflict) => void;
	readonly created?: string | undefined;
	readonly mtime: number;
}

/** With the layers that were read and checked already. */
interface CheckedOptions extends MergePlatformOptions {
	readonly verified: Set<Digest>;
}

/** A layer with all that a config says of it. */
interface Layer {
	readonly descriptor: Descriptor;
	readonly diffID: Digest;
	readonly index: LayerIndex;
	readonly history: HistoryEntry;
}

/** Merges the images of one platform. Undefined when conflicts were reported that forbid a result. */
export async function mergePlatform(
	store: Store,
	parts: readonly MergePart[],
	options: MergePlatformOptions,
): Promise<Descriptor | undefined> {
	let isRefused = false;
	const report = (conflict: MergeConflict): void => {
		isRefused ||= options.onConflict === 'error';
		options.report(conflict);
	};
	const config = mergeConfigs(
		parts.map(part => ({image: part.image, config: part.config.config ?? {}})),
		options.onConflict,
		report,
	);
	const indexes = new Map<Digest, Promise<LayerIndex>>();
	const stacks: Layer[][] = [];
	for (const part of parts) stacks.push(await layersOf(store, part, indexes, options));
	const layers = [...new Map(stacks.flat().map(layer => [layer.diffID, layer])).values()];
	// Indexing read and checked every layer; nothing below need do it again.
	const checked = {...options, verified: new Set(layers.map(layer => layer.descriptor.digest))};
	const trees = parts.map((part, position) => ({image: part.image, tree: treeOf(stacks[position] ?? [])}));
	const entries = [
		...(await mergeTrees(trees, treeOf(commonBase(stacks)), treeOf(layers), store, {
			...checked,
			report,
			skip: new Set([lockPath]),
		})),
		...(await mergedLock(store, trees, checked)),
	].sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
	if (isRefused) return undefined;
	if (entries.length > 0) layers.push(await writeTop(store, entries, checked));
	return await writeImage(store, parts, layers, config, options);
}

async function layersOf(
	store: Store,
	{image, manifest, config}: MergePart,
	indexes: Map<Digest, Promise<LayerIndex>>,
	options: OperationOptions,
): Promise<Layer[]> {
	if (config.rootfs.diff_ids.length !== manifest.layers.length)
		throw new SealError(
			'ERR_MANIFEST_INVALID',
			`${image} has ${manifest.layers.length} layers, its config names others`,
		);
	const history = (config.history ?? []).filter(entry => entry.empty_layer !== true);
	const layers: Layer[] = [];
	for (const [position, descriptor] of manifest.layers.entries()) {
		const diffID = config.rootfs.diff_ids[position] as Digest;
		const index = indexes.get(diffID) ?? indexLayer(store, descriptor, {...options, diffID});
		indexes.set(diffID, index);
		const own = history.length === manifest.layers.length ? history[position] : undefined;
		layers.push({descriptor: ociLayer(descriptor), diffID, index: await index, history: own ?? {}});
	}
	return layers;
}

/** Layers of docker's types are the same archives under other names; one manifest does not mix the two. */
function ociLayer(descriptor: Descriptor): Descriptor {
	if (descriptor.mediaType === mediaTypes.dockerLayerGzip) return {...descriptor, mediaType: mediaTypes.layerGzip};
	if (descriptor.mediaType === mediaTypes.dockerLayer) return {...descriptor, mediaType: mediaTypes.layer};
	return descriptor;
}

function treeOf(layers: readonly Layer[]): ImageTree {
	return layers.reduce((tree, {index, descriptor}) => applyLayer(tree, index, descriptor), emptyTree);
}

/** The layers that all images begin with. */
function commonBase(stacks: readonly (readonly Layer[])[]): readonly Layer[] {
	const [first = [], ...others] = stacks;
	const end = first.findIndex((layer, position) => others.some(stack => stack[position]?.diffID !== layer.diffID));
	return end === -1 ? first : first.slice(0, end);
}

/** One lock for the images that all parts embed. */
async function mergedLock(
	store: Store,
	trees: readonly {readonly image: string; readonly tree: ImageTree}[],
	options: CheckedOptions,
): Promise<LayerEntry[]> {
	const nodes = trees.flatMap(({image, tree}) => {
		const node = lookup(tree, lockPath);
		return node?.header.type === 'file' ? [{image, node}] : [];
	});
	if (nodes.length < 2) return [];
	const contents = await readContents(new Set(nodes.map(({node}) => node)), store, 64 * 1024 * 1024, options);
	const bytes = formatLock(
		mergeLocks(
			nodes.map(({image, node}) =>
				parseLock(contents.get(node as TreeNode) ?? new Uint8Array(), `${lockPath} of ${image}`),
			),
		),
	);
	const header = {
		path: lockPath,
		type: 'file' as const,
		mode: 0o644,
		uid: 0,
		gid: 0,
		size: bytes.length,
		mtime: options.mtime,
	};
	return [{header, content: {kind: 'bytes', bytes}}];
}

async function writeTop(store: Store, entries: readonly LayerEntry[], options: CheckedOptions): Promise<Layer> {
	const write = async (scratchDir: string): Promise<Layer> => {
		const located = await locateContents(entries, store, scratchDir, options);
		const {descriptor, diffID, index} = await writeLayer(located, store, {...options, id: 'merge'});
		return {
			descriptor,
			diffID,
			index,
			history: {created_by: 'sealimage merge', comment: 'what the layers alone do not give'},
		};
	};
	return await withTempDir(store.tempDir, write, 'merge');
}

async function writeImage(
	store: Store,
	parts: readonly MergePart[],
	layers: readonly Layer[],
	run: ImageConfig['config'],
	options: MergePlatformOptions,
): Promise<Descriptor> {
	const [first] = parts as readonly [MergePart, ...MergePart[]];
	const {os, architecture, variant} = first.config;
	const newest = parts
		.map(part => part.config.created)
		.filter(created => created !== undefined)
		.sort((a, b) => Date.parse(a) - Date.parse(b))
		.at(-1);
	const created = options.created ?? newest;
	const config: ImageConfig = {
		...(created === undefined ? {} : {created}),
		architecture,
		...(variant === undefined ? {} : {variant}),
		os,
		config: run,
		rootfs: {type: 'layers', diff_ids: layers.map(layer => layer.diffID)},
		history: layers.map(layer => layer.history),
	};
	const configBytes = formatConfig(config);
	const configDescriptor = describe(mediaTypes.config, configBytes);
	await store.push(configDescriptor, oneChunk(configBytes), {signal: options.signal});
	const bytes = formatManifest({
		schemaVersion: 2,
		mediaType: mediaTypes.manifest,
		config: configDescriptor,
		layers: layers.map(layer => layer.descriptor),
	});
	const descriptor = describe(mediaTypes.manifest, bytes);
	await store.push(descriptor, oneChunk(bytes), {signal: options.signal});
	return descriptor;
}
