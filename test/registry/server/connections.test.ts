import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {digestOf} from '../../../lib/oci/digest.js';
import type {ServerLimits} from '../../../lib/registry/server/limits.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../../lib/registry/storage/storage.js';
import {startServer, type TestClient} from '../../helpers/registry-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

async function serve(
	t: ExecutionContext,
	limits: ServerLimits,
	wrap = (storage: RegistryStorage) => storage,
): Promise<TestClient> {
	const storage = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	return await startServer(t, wrap(storage), {limits});
}

interface Line {
	readonly socket: Socket;
	/** All that came so far. */
	text(): string;
	/** Resolves when the server has closed. */
	readonly closed: Promise<unknown>;
	/** Resolves once this has come. */
	has(text: string): Promise<void>;
}

async function line(t: ExecutionContext, port: number): Promise<Line> {
	const socket = connect(port, '127.0.0.1');
	t.teardown(() => socket.destroy());
	let text = '';
	socket.on('data', chunk => {
		text += chunk.toString('latin1');
	});
	socket.on('error', () => {});
	const closed = new Promise(resolve => socket.once('close', resolve));
	await Promise.race([once(socket, 'connect'), closed]);
	return {
		socket,
		closed,
		text: () => text,
		async has(wanted) {
			while (!text.includes(wanted) && !socket.destroyed)
				await Promise.race([new Promise(resolve => socket.once('data', resolve)), closed]);
		},
	};
}

const ping = 'GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n';

test('a client that says nothing, or ends no head, is cut', async t => {
	const {port} = await serve(t, {headersMs: 200});
	const silent = await line(t, port);
	const slow = await line(t, port);
	slow.socket.write('GET /v2/ HTTP/1.1\r\nhost: x\r\nx-a: ');
	const drip = setInterval(() => slow.socket.write('a'), 50);
	await Promise.all([silent.closed, slow.closed]);
	clearInterval(drip);
	t.regex(slow.text(), /^(?:HTTP\/1\.1 408 |$)/);
});

test('a body that stops is cut, one that moves is not', async t => {
	const {port, storage} = await serve(t, {idleMs: 1000});
	const {id} = await storage.uploads.start('a');
	const head = `PATCH /v2/a/blobs/uploads/${id} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n`;
	const stopped = await line(t, port);
	stopped.socket.write(`${head}some bytes`);
	await stopped.closed;
	t.is(stopped.text(), '');
	t.is((await storage.uploads.status('a', id))?.sizeBytes, 10, 'what came is kept');

	const {id: other} = await storage.uploads.start('a');
	const moving = await line(t, port);
	moving.socket.write(`PATCH /v2/a/blobs/uploads/${other} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n`);
	for (let i = 0; i < 20; i++) {
		moving.socket.write('x'.repeat(50));
		await sleep(100);
	}
	await moving.has('\r\n\r\n');
	t.regex(moving.text(), /^HTTP\/1\.1 202 /, 'it took twice as long as a pause may');
});

test('an answer that nobody takes is cut', async t => {
	const {port, storage} = await serve(t, {idleMs: 300});
	const bytes = Buffer.alloc(40_000_000);
	// Past the server: on a busy machine the upload itself might pause for too long.
	const {id} = await storage.uploads.start('a');
	await storage.uploads.append('a', id, oneChunk(bytes));
	await storage.uploads.finish('a', id, digestOf(bytes));
	const reader = await line(t, port);
	reader.socket.write(`GET /v2/a/blobs/${digestOf(bytes)} HTTP/1.1\r\nhost: x\r\n\r\n`);
	await reader.has('200 OK');
	reader.socket.pause();
	await sleep(2000);
	reader.socket.resume();
	await reader.closed;
	t.true(reader.text().length < bytes.length);
});

test('a client that waits for a long check of ours is not cut', async t => {
	const client = await serve(t, {idleMs: 100}, storage => ({
		...storage,
		async tags(repository, page) {
			await sleep(600);
			return await storage.tags(repository, page);
		},
	}));
	await client.pushImage('a', 'v1');
	t.is((await client.send('GET', '/v2/a/tags/list')).status, 200);
});

test('an idle connection is kept for a while, then closed', async t => {
	const {port} = await serve(t, {keepAliveMs: 1, idleMs: 5000});
	const idle = await line(t, port);
	idle.socket.write(ping);
	await idle.has('200 OK');
	await idle.closed;
	t.pass();
});

test('a head that is too long is 431', async t => {
	const {raw} = await serve(t, {headerBytes: 2000});
	t.regex(await raw(`GET /v2/ HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(3000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test('one client has so many connections, and another in its place when one closes', async t => {
	const {port} = await serve(t, {connectionsPerClient: 3});
	const lines = await Promise.all([1, 2, 3].map(() => line(t, port)));
	for (const {socket} of lines) socket.write(ping);
	for (const {has} of lines) await has('200 OK');
	const fourth = await line(t, port);
	await fourth.closed;
	t.is(fourth.text(), '');
	lines[0]?.socket.destroy();
	for (let tries = 0; ; tries++) {
		const next = await line(t, port);
		next.socket.write(ping);
		await next.has('200 OK');
		if (next.text().includes('200 OK')) break;
		t.true(tries < 100);
		await sleep(20);
	}
});

test('a server has so many connections in all', async t => {
	const {port} = await serve(t, {connections: 2});
	const lines = await Promise.all([1, 2].map(() => line(t, port)));
	for (const {socket} of lines) socket.write(ping);
	for (const {has} of lines) await has('200 OK');
	const third = await line(t, port);
	await third.closed;
	t.is(third.text(), '');
});

test('uploads beyond the limit are told to come again, reads are not', async t => {
	const {port, send, storage} = await serve(t, {uploads: 1});
	const {id} = await storage.uploads.start('a');
	const first = await line(t, port);
	first.socket.write(`PATCH /v2/a/blobs/uploads/${id} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf `);
	await sleep(100);
	const second = await send('POST', `/v2/a/blobs/uploads/?digest=${digestOf('x')}`, {body: 'x'});
	t.is(second.status, 429);
	t.deepEqual(second.codes(), ['TOOMANYREQUESTS']);
	t.is(second.headers['retry-after'], '5');
	t.is((await send('GET', '/v2/')).status, 200);
	first.socket.write('whole');
	await first.has('202 Accepted');
	t.is((await send('POST', `/v2/a/blobs/uploads/?digest=${digestOf('x')}`, {body: 'x'})).status, 201);
});

test('a blob that is too large is 413, whether its length is announced or not', async t => {
	const {send, storage} = await serve(t, {blobBytes: 100});
	const {id} = await storage.uploads.start('a');
	const path = `/v2/a/blobs/uploads/${id}`;
	const large = Buffer.alloc(101);
	async function* chunks(): AsyncGenerator<Uint8Array> {
		yield large;
	}
	t.is((await send('PATCH', path, {body: large})).status, 413);
	t.is((await send('PATCH', path, {body: chunks()})).status, 413);
	const fits = await send('PATCH', path, {body: Buffer.alloc(60)});
	t.true([202, 416].includes(fits.status), String(fits.status));
	const sum = await send('PATCH', path, {body: Buffer.alloc(60)});
	t.is(sum.status, 413, 'what came before counts');
});
