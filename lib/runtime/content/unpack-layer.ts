import {link, lstat, rename, stat, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bytes} from '../../core/bytes.js';
import {isSealError, SealError, systemCode} from '../../core/errors.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {decompress} from '../../oci/compress/decompress.js';
import {algorithmOf, createDigester} from '../../oci/digest.js';
import {writeXattrs} from '../../oci/disk/xattrs.js';
import {missingContent, readFileRange, verified} from '../../oci/verify.js';
import {isIntact} from './boot.js';
import type {UnpackRequest} from './content.js';
import type {ContentFolder} from './folder.js';
import {type LayerRecord, writeLayerRecord} from './layer-record.js';
import {LayerWriter} from './layer-writer.js';
import {registryFileOf} from './registry-paths.js';
import {freeBytesIn} from './space.js';

export type RequestedLayer = UnpackRequest['layers'][number];

/**
 * Unpacks the blob of a layer into the empty folder `target`, in one pass that checks the digest of the blob and that of the plain
 * tar. Nothing is flushed.
 * @throws SealError ERR_CONTENT_DIGEST and ERR_CONTENT_SIZE, when the blob is wrong and has been removed; see HostContent
 */
export async function unpackLayer(
	folder: ContentFolder,
	layer: RequestedLayer,
	target: string,
	options: OperationOptions,
): Promise<void> {
	const blob = folder.blob(layer.blob);
	try {
		const record = await writeContents(folder, layer, target, options);
		await shareBlobs(folder, record, target);
		await writeLayerRecord(target, record);
	} catch (thrown) {
		options.signal?.throwIfAborted();
		const error = ioError(thrown, 'unpack the layer into', target);
		if (isFull(error)) throw error;
		// Damage shows itself in many ways; a blob that is not what it is called is sent again by the next run.
		if (await isSound(blob, layer, error, options)) throw error;
		await ifExists(() => unlink(blob));
		throw damagedBlob(folder, layer, error);
	}
}

async function isSound(
	path: string,
	layer: RequestedLayer,
	error: unknown,
	options: OperationOptions,
): Promise<boolean> {
	const facts = await withIo('read', path, () => ifExists(() => stat(path)));
	if (facts?.size !== layer.sizeBytes) return false;
	// The tar was wrong only after the blob had been right.
	if (layer.blob !== layer.diffId && isSealError(error) && error.details.diffId === layer.diffId) return true;
	return (await isIntact(layer.blob, path, options)) !== false;
}

/** How much is written between two looks at the disk. */
const lookBytes = 64 * 1024 * 1024;

async function writeContents(
	folder: ContentFolder,
	layer: RequestedLayer,
	target: string,
	options: OperationOptions,
): Promise<LayerRecord> {
	const {signal} = options;
	const writer = new LayerWriter(target, {
		owners: process.geteuid?.() === 0,
		flushEarly: folder.durability === 'full',
	});
	const digester = createDigester(algorithmOf(layer.diffId));
	let lookedAt = 0;
	try {
		for await (const chunk of decompress(await openBlob(folder, layer, options), {signal})) {
			signal?.throwIfAborted();
			const writing = writer.push(chunk);
			digester.update(chunk);
			await writing;
			if (writer.writtenBytes - lookedAt < lookBytes) continue;
			lookedAt = writer.writtenBytes;
			if ((await freeBytesIn(target)) === 0) throw full(folder, layer);
		}
		await writer.finish();
	} finally {
		await writer.close();
	}
	const diffID = digester.finish();
	if (diffID !== layer.diffId) throw wrongTar(layer, diffID);
	await writeXattrs(target, writer.xattrs, options);
	return {index: {diffID, sizeBytes: digester.sizeBytes, entries: writer.entries}, digests: writer.digests};
}

/** The bytes of a blob, checked unless they are the plain tar itself, which is checked anyhow. */
async function openBlob(folder: ContentFolder, layer: RequestedLayer, options: OperationOptions): Promise<Bytes> {
	const path = folder.blob(layer.blob);
	const descriptor = {mediaType: layer.mediaType, digest: layer.blob, size: layer.sizeBytes};
	const found = await withIo('read', path, () => ifExists(() => stat(path)));
	if (found === undefined) throw missingContent(descriptor, folder.root);
	if (found.size !== layer.sizeBytes)
		throw new SealError('ERR_CONTENT_SIZE', `${path} has ${found.size} bytes, expected ${layer.sizeBytes}`);
	const {signal} = options;
	const bytes = counted(readFileRange(path, 0, layer.sizeBytes, {reuse: true, signal}), layer, options);
	return layer.blob === layer.diffId ? bytes : verified(bytes, descriptor, folder.root, {signal});
}

async function* counted(bytes: Bytes, layer: RequestedLayer, options: OperationOptions): AsyncGenerator<Uint8Array> {
	const report = progress(options, layer.blob, layer.sizeBytes);
	let doneBytes = 0;
	for await (const chunk of bytes) {
		doneBytes += chunk.length;
		report(doneBytes);
		yield chunk;
	}
	emit(options, {type: 'blob.progress', id: layer.blob, doneBytes, totalBytes: layer.sizeBytes});
}

/**
 * Blobs of container images that the host's registry has already, out of another layer or fetched by a server, are there once:
 * what was just written gives way to a link. The registry holds only what was checked against its name.
 */
async function shareBlobs(folder: ContentFolder, record: LayerRecord, target: string): Promise<void> {
	for (const {header, offset} of record.index.entries) {
		const file = registryFileOf(header.path);
		if (file?.kind !== 'blob' || file.digest !== record.digests.get(offset)) continue;
		const own = join(target, String(offset));
		const there = join(folder.root, header.path);
		await withIo('link', there, async () => {
			const found = await ifExists(() => lstat(there));
			const written = await lstat(own);
			if (found?.isFile() !== true || !isAlike(found, written)) return;
			try {
				await link(there, `${own}.shared`);
			} catch (error) {
				if (['ENOENT', 'EMLINK', 'EXDEV', 'EPERM'].includes(systemCode(error) ?? '')) return;
				throw error;
			}
			await rename(`${own}.shared`, own);
		});
	}
}

interface Facts {
	readonly size: number;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
}

function isAlike(a: Facts, b: Facts): boolean {
	return a.size === b.size && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

function isFull(error: unknown): boolean {
	const codes: readonly string[] = ['ERR_NO_SPACE', 'ERR_PERMISSION', 'ERR_READ_ONLY', 'ERR_CONTENT_MISSING'];
	return isSealError(error) && codes.includes(error.code);
}

function full(folder: ContentFolder, {blob}: RequestedLayer): SealError {
	return new SealError('ERR_NO_SPACE', `The disk of ${folder.root} filled up while the layer ${blob} was unpacked`, {
		hint: 'Free space on that disk, or remove images that are not needed there any more.',
		details: {path: folder.root, blob},
	});
}

function wrongTar({blob, diffId}: RequestedLayer, found: string): SealError {
	return new SealError(
		'ERR_CONTENT_DIGEST',
		`The layer ${blob} is ${found} when uncompressed, the image promises ${diffId}`,
		{details: {diffId, found}},
	);
}

function damagedBlob({root}: ContentFolder, {blob}: RequestedLayer, cause: unknown): SealError {
	return new SealError('ERR_CONTENT_DIGEST', `The blob ${blob} in ${root} was damaged and has been removed`, {
		hint: 'Run the same command again: it sends the blob anew.',
		details: {blob},
		cause,
	});
}
