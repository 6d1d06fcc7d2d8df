import {Readable, type Transform} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {Bytes} from '../../core/bytes.js';
import {SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/**
 * Runs a stream through a transform of node:zlib, which works in the thread pool while the consumer is busy.
 * @throws SealError ERR_COMPRESSION when the data is damaged; what the source throws
 */
export async function* throughTransform(
	bytes: Bytes,
	transform: Transform,
	format: string,
	options: Abortable = {},
): AsyncGenerator<Uint8Array> {
	let sourceFailure: unknown;
	const guarded = async function* (): AsyncGenerator<Uint8Array> {
		try {
			yield* bytes;
		} catch (error) {
			sourceFailure = error;
			throw error;
		}
	};
	const feeding = pipeline(Readable.from(guarded(), {objectMode: false}), transform).catch((error: unknown) => error);
	try {
		for await (const chunk of transform) {
			options.signal?.throwIfAborted();
			yield chunk as Uint8Array;
		}
	} catch (error) {
		throw sourceFailure ?? (isDamage(error) ? damaged(format, error) : error);
	} finally {
		transform.destroy();
		await feeding;
	}
}

function isDamage(error: unknown): boolean {
	return /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_BUFFER_TOO_LARGE)/.test(systemCode(error) ?? '');
}

function damaged(format: string, cause: unknown): SealError {
	return new SealError('ERR_COMPRESSION', `The ${format} data is damaged: ${(cause as Error).message}`, {cause});
}
