import type {Bytes} from '../core/bytes.js';
import type {ErrorCode} from '../core/codes.js';
import {isSealError, SealError, type SealErrorOptions} from '../core/errors.js';
import {ioError} from '../core/io-error.js';
import type {Descriptor} from './descriptor.js';

export type CopySide = 'source' | 'sink';

export interface ContentErrorOptions extends SealErrorOptions {
	readonly side: CopySide;
	readonly descriptor?: Descriptor | undefined;
}

/** A failed copy: `side` says whether reading or storing failed, `descriptor` on which content. */
export class ContentError extends SealError {
	readonly side: CopySide;
	readonly descriptor: Descriptor | undefined;

	constructor(code: ErrorCode, message: string, options: ContentErrorOptions) {
		super(code, message, options);
		this.side = options.side;
		this.descriptor = options.descriptor;
	}
}

/** Runs one half of a copy. Its errors keep their code and hint and learn which side they are of; aborts pass through. */
export async function onSide<R>(
	side: CopySide,
	descriptor: Descriptor | undefined,
	work: () => Promise<R>,
): Promise<R> {
	try {
		return await work();
	} catch (error) {
		throw withSide(side, descriptor, error);
	}
}

/** The same for a stream; `onChunk` hears of each chunk. Ending it ends the stream below, also before the first chunk. */
export function streamOnSide(
	side: CopySide,
	descriptor: Descriptor,
	bytes: Bytes,
	onChunk: (sizeBytes: number) => void,
): Bytes {
	return {
		[Symbol.asyncIterator]() {
			const source = bytes[Symbol.asyncIterator]();
			return {
				async next() {
					try {
						const result = await source.next();
						if (result.done !== true) onChunk(result.value.length);
						return result;
					} catch (error) {
						throw withSide(side, descriptor, error);
					}
				},
				async return() {
					await source.return?.();
					return {done: true, value: undefined};
				},
			};
		},
	};
}

function withSide(where: CopySide, descriptor: Descriptor | undefined, thrown: unknown): unknown {
	const error = ioError(thrown, 'read or write', descriptor?.digest ?? 'content');
	if (error instanceof ContentError || !isSealError(error)) return error;
	// A sink that refuses bytes for what they are has met a fault of the source.
	const isWrong = error.code === 'ERR_CONTENT_DIGEST' || error.code === 'ERR_CONTENT_SIZE';
	const side = isWrong ? 'source' : where;
	const verb = side === 'source' ? 'read from the source' : 'write to the target';
	return new ContentError(error.code, `Cannot ${verb}: ${error.message}`, {
		side,
		descriptor,
		hint: error.hint,
		details: {...error.details, side, ...(descriptor === undefined ? {} : {digest: descriptor.digest})},
		cause: error.cause,
	});
}
