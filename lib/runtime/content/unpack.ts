import {randomBytes} from 'node:crypto';
import {chmod, mkdir, open, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {emit, type OperationOptions} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {mapBounded} from '../../core/pool.js';
import {sweepTempDirs, withTempDir} from '../../core/temp-dir.js';
import {sniffCompression} from '../../oci/compress/decompress.js';
import type {Digest} from '../../oci/digest.js';
import {missingContent} from '../../oci/verify.js';
import {flushedMode} from './boot.js';
import type {UnpackedImage, UnpackRequest} from './content.js';
import {flush} from './flush.js';
import {alone, type ContentFolder, prepareFolder, replaceFolder} from './folder.js';
import {exists, hasLayer} from './have.js';
import {makeImage} from './make-image.js';
import {sweepPartials} from './partial.js';
import {checkSpace} from './space.js';
import {type RequestedLayer, unpackLayer} from './unpack-layer.js';

/** See HostContent. */
export async function unpack(
	folder: ContentFolder,
	request: UnpackRequest,
	options: OperationOptions,
): Promise<UnpackedImage> {
	options.signal?.throwIfAborted();
	await prepareFolder(folder);
	const work = async (): Promise<UnpackedImage> => {
		await sweepTempDirs(folder.work);
		await sweepPartials(folder);
		return await withTempDir(folder.work, scratch => unpackAlone(folder, request, scratch, options), 'unpack');
	};
	return await alone(folder, work, options);
}

async function unpackAlone(
	folder: ContentFolder,
	request: UnpackRequest,
	scratch: string,
	options: OperationOptions,
): Promise<UnpackedImage> {
	const missing = await missingLayers(folder, request);
	const keepBlobs = request.keepBlobs === true;
	const groups = keepBlobs ? [missing] : batches(missing);
	await checkSpace(folder.root, await neededBytes(folder, groups), `unpacking ${request.name}`);
	const step = {type: 'step.started', id: request.name, title: `Unpack ${request.name}`} as const;
	emit(options, step);
	const started = performance.now();
	for (const batch of groups) {
		await unpackBatch(folder, batch, scratch, options);
		if (!keepBlobs) await dropBlobs(folder, batch);
	}
	const {image, statement} = await makeImage(folder, request, scratch, options);
	if (keepBlobs) {
		await believeBlobs(folder, missing);
	} else {
		await dropBlobs(folder, request.layers);
		await statement.publish();
	}
	emit(options, {...step, type: 'step.finished', elapsedMs: Math.round(performance.now() - started)});
	return {...image, unpacked: missing.length};
}

/** @throws SealError ERR_CONTENT_MISSING before anything is unpacked */
async function missingLayers(folder: ContentFolder, {layers}: UnpackRequest): Promise<readonly RequestedLayer[]> {
	const missing = new Map<Digest, RequestedLayer>();
	for (const layer of layers) {
		if (await hasLayer(folder, layer.diffId)) continue;
		const {blob: digest, mediaType, sizeBytes: size} = layer;
		if (!(await exists(folder.blob(digest)))) throw missingContent({mediaType, digest, size}, folder.root);
		missing.set(layer.diffId, layer);
	}
	return [...missing.values()];
}

/** What the disk must have at least, beside the blobs: they go when their group is unpacked. */
async function neededBytes(folder: ContentFolder, groups: readonly (readonly RequestedLayer[])[]): Promise<number> {
	let most = 0;
	for (const layers of groups) {
		const sizes = await mapBounded(layers, 16, layer => plainBytes(folder.blob(layer.blob), layer.sizeBytes));
		most = Math.max(
			most,
			sizes.reduce((sum, size) => sum + size, 0),
		);
	}
	return most;
}

/** At least this much is in a blob: gzip says at its end how long its last member is (RFC 1952, 2.3.1), modulo 4 GiB. */
async function plainBytes(path: string, sizeBytes: number): Promise<number> {
	const file = await withIo('read', path, () => open(path, 'r'));
	try {
		const [start, end] = [Buffer.alloc(6), Buffer.alloc(4)];
		await file.read(start, 0, start.length, 0);
		await file.read(end, 0, end.length, Math.max(0, sizeBytes - end.length));
		return sniffCompression(start) === 'gzip' ? Math.max(sizeBytes, end.readUInt32LE()) : sizeBytes;
	} finally {
		await file.close();
	}
}

/** Layers that are flushed together. A blob goes after that, so that a disk needs room for these twice, not for the image. */
const batchBytes = 1024 * 1024 * 1024;

function batches(layers: readonly RequestedLayer[]): readonly RequestedLayer[][] {
	const result: RequestedLayer[][] = [];
	let sum = 0;
	for (const layer of layers) {
		const last = result.at(-1);
		sum += layer.sizeBytes;
		if (last !== undefined && sum <= batchBytes) {
			last.push(layer);
		} else {
			result.push([layer]);
			sum = layer.sizeBytes;
		}
	}
	return result;
}

/** One thread hashes and writes; the others uncompress. */
const layersAtOnce = 3;

async function unpackBatch(
	folder: ContentFolder,
	layers: readonly RequestedLayer[],
	scratch: string,
	options: OperationOptions,
): Promise<void> {
	if (layers.length === 0) return;
	const made = await mapBounded(
		layers,
		layersAtOnce,
		async layer => {
			const target = join(scratch, randomBytes(8).toString('hex'));
			await withIo('make', target, () => mkdir(target, {mode: 0o700}));
			await unpackLayer(folder, layer, target, options);
			return {layer, target};
		},
		options,
	);
	// A folder that is renamed survives a power cut sooner than the bytes of its files do.
	await flush(folder);
	options.signal?.throwIfAborted();
	for (const {layer, target} of made) {
		const path = folder.layer(layer.diffId);
		await withIo('move the layer to', path, () => replaceFolder(target, path));
	}
}

/** Kept blobs were flushed with the layers: they are not read again after a boot. */
async function believeBlobs(folder: ContentFolder, layers: readonly RequestedLayer[]): Promise<void> {
	for (const {blob} of layers) {
		const path = folder.blob(blob);
		await withIo('change the mode of', path, () => ifExists(() => chmod(path, flushedMode)));
	}
}

async function dropBlobs(folder: ContentFolder, layers: readonly RequestedLayer[]): Promise<void> {
	for (const {blob} of layers) {
		const path = folder.blob(blob);
		await withIo('remove', path, () => ifExists(() => unlink(path)));
	}
}
