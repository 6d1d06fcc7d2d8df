import {once} from 'node:events';
import {constants} from 'node:fs';
import {type FileHandle, open} from 'node:fs/promises';
import {systemCode} from '../../core/errors.js';
import type {Answer, AnswerHeaders, BlobRange} from './answer.js';
import {drain, leavesBody} from './body.js';
import type {Exchange} from './exchange.js';
import {refuse} from './refusal.js';
import {sendFile} from './send-file.js';
import {smallBytes} from './small-blobs.js';

/**
 * Writes an answer and resolves when its last byte is with the operating system. What can fail before the head has gone out
 * does so: another answer may still be sent then.
 */
export async function send(exchange: Exchange, answer: Answer): Promise<void> {
	const {body} = answer;
	const isSilent = exchange.method === 'HEAD' || body === undefined || lengthOf(body) === 0;
	if (isSilent) await end(exchange, answer, undefined);
	else if (body instanceof Uint8Array) await end(exchange, answer, body);
	else await sendBlob(exchange, answer, body);
}

async function sendBlob(exchange: Exchange, answer: Answer, {blob, start, end: before}: BlobRange): Promise<void> {
	const {parts, response, signal} = exchange;
	const sent = (bytes: number): void => {
		exchange.sentBytes += bytes;
	};
	if (blob.sizeBytes <= smallBytes) {
		await end(exchange, answer, (await parts.smallBlobs.read(blob)).subarray(start, before));
	} else if (blob.path !== undefined) {
		const file = await openBlob(blob.path);
		try {
			writeHead(exchange, answer);
			await sendFile(response, {file, path: blob.path, start, end: before}, parts.buffers, sent);
		} finally {
			await file.close();
		}
	} else {
		const bytes = await blob.read({start, end: before, signal});
		writeHead(exchange, answer);
		// A blob that is still coming in may keep its first byte waiting for long: the client is told at once that it will come.
		response.flushHeaders();
		for await (const chunk of bytes) {
			if (!response.write(chunk)) await once(response, 'drain', {signal});
			sent(chunk.length);
		}
		response.end();
	}
}

/** A blob that a garbage collection has taken since the storage found it is unknown, as it will be from now on. */
async function openBlob(path: string): Promise<FileHandle> {
	try {
		return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	} catch (error) {
		throw systemCode(error) === 'ENOENT' ? refuse('BLOB_UNKNOWN') : error;
	}
}

/** The whole answer in one packet. */
async function end(exchange: Exchange, answer: Answer, body: Uint8Array | undefined): Promise<void> {
	const {request, response} = exchange;
	const isUnread = writeHead(exchange, answer);
	exchange.sentBytes += body?.length ?? 0;
	if (!isUnread) {
		response.end(body);
		// A short rest that a failed endpoint has left: the next request of this connection comes after it.
		request.resume();
		return;
	}
	if (body === undefined) response.flushHeaders();
	else response.write(body);
	await drain(request);
	response.end();
}

/** Whether the connection ends with this answer, since the client may still be sending. */
function writeHead(exchange: Exchange, {status, headers, body}: Answer): boolean {
	const {parts, response, warnings} = exchange;
	const warning = warningHeader([parts.options.notice ?? '', ...warnings]);
	const isUnread = leavesBody(exchange);
	response.writeHead(
		status,
		flatten({
			'docker-distribution-api-version': 'registry/2.0',
			...(status === 204 || status === 304 ? {} : {'content-length': lengthOf(body)}),
			...(isUnread || parts.traffic.isStopping() ? {connection: 'close'} : {}),
			...(warning.length === 0 ? {} : {warning}),
			...headers,
		}),
	);
	return isUnread;
}

function lengthOf(body: Answer['body']): number {
	if (body === undefined) return 0;
	return body instanceof Uint8Array ? body.length : body.end - body.start;
}

/** The form that node:http writes without looking at it twice. */
function flatten(headers: AnswerHeaders): string[] {
	const flat: string[] = [];
	for (const [name, value] of Object.entries(headers)) {
		for (const line of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) flat.push(name, line);
	}
	return flat;
}

/** distribution-spec, "Warnings": all of them together at most this long. */
const maxWarningBytes = 4096;

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
