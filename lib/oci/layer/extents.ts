import {open} from 'node:fs/promises';
import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {decompress, sniffCompression} from '../compress/decompress.js';
import type {BlobFiles, ContentReader} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import type {Digest} from '../digest.js';
import type {EntryContent, LayerEntry} from '../entry.js';
import {expandSparse} from '../tar/sparse.js';
import {cutRanges, type Range} from './cut-ranges.js';
import type {SparseMap} from './layer-index.js';

/** Where layers are read from: any store, faster when its blobs are files. */
export type LayerSource = ContentReader & Partial<BlobFiles>;

export interface VerifyOptions extends Abortable {
	/** Blobs known to be whole; what gets verified is added. */
	readonly verified?: Set<Digest> | undefined;
}

/** One content in the tar of a layer, and every entry that has it. */
export interface Extent<T extends LayerEntry = LayerEntry> extends Range {
	readonly sizeBytes: number;
	readonly sparse: SparseMap | undefined;
	readonly entries: T[];
}

export interface LayerExtents<T extends LayerEntry = LayerEntry> {
	readonly layer: Descriptor;
	/** Ascending. */
	readonly extents: ReadonlyArray<Extent<T>>;
}

type LayerContent = Extract<EntryContent, {kind: 'layer'}>;

/** Sorts the entries whose content lies in layers by layer and place. */
export function groupByLayer<T extends LayerEntry>(entries: Iterable<T>): Array<LayerExtents<T>> {
	const layers = new Map<Digest, {readonly layer: Descriptor; readonly extents: Map<number, Extent<T>>}>();
	for (const entry of entries) {
		const {content} = entry;
		if (content?.kind !== 'layer') continue;
		const {layer, offset} = content;
		let group = layers.get(layer.digest);
		if (group === undefined) {
			group = {layer, extents: new Map()};
			layers.set(layer.digest, group);
		}
		const extent = group.extents.get(offset);
		if (extent === undefined) group.extents.set(offset, extentOf(entry, content));
		else extent.entries.push(entry);
	}
	return [...layers.values()].map(({layer, extents}) => ({
		layer,
		extents: [...extents.values()].sort((a, b) => a.offset - b.offset),
	}));
}

function extentOf<T extends LayerEntry>(entry: T, content: LayerContent): Extent<T> {
	const {offset, sparse} = content;
	const sizeBytes = entry.header.size;
	const lengthBytes = sparse === undefined ? sizeBytes : sparse.reduce((sum, value, i) => sum + (i % 2) * value, 0);
	return {offset, lengthBytes, sizeBytes, sparse, entries: [entry]};
}

/** The bytes of an extent out of what is stored of it. */
export function expand(extent: Extent, stored: Bytes): Bytes {
	return extent.sparse === undefined ? stored : expandSparse(stored, extent.sparse, extent.sizeBytes);
}

/**
 * The path of the blob when its bytes are the tar itself, so that contents can be read at their place; verified once.
 * Undefined for compressed layers and for stores without files.
 */
export async function plainBlobPath(
	store: LayerSource,
	layer: Descriptor,
	options: VerifyOptions,
): Promise<string | undefined> {
	const path = store.blobPath?.(layer.digest);
	if (path === undefined) return undefined;
	const start = await readStart(path);
	if (start === undefined || sniffCompression(start) !== 'none') return undefined;
	if (options.verified?.has(layer.digest) !== true) {
		for await (const _ of await store.fetch(layer, {signal: options.signal}));
		options.verified?.add(layer.digest);
	}
	return path;
}

/**
 * Streams extents out of a layer in one pass over it. The rest of the blob is read too, to verify it, but not
 * uncompressed; the generator ends without an error only when the blob is right.
 */
export async function* streamExtents<T extends LayerEntry>(
	store: LayerSource,
	{layer, extents}: LayerExtents<T>,
	options: VerifyOptions,
): AsyncGenerator<{readonly extent: Extent<T>; readonly bytes: Bytes}> {
	const blob = (await store.fetch(layer, {signal: options.signal}))[Symbol.asyncIterator]();
	try {
		const shielded: AsyncIterableIterator<Uint8Array> = {
			next: () => blob.next(),
			[Symbol.asyncIterator]: () => shielded,
		};
		const tar = decompress(shielded, {signal: options.signal});
		for await (const {range, bytes} of cutRanges(tar, extents)) {
			options.signal?.throwIfAborted();
			yield {extent: range, bytes: expand(range, bytes)};
		}
		if (options.verified?.has(layer.digest) === true) return;
		for (let next = await blob.next(); next.done !== true; next = await blob.next()) options.signal?.throwIfAborted();
		options.verified?.add(layer.digest);
	} finally {
		await blob.return?.();
	}
}

/** The first bytes of a file; undefined when there is none. */
async function readStart(path: string): Promise<Uint8Array | undefined> {
	return await withIo('read', path, () =>
		ifExists(async () => {
			const file = await open(path, 'r');
			try {
				const start = Buffer.alloc(6);
				await file.read(start, 0, start.length, 0);
				return start;
			} finally {
				await file.close();
			}
		}),
	);
}
