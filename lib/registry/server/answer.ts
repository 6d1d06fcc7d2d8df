import {once} from 'node:events';
import type {StoredBlob} from '../storage/storage.js';
import {drain, leavesBody} from './body.js';
import type {Exchange} from './exchange.js';
import {sendFile} from './send-file.js';
import {smallBytes} from './small-blobs.js';

/** What an endpoint answers: data, sent by `send`. */
export interface Answer {
	readonly status: number;
	readonly headers?: AnswerHeaders | undefined;
	/** With HEAD only its length is told. */
	readonly body?: Uint8Array | BlobRange | undefined;
}

/** Names in lower case; a list stands for several lines. */
export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[]>>;

/** Bytes of a blob from `start` to before `end`; nothing is opened before they are sent. */
export interface BlobRange {
	readonly blob: StoredBlob;
	readonly start: number;
	readonly end: number;
}

/** An answer with a JSON document. */
export function jsonAnswer(
	status: number,
	document: unknown,
	headers: AnswerHeaders = {},
	mediaType = 'application/json',
): Answer {
	return {status, headers: {'content-type': mediaType, ...headers}, body: Buffer.from(JSON.stringify(document))};
}

/** distribution-spec, "Warnings": all of them together at most this long. */
const maxWarningBytes = 4096;

/** Writes an answer and resolves when its last byte is with the operating system, or the client has gone. */
export async function send(exchange: Exchange, answer: Answer): Promise<void> {
	const {response} = exchange;
	if (response.destroyed) return;
	const {status, body} = answer;
	const lengthBytes = body === undefined ? 0 : body instanceof Uint8Array ? body.length : body.end - body.start;
	const warnings = warningHeader([exchange.parts.options.notice ?? '', ...exchange.warnings]);
	const isUnread = leavesBody(exchange);
	response.writeHead(
		status,
		flatten({
			'docker-distribution-api-version': 'registry/2.0',
			...(status === 204 || status === 304 ? {} : {'content-length': lengthBytes}),
			...(isUnread ? {connection: 'close'} : {}),
			...(warnings.length === 0 ? {} : {warning: warnings}),
			...answer.headers,
		}),
	);
	if (body === undefined || lengthBytes === 0 || exchange.method === 'HEAD') {
		await end(exchange, undefined, isUnread);
	} else if (body instanceof Uint8Array) {
		exchange.sentBytes = body.length;
		await end(exchange, body, isUnread);
	} else {
		await sendBlob(exchange, body);
	}
}

async function end({request, response}: Exchange, body: Uint8Array | undefined, isUnread: boolean): Promise<void> {
	if (!isUnread) {
		response.end(body);
		return;
	}
	if (body === undefined) response.flushHeaders();
	else response.write(body);
	await drain(request);
	response.end();
}

async function sendBlob(exchange: Exchange, {blob, start, end: before}: BlobRange): Promise<void> {
	const {parts, response, signal} = exchange;
	const sent = (bytes: number): void => {
		exchange.sentBytes += bytes;
	};
	if (blob.sizeBytes <= smallBytes) {
		const bytes = (await parts.smallBlobs.read(blob)).subarray(start, before);
		response.end(bytes);
		sent(bytes.length);
	} else if (blob.path !== undefined) {
		await sendFile(response, {path: blob.path, start, end: before}, parts.buffers, sent);
	} else {
		// A blob that is still coming in may keep its first byte waiting for long: the client is told at once that it will come.
		response.flushHeaders();
		for await (const chunk of await blob.read({start, end: before, signal})) {
			if (!response.write(chunk)) await once(response, 'drain', {signal});
			sent(chunk.length);
		}
		response.end();
	}
}

/** The form that node:http writes without looking at it twice. */
function flatten(headers: AnswerHeaders): string[] {
	const flat: string[] = [];
	for (const [name, value] of Object.entries(headers)) {
		for (const line of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) flat.push(name, line);
	}
	return flat;
}

function warningHeader(texts: readonly string[]): string[] {
	const values: string[] = [];
	let lengthBytes = 0;
	for (const text of texts) {
		if (text === '') continue;
		const quoted = text.replace(/[^\x20-\x7e]+/g, ' ').replace(/["\\]/g, '\\$&');
		const value = `299 - "${quoted}"`;
		lengthBytes += value.length;
		if (lengthBytes > maxWarningBytes) break;
		values.push(value);
	}
	return values;
}
