import {contentKeyOf, contentKeyOfBytes} from '../../core/content-key.js';
import {encodeName} from '../../core/name.js';
import {type Compression, formatCompression} from '../../oci/compress/compression.js';
import {type Digest, digestOf, hexOf} from '../../oci/digest.js';
import type {LayerEntry} from '../../oci/entry.js';
import {locateContents} from '../../oci/layer/content.js';
import {writeLayer} from '../../oci/layer/write.js';
import type {CopiedEntry} from '../copy/types.js';
import type {LayerRecord} from './cache.js';
import {compressionFor} from './layer-compression.js';
import type {BuildSession} from './session.js';

export interface LayerRequest {
	/** Of the step, for progress. */
	readonly id: string;
	readonly entries: readonly CopiedEntry[];
	readonly compression: Compression;
}

/** A layer as the cache has it. */
export interface KeptLayer extends LayerRecord {
	/** Its key there; undefined when it could not be kept. */
	readonly key?: string | undefined;
}

export interface BuiltLayer extends KeptLayer {
	readonly cached: boolean;
}

/**
 * The layer of these entries: out of the cache when an equal one was written before, else written in one pass over the
 * bytes (decision 1). Two calls with entries of one shape take turns, so that platforms that share a step write it once.
 */
export async function layerOf(session: BuildSession, request: LayerRequest): Promise<BuiltLayer> {
	const known = await cachedLayer(session, request);
	if (known !== undefined) return {...known, cached: true};
	const shape = shapeKey(session, request);
	const before = session.underWay.get(shape);
	const own = (before ?? Promise.resolve())
		.catch(() => undefined)
		.then(() => session.writers.run(() => findOrWrite(session, request, shape, before !== undefined)));
	session.underWay.set(shape, own);
	return own;
}

/** The cached layer of these entries, hashing only what the stat cache does not know; undefined when there is none. */
export async function cachedLayer(session: BuildSession, request: LayerRequest): Promise<KeptLayer | undefined> {
	if (session.options.cache === false) return undefined;
	const keys = await knownKeys(session, request.entries);
	if (request.entries.some(entry => needsKey(entry) && !keys.has(entry))) {
		if ((await session.cache.note('shape', shapeKey(session, request))) === undefined) return undefined;
		await hashContents(session, request.entries, keys);
	}
	const key = layerKey(session, request, keys);
	const record = await session.cache.layer(key);
	return record === undefined ? undefined : {...record, key};
}

/** The content keys of all entries; files that the stat cache does not know are read. */
export async function contentKeysOf(
	session: BuildSession,
	entries: readonly CopiedEntry[],
): Promise<ReadonlyMap<LayerEntry, string>> {
	const keys = await knownKeys(session, entries);
	await hashContents(session, entries, keys);
	return keys;
}

async function findOrWrite(
	session: BuildSession,
	request: LayerRequest,
	shape: string,
	waited: boolean,
): Promise<BuiltLayer> {
	session.operation.signal?.throwIfAborted();
	const found = waited ? await cachedLayer(session, request) : undefined;
	if (found !== undefined) return {...found, cached: true};
	const record = await write(session, request);
	await session.cache.saveNote('shape', shape, true);
	return {...record, cached: false};
}

async function write(session: BuildSession, request: LayerRequest): Promise<KeptLayer> {
	const {cache, store, operation} = session;
	const {entries, compression, id} = request;
	const keys = new Map<LayerEntry, string>();
	const located = await locateContents(entries, store, session.scratchDir, {...operation, verified: session.verified});
	const original = new Map(located.map((entry, i) => [entry, entries[i] as CopiedEntry]));
	const written = await writeLayer(located, store, {
		...operation,
		id,
		compression: session.automatic ? compressionFor(located, compression) : compression,
		mediaTypes: session.options.format ?? 'oci',
		onContent: (entry, key) => keys.set(original.get(entry) as CopiedEntry, key),
	});
	const record = {
		descriptor: written.descriptor,
		diffID: written.diffID,
		sizeBytes: written.sizeBytes,
		newest: newestOf(entries),
	};
	remember(session, entries, keys);
	await cache.saveIndex(written.diffID, written.index);
	const byPath = Object.fromEntries([...keys].map(([entry, key]) => [entry.header.path, key]));
	await cache.saveNote(
		'content',
		hexOf(written.descriptor.digest),
		Object.fromEntries(
			written.index.entries
				.filter(e => byPath[e.header.path] !== undefined)
				.map(e => [e.offset, byPath[e.header.path]]),
		),
	);
	for (const entry of entries) if (needsKey(entry) && !keys.has(entry)) return record;
	const key = layerKey(session, request, keys);
	await cache.saveLayer(key, record);
	return {...record, key};
}

/** Writes a layer whose cache key is known without its contents (RUN, unpacked archives). */
export async function writeKeyed(session: BuildSession, request: LayerRequest, key: string): Promise<LayerRecord> {
	const {descriptor, diffID, sizeBytes, newest} = await session.writers.run(() => write(session, request));
	const record = {descriptor, diffID, sizeBytes, newest};
	await session.cache.saveLayer(key, record);
	return record;
}

function newestOf(entries: readonly LayerEntry[]): number {
	return entries.reduce((newest, {header}) => Math.max(newest, header.mtime), 0);
}

function needsKey(entry: LayerEntry): boolean {
	return entry.content !== undefined;
}

/** Content keys that need no reading: bytes at hand, files with a known identity, contents of layers written by a build. */
async function knownKeys(session: BuildSession, entries: readonly CopiedEntry[]): Promise<Map<LayerEntry, string>> {
	const keys = new Map<LayerEntry, string>();
	const layers = new Map<Digest, Readonly<Record<string, string>>>();
	for (const entry of entries) {
		const {content, identity} = entry;
		if (content === undefined) continue;
		if (content.kind === 'bytes') keys.set(entry, contentKeyOfBytes(content.bytes));
		if (content.kind === 'file' && identity !== undefined) {
			const key = session.stats.get(identity);
			if (key !== undefined) keys.set(entry, key);
		}
		if (content.kind === 'layer') {
			const {digest} = content.layer;
			if (!layers.has(digest))
				layers.set(digest, ((await session.cache.note('content', hexOf(digest))) ?? {}) as Record<string, string>);
			keys.set(entry, layers.get(digest)?.[content.offset] ?? `${digest}@${content.offset}`);
		}
	}
	return keys;
}

async function hashContents(
	session: BuildSession,
	entries: readonly CopiedEntry[],
	keys: Map<LayerEntry, string>,
): Promise<void> {
	for (const entry of entries) {
		session.operation.signal?.throwIfAborted();
		if (entry.content?.kind !== 'file' || keys.has(entry)) continue;
		keys.set(entry, await contentKeyOf(entry.content.path));
	}
	remember(session, entries, keys);
}

function remember(session: BuildSession, entries: readonly CopiedEntry[], keys: ReadonlyMap<LayerEntry, string>): void {
	for (const entry of entries) {
		const key = keys.get(entry);
		if (key !== undefined && entry.identity !== undefined) session.stats.set(entry.identity, key);
	}
}

/** Everything that decides the bytes of the layer but contents and mtimes; sizes stand for the contents. */
function shapeKey(session: BuildSession, request: LayerRequest): string {
	return keyOf(session, request, entry => `size ${entry.header.size}`);
}

function layerKey(session: BuildSession, request: LayerRequest, keys: ReadonlyMap<LayerEntry, string>): string {
	return keyOf(session, request, entry => keys.get(entry) ?? '');
}

function keyOf(session: BuildSession, request: LayerRequest, contentOf: (entry: LayerEntry) => string): string {
	const settings = layerSettings(session, request.compression);
	// Fields end with NUL, which no name or link can hold, and every entry has the same number of them.
	let rows = `${JSON.stringify(settings)}\0`;
	for (const entry of request.entries) {
		const {path, type, mode, uid, gid, size, linkname = '', devmajor = '', devminor = '', xattrs} = entry.header;
		const attributes = xattrs === undefined ? '' : formatXattrs(xattrs);
		rows += `${path}\0${type}\0${mode}\0${uid}\0${gid}\0${size}\0${linkname}\0${devmajor}\0${devminor}\0${attributes}\0${contentOf(entry)}\0`;
	}
	return hexOf(digestOf(encodeName(rows)));
}

/** What decides the bytes of a layer besides its entries. */
export function layerSettings(session: BuildSession, compression: Compression): readonly unknown[] {
	const {format = 'oci', timestamp = null} = session.options;
	return [session.automatic, formatCompression(compression), format, timestamp];
}

function formatXattrs(xattrs: Readonly<Record<string, Uint8Array>>): string {
	return JSON.stringify(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value).toString('base64')]));
}
