import type {Bytes} from '../../core/bytes.js';
import {assert} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {IndexedEntry} from '../layer/layer-index.js';
import {type TarLimits, TarParser} from './parse.js';
import {expandSparse} from './sparse.js';

export {isTarHeader} from './block.js';

export type TarOptions = Abortable & TarLimits;

export interface TarEntry extends IndexedEntry {
	/** Exactly `header.size` bytes, holes filled. Only readable until the next entry is asked for; need not be read. */
	readonly content: Bytes;
}

/**
 * Reads an uncompressed tar of any common dialect, to the end of the stream. Paths come normalised (see
 * EntryHeader.path); an archive may hold several entries of one path: the last one counts.
 * @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH
 */
export async function* readTar(bytes: Bytes, options: TarOptions = {}): AsyncGenerator<TarEntry> {
	const events = tarEvents(bytes, options);
	try {
		let event = await events.next();
		while (event.done !== true) {
			assert(event.value.kind === 'entry', 'content without an entry');
			const {entry, storedBytes} = event.value;
			const stored = createContent(events, storedBytes);
			const {sparse} = entry;
			const content = sparse === undefined ? stored.bytes : expandSparse(stored.bytes, sparse, entry.header.size);
			yield {...entry, content};
			await stored.drain();
			event = await events.next();
		}
	} finally {
		await events.return(undefined);
	}
}

/** The table of contents of an uncompressed tar. Skips over content without looking at it. */
export async function indexTar(
	bytes: Bytes,
	options: TarOptions = {},
): Promise<{readonly entries: readonly IndexedEntry[]; readonly sizeBytes: number}> {
	const entries: IndexedEntry[] = [];
	const parser = new TarParser({entry: entry => void entries.push(entry)}, options);
	let sizeBytes = 0;
	for await (const chunk of bytes) {
		options.signal?.throwIfAborted();
		sizeBytes += chunk.length;
		parser.push(chunk);
	}
	parser.finish();
	return {entries, sizeBytes};
}

type TarEvent =
	| {readonly kind: 'entry'; readonly entry: IndexedEntry; readonly storedBytes: number}
	| {readonly kind: 'data'; readonly piece: Uint8Array};

/** What the parser tells, one chunk of the stream at a time. */
async function* tarEvents(bytes: Bytes, options: TarOptions): AsyncGenerator<TarEvent, undefined> {
	let queue: TarEvent[] = [];
	const parser = new TarParser(
		{
			entry: (entry, storedBytes) => void queue.push({kind: 'entry', entry, storedBytes}),
			data: piece => void queue.push({kind: 'data', piece}),
		},
		options,
	);
	for await (const chunk of bytes) {
		options.signal?.throwIfAborted();
		parser.push(chunk);
		const events = queue;
		queue = [];
		yield* events;
	}
	parser.finish();
	return undefined;
}

function createContent(
	events: AsyncGenerator<TarEvent, undefined>,
	storedBytes: number,
): {readonly bytes: AsyncGenerator<Uint8Array>; drain(): Promise<void>} {
	let left = storedBytes;
	let over = false;
	const next = async (): Promise<Uint8Array | undefined> => {
		if (left === 0) return undefined;
		const event = await events.next();
		if (event.done === true) return undefined;
		assert(event.value.kind === 'data', 'an entry inside of a content');
		left -= event.value.piece.length;
		return event.value.piece;
	};
	const read = async function* (): AsyncGenerator<Uint8Array> {
		for (;;) {
			assert(!over || left === 0, 'the content of an archive entry was read after the next entry was asked for');
			const piece = await next();
			if (piece === undefined) return;
			yield piece;
		}
	};
	return {
		bytes: read(),
		async drain() {
			over = true;
			while ((await next()) !== undefined);
		},
	};
}
