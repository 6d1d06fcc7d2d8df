import {createServer, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {Duplex} from 'node:stream';
import {SealError, systemCode} from '../../core/errors.js';
import type {RegistryStorage} from '../storage/storage.js';
import {openToAll} from './access/policy.js';
import {createBuffers} from './buffers.js';
import {answerClientError} from './client-error.js';
import type {ServerParts} from './exchange.js';
import type {RegistryServer, ServeOptions} from './options.js';
import {serveExchange} from './pipeline.js';
import {createSmallBlobs} from './small-blobs.js';
import {createTurns} from './turns.js';

/**
 * Serves a storage over HTTP (distribution-spec 1.1) and resolves once it listens.
 * @throws SealError ERR_SERVER_LISTEN when the address cannot be had, ERR_SERVER_EXPOSED when it is beyond loopback and
 * nobody said who has access
 */
export async function serveRegistry(storage: RegistryStorage, options: ServeOptions = {}): Promise<RegistryServer> {
	const {host = '127.0.0.1', port = 5000, access = openToAll} = options;
	if (options.access === undefined && !isLoopback(host)) throw exposed(host);
	const parts: ServerParts = {storage, access, buffers: createBuffers(), smallBlobs: createSmallBlobs(), options};
	const current = new WeakMap<Duplex, ServerResponse>();
	const take = createTurns((request, response) => {
		current.set(request.socket, response);
		void serveExchange(parts, request, response);
	});
	const server = createServer(take);
	// Without these two, node would answer `100 Continue` before anyone has looked at the request, and 417 to all else.
	server.on('checkContinue', take);
	server.on('checkExpectation', take);
	server.on('clientError', (error, socket) => answerClientError(error, socket, current.get(socket)));
	await listen(server, host, port);
	const bound = server.address() as AddressInfo;
	const close = closer(server);
	options.signal?.addEventListener('abort', () => void close(), {once: true});
	return {
		address: {host: bound.address, port: bound.port},
		url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
		close,
	};
}

function isLoopback(host: string): boolean {
	return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function exposed(host: string): SealError {
	return new SealError('ERR_SERVER_EXPOSED', `The registry would let everyone who reaches ${host} in`, {
		hint: 'Say who has access, or listen on 127.0.0.1.',
		details: {host},
	});
}

async function listen(server: Server, host: string, port: number): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen({host, port}, () => {
			server.off('error', reject);
			resolve();
		});
	}).catch((error: unknown) => {
		const {why, hint} = explain(error, host);
		throw new SealError('ERR_SERVER_LISTEN', `Cannot listen on ${host}:${port}: ${why}`, {
			hint,
			details: {host, port, systemCode: systemCode(error)},
			cause: error,
		});
	});
}

function explain(error: unknown, host: string): {readonly why: string; readonly hint: string} {
	switch (systemCode(error)) {
		case 'EADDRINUSE':
			return {
				why: 'another program listens there',
				hint: 'Stop that program, or choose another port; 0 takes a free one.',
			};
		case 'EACCES':
			return {
				why: 'ports below 1024 need more rights',
				hint: 'Choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE.',
			};
		case 'EADDRNOTAVAIL':
			return {why: 'this machine has no such address', hint: 'Choose an address that "ip address" shows.'};
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
			return {why: `the name ${host} is not known`, hint: 'Write an address, or check the name server.'};
		default:
			return {why: error instanceof Error ? error.message : String(error), hint: 'Choose another address.'};
	}
}

function closer(server: Server): () => Promise<void> {
	let closed: Promise<void> | undefined;
	return async () => {
		closed ??= new Promise(resolve => {
			server.close(() => resolve());
			server.closeIdleConnections();
		});
		await closed;
	};
}
