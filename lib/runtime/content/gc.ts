import {lstatSync} from 'node:fs';
import {readdir, readFile, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {OperationOptions} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {sweepTempDirs} from '../../core/temp-dir.js';
import {type Digest, isDigest} from '../../oci/digest.js';
import {maxManifestBytes} from '../../oci/manifest.js';
import {listBlobs} from './boot.js';
import type {GcReport, HostImage} from './content.js';
import {alone, type ContentFolder, prepareFolder, removeFolder, sweepWithdrawn} from './folder.js';
import {listImages, removeImage} from './images.js';
import {createLayerRecords, type LayerRecords, listFolders, readImageFiles} from './live.js';
import {dataFile, dropPartial, sweepPartials} from './partial.js';
import {layerRegistryFiles, pruneRegistry, type RegistrySource, registryFilesOf} from './registry.js';

/** Blobs that no image knows are on their way to an unpack as long as more of them come: so long after the last one they are garbage. */
const blobGraceMs = 60 * 60_000;
/** Blobs of which a part came: the run that sent it may be taken up again. */
const partialGraceMs = 24 * 60 * 60_000;

/** See HostContent. */
export async function collectGarbage(
	folder: ContentFolder,
	options: OperationOptions & {readonly keep?: readonly string[] | undefined},
): Promise<GcReport> {
	options.signal?.throwIfAborted();
	await prepareFolder(folder);
	return await alone(folder, () => collectAlone(folder, options), options);
}

async function collectAlone(
	folder: ContentFolder,
	options: OperationOptions & {readonly keep?: readonly string[] | undefined},
): Promise<GcReport> {
	await sweepTempDirs(folder.work);
	await sweepPartials(folder);
	await sweepWithdrawn(folder);
	const all = await listImages(folder);
	const images = options.keep === undefined ? all : all.filter(image => options.keep?.includes(image.name));
	const forgotten = all.filter(image => !images.includes(image));
	// Names go first: a name is the promise that the rest is there.
	for (const {name} of forgotten) await removeImage(folder, name);

	const read = createLayerRecords(folder);
	const usedLayers = new Set(images.flatMap(image => image.layers.map(layer => layer.diffId)));
	const usedTrees = new Set(images.map(image => image.path));
	const layers = (await listFolders(folder, 'layers')).filter(diffId => !usedLayers.has(diffId));
	const trees = (await listFolders(folder, 'trees')).filter(digest => !usedTrees.has(folder.tree(digest)));
	await unregister(folder, layers, images, read, options);
	for (const digest of trees) await removeFolder(folder.tree(digest));
	let freedBytes = 0;
	for (const diffId of layers) {
		options.signal?.throwIfAborted();
		freedBytes += await ownBytes(folder.layer(diffId));
		await removeFolder(folder.layer(diffId));
	}
	const blobs = await removeBlobs(folder, images, forgotten, options);
	const partials = await removePartials(folder);
	return {
		removed: forgotten.length + trees.length + layers.length + blobs.removed + partials.removed,
		freedBytes: freedBytes + blobs.freedBytes + partials.freedBytes,
	};
}

/** Takes out of the registry what only layers brought that go, and gives tags back to the images that stay. */
async function unregister(
	folder: ContentFolder,
	layers: readonly Digest[],
	images: readonly HostImage[],
	read: LayerRecords,
	options: OperationOptions,
): Promise<void> {
	const gone: (readonly [string, RegistrySource])[] = [];
	for (const diffId of layers) {
		const record = await read(diffId);
		if (record !== undefined) gone.push(...layerRegistryFiles(folder, record));
	}
	if (gone.length === 0) return;
	const wanted = new Map<string, RegistrySource>();
	for (const image of images) {
		const files = await readImageFiles(image, read);
		if (files === undefined) continue;
		for (const [path, file] of registryFilesOf(folder, files.tree, files.records)) wanted.set(path, file);
	}
	await pruneRegistry(folder, gone, wanted, options);
}

/** Bytes of files that have no other name. */
async function ownBytes(path: string): Promise<number> {
	let sum = 0;
	for (const name of (await withIo('read', path, () => ifExists(() => readdir(path)))) ?? []) {
		const facts = lstatSync(join(path, name), {throwIfNoEntry: false});
		if (facts?.isFile() === true && facts.nlink === 1) sum += facts.size;
	}
	return sum;
}

interface Removed {
	readonly removed: number;
	readonly freedBytes: number;
}

/** Manifests and configs of images stay; layers that are unpacked were only kept for others to fetch. */
async function removeBlobs(
	folder: ContentFolder,
	images: readonly HostImage[],
	forgotten: readonly HostImage[],
	options: OperationOptions,
): Promise<Removed> {
	const kept = new Set<Digest>();
	for (const {manifest} of images) {
		kept.add(manifest);
		const config = await configOf(folder, manifest);
		if (config !== undefined) kept.add(config);
	}
	const known = [...images, ...forgotten];
	const spent = new Set([
		...known.flatMap(image => image.layers.map(layer => layer.blob)),
		...known.map(image => image.manifest),
	]);
	const unknown: Found[] = [];
	const garbage: Found[] = [];
	for await (const {digest, path} of listBlobs(folder)) {
		options.signal?.throwIfAborted();
		if (kept.has(digest)) continue;
		const facts = await withIo('read', path, () => ifExists(() => stat(path)));
		if (facts === undefined) continue;
		const found = {path, sizeBytes: facts.size, mtimeMs: facts.mtimeMs};
		(spent.has(digest) ? garbage : unknown).push(found);
	}
	const lastMs = unknown.reduce((last, {mtimeMs}) => Math.max(last, mtimeMs), await lastPartMs(folder));
	if (Date.now() - lastMs >= blobGraceMs) garbage.push(...unknown);
	for (const {path} of garbage) await withIo('remove', path, () => rm(path, {force: true}));
	return {removed: garbage.length, freedBytes: garbage.reduce((sum, {sizeBytes}) => sum + sizeBytes, 0)};
}

interface Found {
	readonly path: string;
	readonly sizeBytes: number;
	readonly mtimeMs: number;
}

/** When the last part of any blob came; 0 when none is on its way. */
async function lastPartMs(folder: ContentFolder): Promise<number> {
	let last = 0;
	for (const name of (await withIo('read', folder.partials, () => ifExists(() => readdir(folder.partials)))) ?? []) {
		const facts = await ifExists(() => stat(join(folder.partials, name, dataFile)));
		last = Math.max(last, facts?.mtimeMs ?? 0);
	}
	return last;
}

async function configOf(folder: ContentFolder, manifest: Digest): Promise<Digest | undefined> {
	const path = folder.blob(manifest);
	const facts = await withIo('read', path, () => ifExists(() => stat(path)));
	if (facts === undefined || facts.size > maxManifestBytes) return undefined;
	try {
		const document = JSON.parse(await readFile(path, 'utf8')) as {readonly config?: {readonly digest?: unknown}};
		const digest = document.config?.digest;
		return isDigest(digest) ? digest : undefined;
	} catch {
		return undefined;
	}
}

async function removePartials(folder: ContentFolder): Promise<Removed> {
	let removed = 0;
	let freedBytes = 0;
	for (const name of (await withIo('read', folder.partials, () => ifExists(() => readdir(folder.partials)))) ?? []) {
		const digest = `${name.length === 64 ? 'sha256' : 'sha512'}:${name}`;
		if (!isDigest(digest)) continue;
		const facts = await ifExists(() => stat(join(folder.partials, name, dataFile)));
		if (facts !== undefined && Date.now() - facts.mtimeMs < partialGraceMs) continue;
		await dropPartial(folder, digest);
		removed++;
		freedBytes += facts === undefined ? 0 : facts.blocks * 512;
	}
	return {removed, freedBytes};
}
