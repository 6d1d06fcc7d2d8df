import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import type {EntryHeader} from '../entry.js';
import type {IndexedEntry} from '../layer-index.js';

export interface TarOptions extends Abortable {
	/** More names than this are refused. Default 4,000,000. */
	readonly limitEntries?: number;
}

export interface TarEntry extends IndexedEntry {
	/** Exactly `header.size` bytes, holes filled. Only readable until the next entry is asked for; need not be read. */
	readonly content: Bytes;
}

/**
 * Reads an uncompressed tar of any common dialect. Paths come normalised (see EntryHeader.path); an archive may hold
 * several entries of one path: the last one counts.
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH
 */
export async function* readTar(bytes: Bytes, options: TarOptions = {}): AsyncGenerator<TarEntry> {
	void bytes;
	void options;
	yield* [];
}

/** The table of contents of an uncompressed tar. Skips over content without looking at it. */
export async function indexTar(
	bytes: Bytes,
	options: TarOptions = {},
): Promise<{readonly entries: readonly IndexedEntry[]; readonly sizeBytes: number}> {
	void bytes;
	void options;
	throw new Error('not built yet');
}

/** Whether a 512-byte block is the header of an archive (by its checksum): tells archives from other files. */
export function isTarHeader(block: Uint8Array): boolean {
	return block.length === 512;
}

export type {EntryHeader};
