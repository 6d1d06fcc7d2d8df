import type {Transform} from 'node:stream';
import type {Bytes} from '../../core/bytes.js';
import {SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/**
 * Runs a stream through a transform of node:zlib, which works in the thread pool while the consumer is busy. The
 * source is read to its end even when the compressed data ends earlier, so that a source which verifies itself gets
 * to do so.
 * @throws SealError ERR_COMPRESSION when the data is damaged; what the source throws
 */
export async function* throughTransform(
	bytes: Bytes,
	transform: Transform,
	format: string,
	options: Abortable = {},
): AsyncGenerator<Uint8Array> {
	let sourceFailure: {readonly reason: unknown} | undefined;
	let givenUp = false;
	const over = new Promise<void>(resolve => transform.once('end', resolve).once('close', resolve));
	const feeding = feed(bytes, transform, over, () => givenUp).catch((reason: unknown) => {
		sourceFailure = {reason};
		transform.destroy(reason as Error);
	});
	try {
		for await (const chunk of transform) {
			options.signal?.throwIfAborted();
			yield chunk as Uint8Array;
		}
		await feeding;
		if (sourceFailure !== undefined) throw (sourceFailure as {readonly reason: unknown}).reason;
	} catch (error) {
		if (sourceFailure !== undefined) throw (sourceFailure as {readonly reason: unknown}).reason;
		throw isDamage(error) ? damaged(format, error) : error;
	} finally {
		givenUp = true;
		transform.destroy();
		await feeding;
	}
}

async function feed(bytes: Bytes, transform: Transform, over: Promise<void>, stopped: () => boolean): Promise<void> {
	for await (const chunk of bytes) {
		if (stopped()) return;
		// After the end of the data, or of what is wanted of it, chunks only pass by.
		if (transform.destroyed || transform.readableEnded) continue;
		if (transform.write(chunk)) continue;
		await Promise.race([over, new Promise(resolve => transform.once('drain', resolve))]);
	}
	if (!transform.destroyed) transform.end();
}

function isDamage(error: unknown): boolean {
	return /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_BUFFER_TOO_LARGE)/.test(systemCode(error) ?? '');
}

function damaged(format: string, cause: unknown): SealError {
	return new SealError('ERR_COMPRESSION', `The ${format} data is damaged: ${(cause as Error).message}`, {cause});
}
