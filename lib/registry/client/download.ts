import {type Bytes, closable} from '../../core/bytes.js';
import {readParts} from './parts.js';
import {type Download, openSpan, readSpan} from './range.js';

/** How large blobs are fetched: in parts, several at once, where the server gives parts. */
export interface PartsPolicy {
	/** Blobs with more bytes to come than this are large. Default 64 MiB. */
	readonly fromBytes?: number | undefined;
	/** Default 8 MiB. */
	readonly partBytes?: number | undefined;
	/** How many parts of a blob are on their way or in memory; 1 for none at once. Default 4. */
	readonly atOnce?: number | undefined;
}

/**
 * The bytes of a blob from `offset` on. The first answer is waited for, so that absence and refusal reject here. Nothing is
 * verified but the length: the caller sees the whole.
 * @throws RegistryError; SealError ERR_CONTENT_MISSING, ERR_CONTENT_SIZE, ERR_CONTENT_DIGEST
 */
export async function openBlob(download: Download, offset: number): Promise<Bytes> {
	const {size} = download.descriptor;
	const {fromBytes = 64 * 1024 * 1024, partBytes = 8 * 1024 * 1024, atOnce = 4} = download.wire.parts ?? {};
	const rest = {start: offset, end: size};
	if (offset === size && offset > 0) return nothing();
	if (size - offset > fromBytes && atOnce > 1) return await openLarge(download, rest, partBytes, atOnce);
	const first = await openSpan(download, rest);
	if (size === 0) {
		await first.response.discard();
		return nothing();
	}
	return closable(readSpan(download, rest, first), () => first.response.discard());
}

/** Only the answer to a part tells whether a server gives parts. */
async function openLarge(
	given: Download,
	rest: {readonly start: number; readonly end: number},
	partBytes: number,
	atOnce: number,
): Promise<Bytes> {
	const stop = new AbortController();
	const {options} = given;
	const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
	// Parts wait in memory for their turn.
	const request = {...given.request, bulk: false};
	const download = {...given, request, options: {...options, signal}};
	const {start} = rest;
	const first = await openSpan(download, {start, end: Math.min(rest.end, start + partBytes)});
	const bytes = first.isPart
		? readParts(download, rest, first, {partBytes, atOnce, stop})
		: readSpan(download, rest, first);
	return closable(bytes, async () => stop.abort());
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
