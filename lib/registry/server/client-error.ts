import type {ServerResponse} from 'node:http';
import type {Duplex} from 'node:stream';
import {systemCode} from '../../core/errors.js';
import {type RefusalCode, refusals} from './refusal.js';

/**
 * Answers what is no HTTP request, and closes. There is no exchange: nothing is known of it but what is wrong.
 * @param current the exchange on this connection that came last
 */
export function answerClientError(error: Error, socket: Duplex, current: ServerResponse | undefined): void {
	const isOpen = current !== undefined && !current.writableFinished;
	if (!socket.writable || systemCode(error) === 'ECONNRESET' || (isOpen && current.headersSent)) {
		socket.destroy();
		return;
	}
	if (isOpen && current.req.complete) {
		// What came before is a request of its own, and its answer is the next that the client expects.
		current.once('close', () => socket.destroy());
		current.shouldKeepAlive = false;
		return;
	}
	const [status, code, message] = problems[systemCode(error) ?? ''] ?? malformed;
	const body = JSON.stringify({errors: [{code, message}]});
	socket.end(
		[
			`HTTP/1.1 ${status}`,
			'content-type: application/json',
			`content-length: ${Buffer.byteLength(body)}`,
			'connection: close',
			'',
			body,
		].join('\r\n'),
	);
	// Whoever reads a body that cannot go on waits for the end of the connection; the client gets a moment to read why.
	const timer = setTimeout(() => socket.destroy(), lingerMs);
	socket.once('close', () => clearTimeout(timer));
}

const lingerMs = 1000;

type Problem = readonly [status: string, code: RefusalCode, message: string];

const malformed: Problem = ['400 Bad Request', 'UNSUPPORTED', 'This is no HTTP request'];

const problems: Readonly<Record<string, Problem>> = {
	HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'UNSUPPORTED', 'The head of the request is too long'],
	ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'UNAVAILABLE', refusals.UNAVAILABLE.message],
};
