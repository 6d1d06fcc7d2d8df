import type {Abortable} from '../../core/events.js';
import type {Compression} from './compression.js';
import {deflateBlock} from './deflate.js';
import {stableDeflateBlock} from './fflate.js';
import {createGzipEncoder} from './gzip.js';
import {createZstdEncoder} from './zstd.js';

/** Takes what an encoder makes, in order; the next chunk comes when the promise resolves. */
export type EncoderOutput = (chunk: Uint8Array) => Promise<void>;

/**
 * Compresses a stream that is cut into blocks by its caller. Blocks are compressed side by side, and the output depends
 * on the blocks alone: their bytes and where they were cut.
 */
export interface Encoder {
	/**
	 * Resolves when everything up to this block was put out and its memory may be reused. Need not be awaited in
	 * turn.
	 */
	push(block: Uint8Array): Promise<void>;
	/** After the last block. Resolves when everything was put out. */
	finish(): Promise<void>;
	/** Gives up: stops what runs outside this process. Never rejects. */
	abort(): Promise<void>;
}

/** @throws SealError ERR_COMPRESSION when this machine cannot compress that way */
export function createEncoder(compression: Compression, output: EncoderOutput, options: Abortable = {}): Encoder {
	switch (compression.algorithm) {
		case 'none':
			return createPlainEncoder(output);
		case 'gzip':
			return createGzipEncoder((block, dictionary) => deflateBlock(block, dictionary, compression.level ?? 4), output);
		case 'gzip-stable':
			return createGzipEncoder(stableDeflateBlock, output);
		case 'zstd':
			return createZstdEncoder(compression.level ?? 3, output, options);
	}
}

function createPlainEncoder(output: EncoderOutput): Encoder {
	let turn: Promise<void> = Promise.resolve();
	return {
		push(block) {
			turn = turn.then(() => output(block));
			turn.catch(ignore);
			return turn;
		},
		finish: () => turn,
		abort: () => turn.catch(ignore),
	};
}

/** For promises whose failure reaches the caller another way. */
export function ignore(): void {
	// Nothing to do: see above.
}
