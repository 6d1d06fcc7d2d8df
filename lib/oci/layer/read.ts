import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {type OperationOptions, progress} from '../../core/events.js';
import {type DecompressOptions, decompress} from '../compress/decompress.js';
import type {ContentReader} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, createDigester, type Digest} from '../digest.js';
import {TarParser} from '../tar/parse.js';
import {readTar, type TarEntry, type TarOptions} from '../tar/read.js';
import type {IndexedEntry, LayerIndex} from './layer-index.js';

/**
 * The entries of a layer, compressed in whatever way.
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_COMPRESSION
 */
export function readLayer(bytes: Bytes, options: TarOptions & DecompressOptions = {}): AsyncGenerator<TarEntry> {
	return readTar(decompress(bytes, options), options);
}

export interface IndexLayerOptions extends OperationOptions {
	/** What the image's config says the layer is: anything else is an error. */
	readonly diffID?: Digest | undefined;
	readonly limitEntries?: number | undefined;
}

/**
 * Reads a whole layer once and lists it, verifying its digest and, when given, its diffID.
 * @throws SealError as readLayer; ERR_CONTENT_DIGEST when the diffID is another
 */
export async function indexLayer(
	store: ContentReader,
	layer: Descriptor,
	options: IndexLayerOptions = {},
): Promise<LayerIndex> {
	const entries: IndexedEntry[] = [];
	const parser = new TarParser({entry: entry => void entries.push(entry)}, options);
	const digester = createDigester(options.diffID === undefined ? 'sha256' : algorithmOf(options.diffID));
	const report = progress(options, layer.digest, layer.size);
	const counted = countBytes(await store.fetch(layer, {signal: options.signal}), report);
	for await (const chunk of decompress(counted, {signal: options.signal})) {
		digester.update(chunk);
		parser.push(chunk);
	}
	parser.finish();
	const diffID = digester.finish();
	if (options.diffID !== undefined && diffID !== options.diffID) {
		throw new SealError(
			'ERR_CONTENT_DIGEST',
			`The layer ${layer.digest} is ${diffID} when uncompressed, the image promises ${options.diffID}`,
		);
	}
	return {diffID, sizeBytes: digester.sizeBytes, entries};
}

async function* countBytes(bytes: Bytes, report: (doneBytes: number) => void): AsyncGenerator<Uint8Array> {
	let doneBytes = 0;
	for await (const chunk of bytes) {
		doneBytes += chunk.length;
		report(doneBytes);
		yield chunk;
	}
}
