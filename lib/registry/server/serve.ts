import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import type {Duplex} from 'node:stream';
import {SealError, systemCode} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import type {RegistryStorage} from '../storage/storage.js';
import {openToAll} from './access/policy.js';
import {createBuffers} from './buffers.js';
import {answerClientError} from './client-error.js';
import {guardConnections} from './connections.js';
import type {ServerParts} from './exchange.js';
import {type EffectiveLimits, effectiveLimits} from './limits.js';
import type {RegistryServer, ServeOptions} from './options.js';
import {serveExchange} from './pipeline.js';
import {createSmallBlobs} from './small-blobs.js';
import {createStopper} from './stop.js';
import {sweepUploads} from './sweep.js';
import {keepTlsFresh, watchTls} from './tls.js';
import {createTraffic} from './traffic.js';
import {createTurns} from './turns.js';

/**
 * Serves a storage over HTTP (distribution-spec 1.1) and resolves once it listens.
 * @throws SealError ERR_SERVER_LISTEN when the address cannot be had, ERR_SERVER_EXPOSED when it is beyond loopback and
 * nobody said who has access, ERR_SERVER_TLS
 */
export async function serveRegistry(storage: RegistryStorage, options: ServeOptions = {}): Promise<RegistryServer> {
	const {host = '127.0.0.1', port = 5000, access = openToAll} = options;
	if (options.access === undefined && !isLoopback(host)) throw exposed(host);
	if (access !== openToAll && options.tls === undefined && !isLoopback(host)) warnOfPlainPasswords(options, host);
	const limits = effectiveLimits(options.limits);
	const current = new WeakMap<Duplex, ServerResponse>();
	const take = createTurns((request, response) => {
		current.set(request.socket, response);
		void serveExchange(parts, request, response);
	});
	const {server, close: letGo} = await openServer(options, limits, take);
	const stopper = createStopper(server, options.stopMs ?? 30_000);
	const connections = guardConnections(server, limits, socket => current.get(socket));
	const traffic = createTraffic(options, limits, {connections, isStopping: () => stopper.isStopping});
	const parts: ServerParts = {
		storage,
		access,
		buffers: createBuffers(),
		smallBlobs: createSmallBlobs(),
		traffic,
		options,
	};
	// Without these two, node would answer `100 Continue` before anyone has looked at the request, and 417 to all else.
	server.on('checkContinue', take);
	server.on('checkExpectation', take);
	server.on('clientError', (error, socket) => answerClientError(error, socket, current.get(socket)));
	await listen(server, host, port).catch((error: unknown) => {
		letGo();
		throw error;
	});
	const bound = server.address() as AddressInfo;
	const endSweep = sweepUploads(storage, options);
	const close = async (): Promise<void> => {
		letGo();
		endSweep();
		await stopper.stop();
	};
	options.signal?.addEventListener('abort', () => void close(), {once: true});
	return {
		address: {host: bound.address, port: bound.port},
		url: `${options.tls === undefined ? 'http' : 'https'}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
		close,
	};
}

/** A server over plain HTTP, or over TLS with files that are kept fresh until `close`. */
async function openServer(
	options: ServeOptions,
	{headerBytes, headersMs}: EffectiveLimits,
	take: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{readonly server: Server; close(): void}> {
	const settings = {maxHeaderSize: headerBytes, connectionsCheckingInterval: Math.min(5000, Math.ceil(headersMs / 2))};
	const {tls, tlsCheckMs = 5000} = options;
	if (tls === undefined) return {server: createServer(settings, take), close: () => {}};
	const watched = await watchTls(tls, options);
	const server = createTlsServer(
		{...settings, ...(await watched.get()), handshakeTimeout: headersMs, requestCert: tls.clientCa !== undefined},
		take,
	);
	return {server, close: keepTlsFresh(server, watched, tlsCheckMs)};
}

function isLoopback(host: string): boolean {
	return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function warnOfPlainPasswords(options: ServeOptions, host: string): void {
	emit(options, {
		type: 'warning',
		code: 'ServerPlainPasswords',
		message: `Passwords reach ${host} in clear`,
		hint: 'Serve over TLS, or behind a proxy that does.',
	});
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
