import {type Dirent, lstatSync} from 'node:fs';
import {lstat, readdir, rm, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import type {Abortable, OperationOptions} from '../../core/events.js';
import {progress} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {algorithmOf, createDigester, type Digest} from '../../oci/digest.js';
import type {IndexedEntry} from '../../oci/layer/layer-index.js';
import {readFileRange} from '../../oci/verify.js';
import {registryRoot} from '../../registry/embed/layout.js';
import {isIntact, listBlobs} from './boot.js';
import type {VerifyReport} from './content.js';
import {alone, type ContentFolder, prepareFolder, removeFolder} from './folder.js';
import {listImages} from './images.js';
import {type LayerRecord, readLayerRecord} from './layer-record.js';
import {createLayerRecords, listFolders, readImageFiles} from './live.js';
import {recheckPartials} from './partial.js';
import {layerRegistryFiles, mergeRegistry, type RegistrySource, registryFilesOf} from './registry.js';
import {registryFileOf} from './registry-paths.js';
import {checkTree} from './tree-check.js';

/** See HostContent. */
export async function verify(folder: ContentFolder, options: OperationOptions): Promise<VerifyReport> {
	options.signal?.throwIfAborted();
	await prepareFolder(folder);
	return await alone(folder, () => verifyAlone(folder, options), options);
}

interface Walk extends Abortable {
	readonly damaged: {path: string; why: string}[];
	/** Contents that were read, by inode: links of them are not read again. */
	readonly seen: Set<number>;
	onBytes(bytes: number): void;
}

async function verifyAlone(folder: ContentFolder, options: OperationOptions): Promise<VerifyReport> {
	let checkedBytes = 0;
	const report = progress(options, folder.root);
	const walk: Walk = {
		damaged: [],
		seen: new Set(),
		signal: options.signal,
		onBytes(bytes) {
			checkedBytes += bytes;
			report(checkedBytes);
		},
	};
	await verifyBlobs(folder, walk);
	await recheckPartials(folder, options);
	for (const diffId of await listFolders(folder, 'layers')) await verifyLayer(folder, diffId, walk);
	await verifyImages(folder, walk, options);
	await verifyRegistry(folder, walk);
	return {checkedBytes, damaged: walk.damaged};
}

async function verifyBlobs(folder: ContentFolder, walk: Walk): Promise<void> {
	for await (const {digest, path} of listBlobs(folder)) {
		if ((await isIntact(digest, path, walk)) !== false) continue;
		await withIo('remove', path, () => rm(path, {force: true}));
		walk.damaged.push({path, why: 'the blob does not have the digest that it is named by'});
	}
}

async function verifyLayer(folder: ContentFolder, diffId: Digest, walk: Walk): Promise<void> {
	const record = await readLayerRecord(folder, diffId);
	const wrong = record === undefined ? 'its index cannot be read' : await findWrongContent(folder, record, walk);
	if (wrong === undefined) return;
	// First what others see of it.
	for (const [path, {source}] of record === undefined ? [] : layerRegistryFiles(folder, record))
		await unlinkSame(join(folder.root, path), source);
	for (const image of await listImages(folder))
		if (image.layers.some(layer => layer.diffId === diffId)) await removeFolder(image.path);
	await removeFolder(folder.layer(diffId));
	walk.damaged.push({path: folder.layer(diffId), why: wrong});
}

/** The first content that is not what was unpacked. */
async function findWrongContent(
	folder: ContentFolder,
	{index, digests}: LayerRecord,
	walk: Walk,
): Promise<string | undefined> {
	for (const entry of index.entries) {
		const digest = digests.get(entry.offset);
		if (digest === undefined) continue;
		const path = join(folder.layer(index.diffID), String(entry.offset));
		const facts = lstatSync(path, {throwIfNoEntry: false});
		const {header} = entry;
		if (facts?.isFile() !== true) return `the content of ${header.path} is missing`;
		const isOwned = process.geteuid?.() !== 0 || (facts.uid === header.uid && facts.gid === header.gid);
		if ((facts.mode & 0o7777) !== header.mode || !isOwned) return `the mode or owner of ${header.path} was changed`;
		if (facts.size !== header.size || (await digestOfContent(path, entry, digest, walk)) !== digest)
			return `the content of ${header.path} was changed`;
		walk.seen.add(facts.ino);
	}
	return undefined;
}

async function digestOfContent(path: string, entry: IndexedEntry, digest: Digest, walk: Walk): Promise<Digest> {
	const digester = createDigester(algorithmOf(digest));
	const {sparse = [0, entry.header.size]} = entry;
	for (let at = 0; at < sparse.length; at += 2) {
		const range = readFileRange(path, sparse[at] as number, sparse[at + 1] as number, {
			reuse: true,
			signal: walk.signal,
		});
		for await (const chunk of range) {
			digester.update(chunk);
			walk.onBytes(chunk.length);
		}
	}
	return digester.finish();
}

/** Trees that were changed are made anew by the next unpack, without a byte being sent; links in the registry at once. */
async function verifyImages(folder: ContentFolder, walk: Walk, options: OperationOptions): Promise<void> {
	const read = createLayerRecords(folder);
	const registry = new Map<string, RegistrySource>();
	for (const image of await listImages(folder)) {
		const files = await readImageFiles(image, read);
		if (files === undefined) continue;
		const isThere = (await ifExists(() => lstat(image.path))) !== undefined;
		const {changed} = isThere ? await checkTree(folder, files.tree, image.path, options) : {changed: ''};
		if (changed !== undefined) {
			await removeFolder(image.path);
			walk.damaged.push({
				path: join(image.path, changed),
				why: isThere ? 'the tree was changed' : 'the tree is missing',
			});
		}
		// A tag that several images have is that of the last one.
		for (const [path, file] of registryFilesOf(folder, files.tree, files.records)) registry.set(path, file);
	}
	const {added} = await mergeRegistry(folder, registry, options);
	if (added > 0) walk.damaged.push({path: folder.registry, why: `${added} files were missing and have been put back`});
}

/** Blobs that a server fetched by itself. */
async function verifyRegistry(folder: ContentFolder, walk: Walk): Promise<void> {
	const root = join(registryRoot, 'blobs');
	const list = async (path: string): Promise<readonly Dirent[]> =>
		(await withIo('read', path, () => ifExists(() => readdir(path, {withFileTypes: true})))) ?? [];
	for (const algorithm of ['sha256', 'sha512']) {
		for (const prefix of await list(join(folder.root, root, algorithm))) {
			if (!prefix.isDirectory()) continue;
			for (const {name} of await list(join(folder.root, root, algorithm, prefix.name))) {
				const file = join(root, algorithm, prefix.name, name, 'data');
				const digest = registryFileOf(file)?.digest;
				if (digest !== undefined) await verifyRegistryBlob(join(folder.root, file), digest, walk);
			}
		}
	}
}

async function verifyRegistryBlob(path: string, digest: Digest, walk: Walk): Promise<void> {
	const facts = lstatSync(path, {throwIfNoEntry: false});
	if (facts?.isFile() !== true || walk.seen.has(facts.ino)) return;
	if ((await isIntact(digest, path, walk)) !== false) return;
	await withIo('remove', path, () => ifExists(() => unlink(path)));
	walk.damaged.push({path, why: 'the blob does not have the digest that it is named by'});
}

async function unlinkSame(path: string, source: string): Promise<void> {
	const [own, there] = [await ifExists(() => lstat(source)), await ifExists(() => lstat(path))];
	if (own !== undefined && own.ino === there?.ino) await withIo('remove', path, () => ifExists(() => unlink(path)));
}
