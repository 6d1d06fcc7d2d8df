import type {Server, ServerResponse} from 'node:http';
import {isIPv6, type Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import {whenStill} from '../../core/when-still.js';
import type {EffectiveLimits} from './limits.js';

/**
 * Keeps a server from being filled up by connections and from waiting for clients that have stopped. Told apart are a client that
 * does not go on and a client that waits for us: a long check of a large blob cuts nobody.
 * @param currentOf the answer that is under way on a connection
 * @returns how many connections there are
 */
export function guardConnections(
	server: Server,
	limits: EffectiveLimits,
	currentOf: (socket: Duplex) => ServerResponse | undefined,
): () => number {
	server.maxConnections = limits.connections;
	server.headersTimeout = limits.headersMs;
	// No limit for a whole request: a push over a slow line takes an hour.
	server.requestTimeout = 0;
	server.keepAliveTimeout = limits.keepAliveMs;
	server.timeout = limits.idleMs;
	server.on('timeout', socket =>
		whenStill(socket, () => {
			if (isClientsTurn(currentOf(socket))) socket.destroy();
			else socket.setTimeout(limits.idleMs);
		}),
	);
	const clients = new Map<string, number>();
	let open = 0;
	// Of a TLS server this is the connection below it: a client counts from its first packet on.
	server.on('connection', (socket: Socket) => {
		const client = clientOf(socket.remoteAddress ?? '');
		const count = (clients.get(client) ?? 0) + 1;
		if (count > limits.connectionsPerClient) {
			socket.destroy();
			return;
		}
		clients.set(client, count);
		open++;
		socket.once('close', () => {
			open--;
			const left = (clients.get(client) ?? 1) - 1;
			if (left === 0) clients.delete(client);
			else clients.set(client, left);
		});
	});
	return () => open;
}

/** Whether nothing moves since the client sends nothing or takes nothing. */
function isClientsTurn(response: ServerResponse | undefined): boolean {
	if (response === undefined || response.writableFinished) return true;
	const {req: request} = response;
	if (response.writableLength > 0) return true;
	// What has come and is not read yet waits for our disk.
	return !request.complete && request.readableLength === 0;
}

/** A customer of a provider has a whole /64 of IPv6 addresses to choose from. */
function clientOf(address: string): string {
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
	if (mapped !== undefined) return mapped;
	if (!isIPv6(address)) return address;
	const [head = '', tail] = address.split('::');
	const left = head === '' ? [] : head.split(':');
	const right = tail === undefined || tail === '' ? [] : tail.split(':');
	const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
	return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
