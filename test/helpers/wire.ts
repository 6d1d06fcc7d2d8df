import type {IncomingMessage, ServerResponse} from 'node:http';
import {createServer} from 'node:http';
import type {ExecutionContext} from 'ava';
import type {Place, Wire} from '../../lib/registry/client/wire.js';
import {createTransport} from '../../lib/registry/exchange/transport.js';
import {listen} from './registry.js';

export interface TestWire {
	readonly wire: Wire;
	/** The repository `a/b` of the server. */
	readonly place: Place;
	/** Method and address of every request. */
	readonly requests: string[];
}

/** A server on loopback that answers as told, and the way of a registry client to it. Both end with the test. */
export async function startWire(
	t: ExecutionContext,
	answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestWire> {
	const requests: string[] = [];
	const server = createServer((request, response) => {
		requests.push(`${request.method} ${request.url}`);
		answer(request, response);
	});
	const host = await listen(t, server);
	const transport = createTransport();
	t.teardown(() => transport.close());
	return {wire: {transport, retry: {attempts: 3, firstDelayMs: 1}}, place: {host, repository: 'a/b'}, requests};
}

/** Ends a response with a JSON document. */
export function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
	response.writeHead(200, {'content-type': 'application/json', ...headers});
	response.end(JSON.stringify(value));
}
