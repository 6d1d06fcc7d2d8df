import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import type {RegistryServer, ServeOptions} from '../../../lib/registry/server/options.js';
import {serveRegistry} from '../../../lib/registry/server/serve.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../../lib/registry/storage/storage.js';
import {tempDir} from '../../helpers/temp-dir.js';

async function setUp(
	t: ExecutionContext,
	options: ServeOptions = {},
): Promise<{server: RegistryServer; storage: RegistryStorage; open(): Promise<Line>}> {
	const storage = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	const server = await serveRegistry(storage, {port: 0, ...options});
	t.teardown(async () => {
		await server.close();
		await storage.close();
	});
	return {server, storage, open: () => openLine(t, server.address.port)};
}

interface Line {
	readonly socket: Socket;
	readonly closed: Promise<unknown>;
	text(): string;
}

async function openLine(t: ExecutionContext, port: number): Promise<Line> {
	const socket = connect(port, '127.0.0.1');
	let text = '';
	socket.on('data', chunk => {
		text += chunk.toString('latin1');
	});
	socket.on('error', () => {});
	t.teardown(() => socket.destroy());
	const closed = new Promise(resolve => socket.once('close', resolve));
	await once(socket, 'connect');
	return {socket, closed, text: () => text};
}

test('a stop lets the upload under way end, closes idle connections and takes no new ones', async t => {
	const {server, storage, open} = await setUp(t);
	const {id} = await storage.uploads.start('a');
	const idle = await open();
	idle.socket.write('GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n');
	await once(idle.socket, 'data');
	const busy = await open();
	busy.socket.write(`PATCH /v2/a/blobs/uploads/${id} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf `);
	await sleep(50);
	const stopped = server.close();
	await idle.closed;
	const late = connect(server.address.port, '127.0.0.1');
	const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
	t.is(error.code, 'ECONNREFUSED');
	busy.socket.write('whole');
	await stopped;
	await busy.closed;
	t.regex(busy.text(), /^HTTP\/1\.1 202 Accepted\r\n/);
	t.regex(busy.text(), /\r\nconnection: close\r\n/i);
	t.is((await storage.uploads.status('a', id))?.sizeBytes, 10);
});

test('what is not done when the time is up is cut', async t => {
	const {server, storage, open} = await setUp(t, {stopMs: 100});
	const {id} = await storage.uploads.start('a');
	const busy = await open();
	busy.socket.write(`PATCH /v2/a/blobs/uploads/${id} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf `);
	await sleep(50);
	await server.close();
	await busy.closed;
	t.is(busy.text(), '');
	t.is((await storage.uploads.status('a', id))?.sizeBytes, 5, 'what came is kept');
});

test('a connection that was busy when the stop began is closed after its answer', async t => {
	const {server, open} = await setUp(t);
	const busy = await open();
	busy.socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
	await sleep(50);
	const stopped = server.close();
	busy.socket.write('\r\n');
	await stopped;
	await busy.closed;
	t.regex(busy.text(), /^HTTP\/1\.1 503 .*stopping\n$/s);
});

test('to stop twice is to stop once', async t => {
	const {server} = await setUp(t);
	await Promise.all([server.close(), server.close()]);
	await server.close();
	t.pass();
});
