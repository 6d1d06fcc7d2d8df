import {type FileHandle, mkdtemp, open, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {type Bytes, collect, oneChunk} from '../../core/bytes.js';
import {assert, SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {withIo} from '../../core/io-error.js';
import {mapBounded} from '../../core/pool.js';
import type {Digest} from '../digest.js';
import type {EntryContent, LayerEntry} from '../entry.js';
import {
	type Extent,
	expand,
	groupByLayer,
	type LayerExtents,
	type LayerSource,
	plainBlobPath,
	streamExtents,
} from './extents.js';
import {openRangeFile} from './file-range.js';

export type {LayerSource} from './extents.js';

export interface ContentOptions extends OperationOptions {
	/**
	 * Layers whose blob is known to be whole. Others are verified when they are read and added, so that one set
	 * shared by the steps of a build verifies each layer once.
	 */
	readonly verified?: Set<Digest> | undefined;
}

/** Layers that are unpacked side by side. */
const layersAtOnce = 2;

/**
 * Turns contents of kind `layer` into `file`: at their place in the blob for plain tar layers of a store with blob
 * files, else in one spool file per layer made in `scratchDir` (the caller removes that folder). Other kinds are kept.
 * One pass per layer. Results are in the order of `entries`.
 */
export async function locateContents(
	entries: readonly LayerEntry[],
	store: LayerSource,
	scratchDir: string,
	options: ContentOptions = {},
): Promise<LayerEntry[]> {
	const located = new Map<EntryContent, EntryContent>();
	const note = (extent: Extent, content: EntryContent): void => {
		for (const entry of extent.entries) located.set(entry.content as EntryContent, content);
	};
	await mapBounded(
		groupByLayer(entries),
		layersAtOnce,
		async group => {
			const path = await plainBlobPath(store, group.layer, options);
			const holed = group.extents.filter(extent => path === undefined || extent.sparse !== undefined);
			if (holed.length > 0) await spool({layer: group.layer, extents: holed}, store, scratchDir, options, note);
			for (const extent of group.extents) {
				if (path !== undefined && extent.sparse === undefined)
					note(extent, {kind: 'file', path, offset: extent.offset});
			}
		},
		options,
	);
	return entries.map(entry => {
		const content = entry.content && located.get(entry.content);
		return content === undefined ? entry : {...entry, content};
	});
}

async function spool(
	group: LayerExtents,
	store: LayerSource,
	scratchDir: string,
	options: ContentOptions,
	note: (extent: Extent, content: EntryContent) => void,
): Promise<void> {
	const folder = await withIo('make a scratch folder in', scratchDir, () => mkdtemp(join(scratchDir, 'layer-')));
	const path = join(folder, 'contents');
	let file: FileHandle | undefined;
	try {
		file = await withIo('write', path, () => open(path, 'wx', 0o600));
		const writer = createFileWriter(file);
		let offset = 0;
		for await (const {extent, bytes} of streamExtents(store, group, options)) {
			for await (const chunk of bytes) await withIo('write', path, () => writer.write(chunk));
			note(extent, {kind: 'file', path, offset});
			offset += extent.sizeBytes;
		}
		await withIo('write', path, () => writer.flush());
	} catch (error) {
		await rm(folder, {recursive: true, force: true});
		throw error;
	} finally {
		await file?.close();
	}
}

/**
 * Contents that several entries share are kept in memory for all of them up to this size; larger ones are read again.
 */
const sharedBytes = 16 * 1024 * 1024;

/**
 * Streams the contents of many entries (tree nodes are entries), each exactly `header.size` bytes, in the order that
 * reads each layer once: an entry's bytes must be consumed, or given up, before the next is asked for. Entries without
 * content are left out. Only the end of the iteration says that all layers were verified.
 */
export async function* streamContents<T extends LayerEntry>(
	entries: Iterable<T>,
	store: LayerSource,
	options: ContentOptions = {},
): AsyncGenerator<{readonly entry: T; readonly bytes: Bytes}> {
	const list = [...entries];
	for (const entry of list) {
		options.signal?.throwIfAborted();
		if (entry.content?.kind === 'bytes') yield {entry, bytes: oneChunk(entry.content.bytes)};
		else if (entry.content?.kind === 'file') yield* streamFile(entry, entry.content, options);
	}
	for (const group of groupByLayer(list)) {
		const path = await plainBlobPath(store, group.layer, options);
		yield* path === undefined ? streamLayer(group, store, options) : streamBlobFile(group, path, options);
	}
}

async function* streamFile<T extends LayerEntry>(
	entry: T,
	content: Extract<EntryContent, {kind: 'file'}>,
	options: ContentOptions,
): AsyncGenerator<{readonly entry: T; readonly bytes: Bytes}> {
	const file = openRangeFile(content.path);
	try {
		yield {entry, bytes: file.read(content.offset ?? 0, entry.header.size, options)};
	} finally {
		file.close();
	}
}

async function* streamBlobFile<T extends LayerEntry>(
	group: LayerExtents<T>,
	path: string,
	options: ContentOptions,
): AsyncGenerator<{readonly entry: T; readonly bytes: Bytes}> {
	const file = openRangeFile(path);
	try {
		for (const extent of group.extents) {
			for (const entry of extent.entries) {
				options.signal?.throwIfAborted();
				yield {entry, bytes: expand(extent, file.read(extent.offset, extent.lengthBytes, options))};
			}
		}
	} finally {
		file.close();
	}
}

async function* streamLayer<T extends LayerEntry>(
	group: LayerExtents<T>,
	store: LayerSource,
	options: ContentOptions,
): AsyncGenerator<{readonly entry: T; readonly bytes: Bytes}> {
	const again: Array<Extent<T>> = [];
	for await (const {extent, bytes} of streamExtents(store, group, options)) {
		const [entry, ...others] = extent.entries as [T, ...T[]];
		if (others.length === 0) {
			yield {entry, bytes};
		} else if (extent.sizeBytes <= sharedBytes) {
			const whole = await collect(bytes, extent.sizeBytes);
			for (const one of extent.entries) yield {entry: one, bytes: oneChunk(whole)};
		} else {
			yield {entry, bytes};
			again.push({...extent, entries: others});
		}
	}
	if (again.length > 0) yield* streamLayer({layer: group.layer, extents: again}, store, options);
}

/**
 * The bytes of a set of small files, by entry. Entries without content give an empty buffer.
 * @throws SealError ERR_CONTENT_SIZE, before anything is read, when one file is larger than `limitBytes`
 */
export async function readContents<T extends LayerEntry>(
	entries: Iterable<T>,
	store: LayerSource,
	limitBytes: number,
	options: ContentOptions = {},
): Promise<Map<T, Buffer>> {
	const contents = new Map<T, Buffer>();
	for (const entry of entries) {
		const {path, size} = entry.header;
		if (size > limitBytes)
			throw new SealError('ERR_CONTENT_SIZE', `${path} has ${size} bytes, more than the ${limitBytes} allowed here`);
		contents.set(entry, Buffer.alloc(0));
	}
	for await (const {entry, bytes} of streamContents(contents.keys(), store, options)) {
		const content = await collect(bytes, entry.header.size, entry.header.path);
		assert(content.length === entry.header.size, `${entry.header.path} came with another size`);
		contents.set(entry, content);
	}
	return contents;
}
