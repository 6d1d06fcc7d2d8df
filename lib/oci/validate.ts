import {SealError} from '../core/errors.js';
import {emit, type OperationOptions} from '../core/events.js';
import {mapBounded} from '../core/pool.js';
import {decompress} from './compress/decompress.js';
import {type ImageConfig, parseConfig} from './config.js';
import type {ImageSource} from './content.js';
import type {Descriptor} from './descriptor.js';
import {createDigester, type Digest} from './digest.js';
import {type GraphNode, walkGraph} from './graph.js';
import {isImageConfig, readDocument} from './image.js';
import {type ImageManifest, isIndex, maxConfigBytes, parseManifest} from './manifest.js';
import {isIndexType, isManifestType, mediaTypes} from './media-types.js';
import {formatPlatform, normalizePlatform} from './platform.js';
import {verified} from './verify.js';

/** One thing that is wrong with an image. */
export interface Finding {
	/** An error code of the table, or `warning` for what other tools accept. */
	readonly code: string;
	readonly digest: Digest;
	readonly message: string;
}

export interface Verification {
	readonly descriptor: Descriptor;
	readonly findings: readonly Finding[];
	/** Content read and hashed. */
	readonly blobs: number;
	readonly sizeBytes: number;
	/** Children of indexes that are not there: legal in a sparse index. */
	readonly missingChildren: readonly Digest[];
}

export interface VerifyOptions extends OperationOptions {
	/** Layers read at once; default 2. */
	readonly concurrency?: number;
}

/**
 * Reads every byte that an image reaches and recomputes what is claimed about it: digests, sizes, diffIDs, the number of
 * layers against config and history, and the structure of manifests and configs. Finds all that is wrong, not the first only.
 * @throws SealError ERR_IMAGE_UNKNOWN; everything else is a finding
 */
export async function verifyImage(
	source: ImageSource,
	reference: string,
	options: VerifyOptions = {},
): Promise<Verification> {
	const {signal} = options;
	const root = await source.resolve(reference, {signal});
	const findings: Finding[] = [];
	const missingChildren: Digest[] = [];
	const leaves = new Map<Digest, Descriptor>();
	/** What a layer must be when it is uncompressed, from the configs that list it. */
	const diffIds = new Map<Digest, Digest>();
	let blobs = 0;
	let sizeBytes = 0;
	for await (const node of walkGraph(source, root, {tolerant: true, ...(signal ? {signal} : {})})) {
		const {descriptor} = node;
		if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) {
			leaves.set(descriptor.digest, descriptor);
			continue;
		}
		if (node.parent !== undefined && !(await source.exists(descriptor, {signal}))) {
			missingChildren.push(descriptor.digest);
			continue;
		}
		blobs++;
		sizeBytes += descriptor.size;
		await collectFinding(findings, descriptor, signal, () => checkNode(source, node, findings, diffIds, options));
	}
	await mapBounded(
		leaves.values(),
		options.concurrency ?? 2,
		async descriptor => {
			blobs++;
			sizeBytes += descriptor.size;
			await collectFinding(findings, descriptor, signal, () =>
				checkBlob(source, descriptor, diffIds, findings, options),
			);
		},
		{signal},
	);
	return {descriptor: root, findings, blobs, sizeBytes, missingChildren};
}

async function collectFinding(
	findings: Finding[],
	descriptor: Descriptor,
	signal: AbortSignal | undefined,
	work: () => Promise<void>,
): Promise<void> {
	try {
		await work();
	} catch (error) {
		signal?.throwIfAborted();
		if (!(error instanceof SealError)) throw error;
		findings.push({code: error.code, digest: descriptor.digest, message: error.message});
	}
}

async function checkNode(
	source: ImageSource,
	{descriptor, document: read, parent}: GraphNode,
	findings: Finding[],
	diffIds: Map<Digest, Digest>,
	options: VerifyOptions,
): Promise<void> {
	const document = read ?? (await reread(source, descriptor, options));
	if (isIndex(document) || !isImageConfig(document)) return;
	const {signal} = options;
	const configBytes = await readDocument(source, document.config, maxConfigBytes, {signal});
	const config = parseConfig(configBytes, document.config.digest);
	checkConfig(document, config, descriptor, findings);
	if (parent !== undefined && descriptor.platform !== undefined) checkPlatform(descriptor, config, findings);
	for (const [i, layer] of document.layers.entries()) {
		const diffId = config.rootfs.diff_ids[i];
		if (diffId === undefined) continue;
		const known = diffIds.get(layer.digest);
		if (known !== undefined && known !== diffId) {
			const message = `The layer is listed with two diffIDs, ${known} and ${diffId}`;
			findings.push({code: 'ERR_MANIFEST_INVALID', digest: layer.digest, message});
		}
		diffIds.set(layer.digest, diffId);
	}
}

/** The walk passed over it in silence: the error is wanted here. */
async function reread(source: ImageSource, descriptor: Descriptor, {signal}: VerifyOptions): Promise<ImageManifest> {
	const bytes = await readDocument(source, descriptor, descriptor.size, {signal});
	return parseManifest(bytes, descriptor.mediaType, descriptor.digest) as ImageManifest;
}

function checkConfig(manifest: ImageManifest, config: ImageConfig, at: Descriptor, findings: Finding[]): void {
	const add = (message: string, code = 'ERR_MANIFEST_INVALID'): void => {
		findings.push({code, digest: at.digest, message});
	};
	const layers = manifest.layers.length;
	const diffIds = config.rootfs.diff_ids.length;
	if (layers !== diffIds) add(`The manifest lists ${layers} layers, its config ${diffIds}`);
	if (config.rootfs.type !== 'layers') add(`rootfs.type is ${JSON.stringify(config.rootfs.type)}, expected "layers"`);
	const {history} = config;
	if (history === undefined) return;
	if (!Array.isArray(history)) {
		add('history is no list');
		return;
	}
	const filled = history.filter(entry => entry?.empty_layer !== true).length;
	if (filled !== diffIds) add(`The history has ${filled} entries with a layer, the config ${diffIds} layers`);
}

function checkPlatform(descriptor: Descriptor, config: ImageConfig, findings: Finding[]): void {
	const claimed = formatPlatform(normalizePlatform(descriptor.platform!));
	const found = formatPlatform(normalizePlatform(config));
	if (claimed === found || claimed.startsWith('unknown/')) return;
	const message = `The index says ${claimed}, the config says ${found}`;
	findings.push({code: 'ERR_PLATFORM', digest: descriptor.digest, message});
}

const plainTypes: ReadonlySet<string> = new Set([mediaTypes.layer, mediaTypes.dockerLayer]);
const compressedTypes: ReadonlySet<string> = new Set([
	mediaTypes.layerGzip,
	mediaTypes.layerZstd,
	mediaTypes.dockerLayerGzip,
]);

async function checkBlob(
	source: ImageSource,
	descriptor: Descriptor,
	diffIds: ReadonlyMap<Digest, Digest>,
	findings: Finding[],
	options: VerifyOptions,
): Promise<void> {
	const {signal} = options;
	const bytes = verified(await source.fetch(descriptor, {signal}), descriptor, 'the image', {signal});
	const diffId = diffIds.get(descriptor.digest);
	const add = (code: string, message: string): void => {
		findings.push({code, digest: descriptor.digest, message});
	};
	if (diffId !== undefined && compressedTypes.has(descriptor.mediaType)) {
		const digester = createDigester();
		for await (const chunk of decompress(bytes, {...(signal ? {signal} : {})})) digester.update(chunk);
		const found = digester.finish();
		if (found !== diffId) add('ERR_CONTENT_DIGEST', `The layer unpacks to ${found}, the config says ${diffId}`);
	} else {
		for await (const _ of bytes);
		if (diffId !== undefined && plainTypes.has(descriptor.mediaType) && diffId !== descriptor.digest) {
			add('ERR_CONTENT_DIGEST', `The plain layer is ${descriptor.digest}, the config says ${diffId}`);
		}
	}
	const {digest, size} = descriptor;
	emit(options, {type: 'blob.finished', id: digest, digest, sizeBytes: size});
}
