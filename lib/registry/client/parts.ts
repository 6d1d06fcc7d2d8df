import {type Download, isWithoutParts, type Opened, readSpan, type Span} from './range.js';

export interface PartsOptions {
	readonly partBytes: number;
	readonly atOnce: number;
	/** Aborts the requests of the parts, whose signal follows it. */
	readonly stop: AbortController;
}

/**
 * The bytes of a span in order, fetched in parts of which some are on their way at once: a single connection to a far server
 * fills no line. At most `atOnce` parts are in memory. Each is repeated on its own; when the server gives no more parts
 * along the way, the rest comes over one connection.
 */
export async function* readParts(
	download: Download,
	span: Span,
	first: Opened,
	{partBytes, atOnce, stop}: PartsOptions,
): AsyncGenerator<Uint8Array> {
	const parts: Part[] = [];
	let next = span.start;
	const startNext = (): void => {
		if (next >= span.end) return;
		const end = Math.min(next + partBytes, span.end);
		parts.push(startPart(download, {start: next, end}, next === span.start ? first : undefined));
		next = end;
	};
	let done = span.start;
	try {
		while (parts.length < atOnce && next < span.end) startNext();
		for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
			for (let chunk = await part.take(); chunk !== undefined; chunk = await part.take()) {
				done += chunk.length;
				yield chunk;
			}
			startNext();
		}
	} catch (error) {
		if (!isWithoutParts(error)) throw error;
		parts.length = 0;
		yield* readSpan(download, {start: done, end: span.end}, undefined);
	} finally {
		stop.abort();
	}
}

/** A part that comes in whether it is asked for or not. */
interface Part {
	/** The next chunk, or undefined at the end. @throws what the part failed with */
	take(): Promise<Uint8Array | undefined>;
}

function startPart(download: Download, span: Span, opened: Opened | undefined): Part {
	const chunks: Uint8Array[] = [];
	let taken = 0;
	let end: {readonly failure?: unknown} | undefined;
	let wake: (() => void) | undefined;
	const receive = async (): Promise<void> => {
		for await (const chunk of readSpan(download, span, opened, {oneOfMany: true})) {
			chunks.push(chunk);
			wake?.();
		}
	};
	receive().then(
		() => {
			end = {};
			wake?.();
		},
		(failure: unknown) => {
			end = {failure};
			wake?.();
		},
	);
	return {
		async take() {
			while (taken === chunks.length) {
				if (end !== undefined) {
					if ('failure' in end) throw end.failure;
					return undefined;
				}
				await new Promise<void>(resolve => {
					wake = resolve;
				});
			}
			const chunk = chunks[taken]!;
			// What was handed on is no longer ours to keep.
			chunks[taken++] = nothing;
			return chunk;
		},
	};
}

const nothing = new Uint8Array(0);
