import {emit, type OperationOptions, progress} from '../../core/events.js';
import {type Compression, defaultCompression, layerMediaType} from '../compress/compression.js';
import {createEncoder, type Encoder, type EncoderOutput, ignore} from '../compress/encoder.js';
import type {Ingest, Ingester} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {createDigester, type Digest, type Digester} from '../digest.js';
import type {LayerEntry} from '../entry.js';
import {createEntryCheck, storedHeader} from './entry.js';
import {createContentKeys} from './keys.js';
import type {IndexedEntry, LayerIndex} from './layer-index.js';
import {putEntryContent} from './source.js';
import {createLayerStream} from './stream.js';

export {opaque, whiteout} from './whiteout.js';

export interface WriteLayerOptions extends OperationOptions {
	/** Default `defaultCompression`. */
	readonly compression?: Compression;
	/** Names of docker's schema 2 instead of OCI's; impossible with zstd. */
	readonly mediaTypes?: 'oci' | 'docker';
	/** Called with the content key (see core/content-key.ts) of each non-empty file, soon after it was read. */
	readonly onContent?: (entry: LayerEntry, contentKey: string) => void;
	/** Names the `blob.progress` events. Default `layer`. */
	readonly id?: string;
}

export interface WrittenLayer {
	readonly descriptor: Descriptor;
	readonly diffID: Digest;
	/** Of the uncompressed tar. */
	readonly sizeBytes: number;
	readonly index: LayerIndex;
}

/**
 * Writes one layer in one pass over the bytes. Entries come sorted by `compareLayerPaths`, without duplicates, contents
 * located (no `layer` kind). Equal entries and options give equal bytes on any number of cores.
 * @throws SealError ERR_LAYER_ENTRY for an entry that cannot be stored or a file that changed while it was read
 */
export async function writeLayer(
	entries: Iterable<LayerEntry> | AsyncIterable<LayerEntry>,
	store: Ingester,
	options: WriteLayerOptions = {},
): Promise<WrittenLayer> {
	const compression = options.compression ?? defaultCompression;
	const mediaType = layerMediaType(compression, options.mediaTypes);
	options.signal?.throwIfAborted();
	const ingest = await store.ingest({signal: options.signal});
	const blob = compression.algorithm === 'none' ? undefined : createDigester();
	let encoder: Encoder | undefined;
	try {
		encoder = createEncoder(compression, output(ingest, blob), options);
		const index = await writeEntries(entries, encoder, {...options, poolReads: blob === undefined});
		const digest = blob?.finish() ?? index.diffID;
		const size = blob?.sizeBytes ?? index.sizeBytes;
		options.signal?.throwIfAborted();
		await ingest.commit(digest);
		emit(options, {type: 'blob.finished', id: options.id ?? 'layer', digest, sizeBytes: size});
		return {descriptor: {mediaType, digest, size}, diffID: index.diffID, sizeBytes: index.sizeBytes, index};
	} catch (error) {
		await encoder?.abort();
		await ingest.abort();
		throw error;
	}
}

function output(ingest: Ingest, blob: Digester | undefined): EncoderOutput {
	return chunk => {
		blob?.update(chunk);
		return ingest.write(chunk);
	};
}

async function writeEntries(
	entries: Iterable<LayerEntry> | AsyncIterable<LayerEntry>,
	encoder: Encoder,
	options: WriteLayerOptions & {readonly poolReads: boolean},
): Promise<LayerIndex> {
	const tar = createDigester();
	const report = progress(options, options.id ?? 'layer');
	const keys = options.onContent === undefined ? undefined : createContentKeys(options.onContent);
	const stream = await createLayerStream(block => {
		tar.update(block);
		report(tar.sizeBytes);
		return encoder.push(block);
	});
	const indexed: IndexedEntry[] = [];
	const check = createEntryCheck();
	const add = async (entry: LayerEntry): Promise<void> => {
		options.signal?.throwIfAborted();
		check(entry);
		const header = storedHeader(entry.header);
		await stream.putHeader(header);
		indexed.push({header, offset: stream.offset});
		if (entry.content === undefined) return;
		const onChunk = keys && ((chunk: Buffer, end: boolean) => keys.add(entry, chunk, end));
		await putEntryContent(stream, entry, options, onChunk);
	};
	try {
		// Iterating a plain list with `for await` would cost more than writing a small file.
		if (Symbol.iterator in entries) for (const entry of entries) await add(entry);
		else for await (const entry of entries) await add(entry);
		await stream.finish();
		await encoder.finish();
		await keys?.finish();
	} catch (error) {
		await stream.settle();
		await keys?.finish().catch(ignore);
		throw error;
	}
	return {diffID: tar.finish(), sizeBytes: tar.sizeBytes, entries: indexed};
}
