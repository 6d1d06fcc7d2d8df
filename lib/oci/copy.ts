import {oneChunk} from '../core/bytes.js';
import {SealError} from '../core/errors.js';
import {emit, type OperationOptions, progress} from '../core/events.js';
import {createGate} from '../core/pool.js';
import {
	type ContentOpener,
	hasBlobFiles,
	type ImageSink,
	type ImageSource,
	isBlobAdopter,
	isResumableSink,
} from './content.js';
import {onSide, streamOnSide} from './content-error.js';
import type {Descriptor} from './descriptor.js';
import type {Digest} from './digest.js';
import {isAttestation, readDocument, resolvePlatform} from './image.js';
import {childrenOf, isIndex, maxManifestBytes, parseManifest} from './manifest.js';
import {isIndexType, isManifestType} from './media-types.js';
import type {Platform} from './platform.js';
import {discard} from './verify.js';

export interface CopyOptions extends OperationOptions {
	/** The name in the sink; default is the name in the source. A digest stores the image without a name. */
	readonly as?: string | undefined;
	/** Copy only the image for this platform out of an index; default is all of it. */
	readonly platform?: Platform | undefined;
	/** With `platform`: keep the index bytes (and digest) although only one child comes along. */
	readonly keepIndex?: boolean | undefined;
	/** Blobs in flight; default 4. */
	readonly concurrency?: number | undefined;
}

/**
 * The one verb that moves images: everything that `reference` reaches in `source` is stored in `sink`, children before
 * parents, the name last. Content that the sink has is skipped, media types that we do not know are copied as they are.
 * Resolves with the descriptor that the name now points to.
 * @throws ContentError telling which side failed; SealError ERR_PLATFORM, ERR_IMAGE_UNKNOWN
 */
export async function copy(
	source: ImageSource,
	reference: string,
	sink: ImageSink,
	options: CopyOptions = {},
): Promise<Descriptor> {
	const {signal} = options;
	signal?.throwIfAborted();
	const found = await onSide('source', undefined, () => source.resolve(reference, {signal}));
	const copied = await copyContent(source, found, sink, options);
	await onSide('sink', copied, () => sink.tag(options.as ?? reference, copied, {signal}));
	return copied;
}

/**
 * `copy` without names: stores what `descriptor` reaches and resolves with the descriptor of what was stored, which is
 * another one when `platform` chose a child.
 */
export async function copyContent(
	source: ImageSource,
	descriptor: Descriptor,
	sink: ImageSink,
	options: CopyOptions = {},
): Promise<Descriptor> {
	const {platform, signal} = options;
	const stop = new AbortController();
	const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
	const work: Work = {
		source,
		sink,
		options: {...options, signal: either},
		gate: createGate(Math.max(1, options.concurrency ?? 4)),
		started: new Map(),
		only: undefined,
	};
	if (platform === undefined) return await runGraph(work, descriptor, stop);
	const child = await onSide('source', descriptor, () => resolvePlatform(source, descriptor, platform, {signal}));
	if (options.keepIndex !== true || child.digest === descriptor.digest) {
		return await runGraph(work, {mediaType: child.mediaType, digest: child.digest, size: child.size}, stop);
	}
	return await runGraph({...work, only: child.digest}, descriptor, stop);
}

interface Work {
	readonly source: ImageSource;
	readonly sink: ImageSink;
	readonly options: CopyOptions;
	readonly gate: ReturnType<typeof createGate>;
	/** One copy per digest, however often the graph names it. */
	readonly started: Map<Digest, Promise<void>>;
	/** With `keepIndex`: the one manifest whose content comes along. */
	readonly only: Digest | undefined;
}

const maxNodes = 200_000;
const maxDepth = 12;

/** The first failure aborts the rest; the call rejects when nothing is running any more. */
async function runGraph(work: Work, descriptor: Descriptor, stop: AbortController): Promise<Descriptor> {
	let failure: {readonly reason: unknown} | undefined;
	const fail = (reason: unknown): void => {
		failure ??= {reason};
		stop.abort(reason);
	};
	await copyNode(work, descriptor, 0, fail).catch(fail);
	for (let settled = -1; settled < work.started.size; ) {
		settled = work.started.size;
		await Promise.allSettled(work.started.values());
	}
	if (failure !== undefined) throw failure.reason;
	return descriptor;
}

function copyNode(work: Work, descriptor: Descriptor, depth: number, fail: (reason: unknown) => void): Promise<void> {
	const running = work.started.get(descriptor.digest);
	if (running !== undefined) return running;
	if (depth > maxDepth || work.started.size >= maxNodes) {
		throw new SealError('ERR_MANIFEST_INVALID', 'The image is nested too deep or names too much content');
	}
	const isDocument = isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType);
	const promise = isDocument
		? copyDocument(work, descriptor, depth, fail)
		: work.gate.run(() => copyBlob(work, descriptor));
	work.started.set(descriptor.digest, promise);
	promise.catch(fail);
	return promise;
}

async function copyDocument(
	work: Work,
	descriptor: Descriptor,
	depth: number,
	fail: (reason: unknown) => void,
): Promise<void> {
	const {source, sink, options} = work;
	const {signal} = options;
	const bytes = await work.gate.run(() =>
		onSide('source', descriptor, () => readDocument(source, descriptor, maxManifestBytes, {signal})),
	);
	const document = await onSide('source', descriptor, async () =>
		parseManifest(bytes, descriptor.mediaType, descriptor.digest),
	);
	const children = childrenOf(document).filter(child => !isIndex(document) || isWanted(work, child));
	await Promise.all(children.map(child => copyNode(work, child, depth + 1, fail)));
	signal?.throwIfAborted();
	await onSide('sink', descriptor, async () => {
		if (await sink.exists(descriptor, {signal})) return skipped(work, descriptor);
		await sink.push(descriptor, oneChunk(bytes), {signal});
		emit(options, {type: 'blob.finished', id: descriptor.digest, digest: descriptor.digest, sizeBytes: bytes.length});
	});
}

/** In a sparse copy nested indexes come along, as the one wanted manifest may be below them; nothing else does. */
function isWanted(work: Work, child: Descriptor): boolean {
	if (work.only === undefined || child.digest === work.only) return true;
	return isIndexType(child.mediaType) && !isAttestation(child);
}

async function copyBlob(work: Work, descriptor: Descriptor): Promise<void> {
	const {source, sink, options} = work;
	const {signal} = options;
	signal?.throwIfAborted();
	if (await onSide('sink', descriptor, () => sink.exists(descriptor, {signal}))) return skipped(work, descriptor);
	const id = descriptor.digest;
	if (hasBlobFiles(source) && isBlobAdopter(sink)) {
		const adopted = await onSide('source', descriptor, () => sink.adopt(descriptor, source.blobPath(id), {signal}));
		if (adopted) return emit(options, {type: 'blob.finished', id, digest: id, sizeBytes: descriptor.size});
	}
	if (await isLeftOut(work, descriptor)) return skipped(work, descriptor);
	const report = progress(options, id, descriptor.size);
	const read: ContentOpener = async (offset, how) => {
		const bytes = await onSide('source', descriptor, () => source.fetch(descriptor, {...how, offset}));
		let doneBytes = offset;
		return streamOnSide('source', descriptor, bytes, sizeBytes => {
			doneBytes += sizeBytes;
			report(doneBytes);
		});
	};
	await onSide('sink', descriptor, async () => {
		if (isResumableSink(sink)) return await sink.pushFrom(descriptor, read, {signal});
		const bytes = await read(0, {signal});
		// A sink that fails before it reads must not leave a download hanging.
		await sink.push(descriptor, bytes, {signal}).finally(() => discard(bytes).catch(() => undefined));
	});
	emit(options, {type: 'blob.finished', id, digest: id, sizeBytes: descriptor.size});
}

/** Layers that may not be distributed ("foreign" layers of old Windows images) are fetched by the runtime from their `urls`. */
async function isLeftOut(work: Work, descriptor: Descriptor): Promise<boolean> {
	if (descriptor.urls === undefined || descriptor.urls.length === 0) return false;
	if (!/nondistributable|foreign/.test(descriptor.mediaType)) return false;
	return !(await onSide('source', descriptor, () => work.source.exists(descriptor, {signal: work.options.signal})));
}

function skipped(work: Work, {digest, size}: Descriptor): void {
	emit(work.options, {type: 'blob.skipped', id: digest, digest, sizeBytes: size});
}
