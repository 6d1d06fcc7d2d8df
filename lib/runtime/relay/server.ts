import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {createServer, type Server, type TLSSocket} from 'node:tls';
import {readLines} from '../agent/lines.js';
import type {HostContent} from '../content/content.js';
import type {RelayAddress} from './addresses.js';
import {pairKey, tlsOptions} from './key.js';
import {listen} from './listen.js';
import {watchSilence} from './silence.js';
import {formatLine, maxLineBytes, parseRequest} from './wire.js';

export interface RelayOptions {
	readonly content: Pick<HostContent, 'readPart'>;
	/** Own addresses of this machine; those that cannot be listened on are left out. */
	readonly addresses: readonly string[];
	readonly key: Buffer;
	/** The blobs that may be given. Asked for each request, so that the set may grow. */
	readonly gives: (blob: string) => boolean;
	/** The relay closes itself after this time, whatever happens. */
	readonly lifetimeMs: number;
}

/** A server that gives parts of blobs to hosts that know their key. */
export interface Relay {
	/** Empty when nothing can be listened on. */
	readonly addresses: readonly RelayAddress[];
	/** Stops listening and cuts what is under way. Safe to call twice. */
	close(): Promise<void>;
}

/** Connections at once: the operator lets two or three hosts ask at a time. */
const maxConnections = 32;
const handshakeMs = 5000;
/** A client that neither asks nor reads for so long is gone. */
const idleMs = 20_000;

export async function openRelay(options: RelayOptions): Promise<Relay> {
	const sockets = new Set<TLSSocket>();
	const servers: Server[] = [];
	const addresses: RelayAddress[] = [];
	for (const address of options.addresses) {
		const server = createRelayServer(options, sockets);
		const port = await listen(server, address);
		if (port === undefined) continue;
		servers.push(server);
		addresses.push({address, port});
	}
	const close = async (): Promise<void> => {
		clearTimeout(timer);
		for (const socket of sockets) socket.destroy();
		await Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))));
	};
	const timer = setTimeout(() => void close(), options.lifetimeMs);
	timer.unref();
	return {addresses, close};
}

function createRelayServer(options: RelayOptions, sockets: Set<TLSSocket>): Server {
	const server = createServer({
		...tlsOptions,
		handshakeTimeout: handshakeMs,
		pskCallback: (_socket, identity) => (identity.length > 256 ? null : pairKey(options.key, identity)),
	});
	server.maxConnections = maxConnections;
	// Who does not get through the handshake is none of ours.
	server.on('tlsClientError', (_error, socket) => socket.destroy());
	server.on('secureConnection', socket => {
		sockets.add(socket);
		socket.once('close', () => sockets.delete(socket));
		socket.on('error', () => socket.destroy());
		const silence = watchSilence(
			() => socket.bytesRead + socket.bytesWritten,
			idleMs,
			() => socket.destroy(),
		);
		socket.once('close', silence.stop);
		answerAll(socket, options).catch(() => socket.destroy());
	});
	return server;
}

/** Answers one request after the other. */
async function answerAll(socket: TLSSocket, {content, gives}: RelayOptions): Promise<void> {
	const lines = readLines(socket, maxLineBytes);
	for (let line = await lines.line(); line !== undefined; line = await lines.line()) {
		const part = parseRequest(line);
		const bytes = gives(part.blob) ? await content.readPart(part) : undefined;
		if (bytes === undefined) {
			socket.write(formatLine({missing: true}));
			continue;
		}
		socket.write(formatLine({sizeBytes: part.sizeBytes}));
		await pipeline(Readable.from(bytes, {objectMode: false}), socket, {end: false});
	}
	socket.end();
}
