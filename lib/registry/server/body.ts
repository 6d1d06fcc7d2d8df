import type {IncomingMessage} from 'node:http';
import {type Bytes, collect} from '../../core/bytes.js';
import {hasCode} from '../../core/errors.js';
import type {Exchange} from './exchange.js';
import {refuse} from './refusal.js';

/** Whether a body may come: an empty one is announced with its length, or not at all. */
export function hasBody({request}: Exchange): boolean {
	const {'content-length': length, 'transfer-encoding': encoding} = request.headers;
	return encoding !== undefined || (length !== undefined && Number(length) > 0);
}

/** The announced length; undefined for a body in chunks. */
export function bodyLength({request}: Exchange): number | undefined {
	const {'content-length': length, 'transfer-encoding': encoding} = request.headers;
	return encoding === undefined ? Number(length ?? 0) : undefined;
}

/** The body as it comes. A client that waits to be asked for it (`Expect: 100-continue`) is asked when someone begins to read. */
export function bodyOf(exchange: Exchange): Bytes {
	const {request, response} = exchange;
	return {
		[Symbol.asyncIterator]() {
			if (waits(exchange)) response.writeContinue();
			exchange.isContinued = true;
			// Who stops reading must still be able to answer: the connection is left open.
			const inner = request.iterator({destroyOnReturn: false}) as AsyncIterator<Uint8Array, undefined>;
			return {
				async next() {
					const result = await inner.next();
					if (result.done !== true) exchange.receivedBytes += result.value.length;
					return result;
				},
				return: async () => (await inner.return?.()) ?? {done: true, value: undefined},
			};
		},
	};
}

/**
 * A whole body.
 * @throws Refusal SIZE_INVALID with 413 when it is longer than `limitBytes`: at once when it says so itself
 */
export async function readBody(exchange: Exchange, limitBytes: number): Promise<Buffer> {
	const tooLarge = (): Error =>
		refuse('SIZE_INVALID', `The body is longer than the ${limitBytes} bytes allowed here`, {status: 413});
	if ((bodyLength(exchange) ?? 0) > limitBytes) throw tooLarge();
	try {
		return await collect(bodyOf(exchange), limitBytes);
	} catch (error) {
		throw hasCode(error, 'ERR_CONTENT_SIZE') ? tooLarge() : error;
	}
}

/** A rest that is read away sooner than a new connection is made. */
const smallRestBytes = 256 * 1024;
/** How long, and how much, a client may go on sending after it was answered. */
const drainMs = 10_000;
const drainBytes = 64 * 1024 * 1024;

/** Whether the client is, or may be, still sending a body that nobody will read: the connection ends with this exchange. */
export function leavesBody(exchange: Exchange): boolean {
	if (!hasBody(exchange) || exchange.request.complete) return false;
	return waits(exchange) || (bodyLength(exchange) ?? Number.POSITIVE_INFINITY) > smallRestBytes;
}

/**
 * Reads a rest away until it ends, the client closes, or it takes too long. To close at once would reset the connection,
 * and the answer might never be seen (RFC 9112, 9.6).
 */
export async function drain(request: IncomingMessage): Promise<void> {
	if (request.complete || request.destroyed) return;
	await new Promise<void>(resolve => {
		const timer = setTimeout(resolve, drainMs);
		let sizeBytes = 0;
		request.on('data', (chunk: Uint8Array) => {
			sizeBytes += chunk.length;
			if (sizeBytes > drainBytes) resolve();
		});
		for (const event of ['end', 'close', 'error']) request.once(event, resolve);
		request.once('close', () => clearTimeout(timer));
	});
}

/** Asked for with `Expect: 100-continue`, and not told yet to go on. */
function waits({request, isContinued}: Exchange): boolean {
	return !isContinued && /^100-continue$/i.test(request.headers.expect ?? '');
}
