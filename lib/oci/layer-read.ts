import type {Bytes} from '../core/bytes.js';
import type {OperationOptions} from '../core/events.js';
import type {ContentReader} from './content.js';
import type {Descriptor} from './descriptor.js';
import type {Digest} from './digest.js';
import type {LayerIndex} from './layer-index.js';
import type {TarEntry, TarOptions} from './tar/read.js';

/**
 * The entries of a layer, compressed in whatever way.
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_COMPRESSION
 */
export async function* readLayer(bytes: Bytes, options: TarOptions = {}): AsyncGenerator<TarEntry> {
	void bytes;
	void options;
	yield* [];
}

/**
 * Reads a whole layer once and lists it, verifying its digest and, when given, its diffID.
 * @throws SealError as readLayer; ERR_CONTENT_DIGEST when the diffID is another
 */
export async function indexLayer(
	store: ContentReader,
	layer: Descriptor,
	options: OperationOptions & {readonly diffID?: Digest; readonly limitEntries?: number} = {},
): Promise<LayerIndex> {
	void store;
	void layer;
	void options;
	throw new Error('not built yet');
}
