import {setMaxListeners} from 'node:events';
import {oneChunk} from '../core/bytes.js';
import {SealError} from '../core/errors.js';
import {emit, type OperationOptions, progress} from '../core/events.js';
import {createGate} from '../core/pool.js';
import {
	type ContentOpener,
	hasBlobFiles,
	holdsWholeManifests,
	type ImageSink,
	type ImageSource,
	isBlobAdopter,
	isContentMounter,
	isPlacedContent,
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
	/** Blobs in flight; default 6. */
	readonly concurrency?: number | undefined;
	/** Places of the sink (`host/repository`) that may hold content already: it is mounted from there instead of sent. */
	readonly mountFrom?: readonly string[] | undefined;
	/**
	 * Ask for every blob even where the sink has the manifest that names it: mends a repository that lost blobs. Default
	 * false.
	 */
	readonly recheck?: boolean | undefined;
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
	// Every request in flight listens: that is no leak.
	setMaxListeners(0, either);
	const work: Work = {
		source,
		sink,
		options: {...options, signal: either},
		gate: createGate(Math.max(1, options.concurrency ?? 6)),
		questions: createGate(maxQuestions),
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
	/** Asking what the sink has takes a round trip and no bandwidth: more of it is done at once. */
	readonly questions: ReturnType<typeof createGate>;
	/** One copy per digest, however often the graph names it. */
	readonly started: Map<Digest, Promise<void>>;
	/** With `keepIndex`: the one manifest whose content comes along. */
	readonly only: Digest | undefined;
}

const maxQuestions = 16;
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
	const promise = isDocument ? copyDocument(work, descriptor, depth, fail) : copyBlob(work, descriptor);
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
	const asking = holdsWholeManifests(sink) ? isInSink(work, descriptor) : Promise.resolve(undefined);
	// It may fail before the manifest is read: an abort ends both.
	asking.catch(() => undefined);
	let bytes: Buffer;
	try {
		const read = () => readDocument(source, descriptor, maxManifestBytes, {signal});
		bytes = await work.gate.run(() => onSide('source', descriptor, read));
	} finally {
		// Nothing is left running behind a failure.
		await asking.catch(() => undefined);
	}
	const isThere = await asking;
	const document = await onSide('source', descriptor, async () =>
		parseManifest(bytes, descriptor.mediaType, descriptor.digest),
	);
	const children = childrenOf(document).filter(child => !isIndex(document) || isWanted(work, child));
	if (isThere === true && !isIndex(document) && options.recheck !== true) {
		for (const child of children) skipOnce(work, child);
		return skipped(work, descriptor);
	}
	await Promise.all(children.map(child => copyNode(work, child, depth + 1, fail)));
	signal?.throwIfAborted();
	if (isThere ?? (await isInSink(work, descriptor))) return skipped(work, descriptor);
	await onSide('sink', descriptor, () => sink.push(descriptor, oneChunk(bytes), {signal}));
	finished(work, descriptor, bytes.length);
}

async function isInSink({sink, questions, options}: Work, descriptor: Descriptor): Promise<boolean> {
	const {signal} = options;
	return await questions.run(async () => {
		signal?.throwIfAborted();
		return await onSide('sink', descriptor, () => sink.exists(descriptor, {signal}));
	});
}

/** For content that comes with its manifest. */
function skipOnce(work: Work, descriptor: Descriptor): void {
	if (work.started.has(descriptor.digest)) return;
	work.started.set(descriptor.digest, Promise.resolve());
	skipped(work, descriptor);
}

/** In a sparse copy nested indexes come along, as the one wanted manifest may be below them; nothing else does. */
function isWanted(work: Work, child: Descriptor): boolean {
	if (work.only === undefined || child.digest === work.only) return true;
	return isIndexType(child.mediaType) && !isAttestation(child);
}

async function copyBlob(work: Work, descriptor: Descriptor): Promise<void> {
	if (await isInSink(work, descriptor)) return skipped(work, descriptor);
	await work.gate.run(() => moveBlob(work, descriptor));
}

async function moveBlob(work: Work, descriptor: Descriptor): Promise<void> {
	const {source, sink, options} = work;
	const {signal} = options;
	signal?.throwIfAborted();
	const id = descriptor.digest;
	if (hasBlobFiles(source) && isBlobAdopter(sink)) {
		const adopted = await onSide('source', descriptor, () => sink.adopt(descriptor, source.blobPath(id), {signal}));
		if (adopted) return finished(work, descriptor, descriptor.size);
	}
	if (await isLeftOut(work, descriptor)) return skipped(work, descriptor);
	if (isContentMounter(sink)) {
		const from = [...(isPlacedContent(source) ? source.placesOf(descriptor) : []), ...(options.mountFrom ?? [])];
		const found = await onSide('sink', descriptor, () => sink.mount(descriptor, {from, signal}));
		if (found !== undefined) {
			return emit(options, {type: 'blob.mounted', id, digest: id, sizeBytes: descriptor.size, from: found});
		}
	}
	await sendBlob(work, descriptor);
}

async function sendBlob(work: Work, descriptor: Descriptor): Promise<void> {
	const {source, sink, options} = work;
	const {signal} = options;
	const report = progress(options, descriptor.digest, descriptor.size);
	let sentBytes = 0;
	const read: ContentOpener = async (offset, how) => {
		const bytes = await onSide('source', descriptor, () => source.fetch(descriptor, {...how, offset}));
		let doneBytes = offset;
		return streamOnSide('source', descriptor, bytes, sizeBytes => {
			sentBytes += sizeBytes;
			doneBytes += sizeBytes;
			report(doneBytes);
		});
	};
	await onSide('sink', descriptor, async () => {
		if (isResumableSink(sink)) return await sink.pushFrom(descriptor, read, {signal});
		const bytes = await read(0, {signal});
		try {
			await sink.push(descriptor, bytes, {signal});
		} finally {
			// A sink that fails before it reads must not leave a download hanging.
			await discard(bytes).catch(() => undefined);
		}
	});
	finished(work, descriptor, sentBytes);
}

/** Layers that may not be distributed ("foreign" layers of old Windows images) are fetched by the runtime from their `urls`. */
async function isLeftOut(work: Work, descriptor: Descriptor): Promise<boolean> {
	if (descriptor.urls === undefined || descriptor.urls.length === 0) return false;
	if (!/nondistributable|foreign/.test(descriptor.mediaType)) return false;
	return !(await onSide('source', descriptor, () => work.source.exists(descriptor, {signal: work.options.signal})));
}

function finished({options}: Work, {digest, size}: Descriptor, sentBytes: number): void {
	const sent = sentBytes === size ? {} : {sentBytes};
	emit(options, {type: 'blob.finished', id: digest, digest, sizeBytes: size, ...sent});
}

function skipped(work: Work, {digest, size}: Descriptor): void {
	emit(work.options, {type: 'blob.skipped', id: digest, digest, sizeBytes: size});
}
