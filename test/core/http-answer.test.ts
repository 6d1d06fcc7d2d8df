import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {createHttpClient, type HttpClient} from '../../lib/core/http.js';

interface Case {
	readonly url: string;
	readonly http: HttpClient;
	/** Connections made so far. */
	connections(): number;
}

async function start(t: ExecutionContext, listener: RequestListener): Promise<Case> {
	let connections = 0;
	const server = createServer(listener).on('connection', () => connections++);
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	const http = createHttpClient({connections: 1});
	t.teardown(async () => {
		server.closeAllConnections();
		server.close();
		await http.close();
	});
	const {port} = server.address() as AddressInfo;
	return {url: `http://127.0.0.1:${port}`, http, connections: () => connections};
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

test('what came in before a cut is given before the cut is told', async t => {
	const {url, http} = await start(t, (_, response) => {
		response.writeHead(200, {'content-length': 400_000});
		response.write(Buffer.alloc(300_000), () => setTimeout(() => response.destroy(), 20));
	});
	const response = await http.request(url);
	await pause(300);
	let sizeBytes = 0;
	const read = async (): Promise<void> => {
		for await (const chunk of response.body) sizeBytes += chunk.length;
	};
	await t.throwsAsync(read(), {code: 'ERR_NETWORK'});
	t.is(sizeBytes, 300_000);
});

test('a server is made to wait for a slow reader, and all of it arrives', async t => {
	const total = 64 * 1024 * 1024;
	let written = 0;
	const {url, http} = await start(t, (_, response) => {
		response.writeHead(200);
		const more = (): void => {
			for (let goes = true; goes && written < total; ) {
				written += 65_536;
				goes = response.write(Buffer.alloc(65_536));
			}
			if (written < total) response.once('drain', more);
			else response.end();
		};
		more();
	});
	const response = await http.request(url);
	await pause(300);
	t.true(written < total / 2, 'buffers of the kernel and ours hold a part only');
	let sizeBytes = 0;
	for await (const chunk of response.body) sizeBytes += chunk.length;
	t.is(sizeBytes, total);
});

test('a small rest is read for the sake of the connection, a large one gives it up', async t => {
	let size = 10_000;
	const one = await start(t, (_, response) => {
		response.writeHead(200, {'content-length': size});
		response.end(Buffer.alloc(size));
	});
	for (let i = 0; i < 3; i++) await (await one.http.request(one.url)).discard();
	for await (const _ of (await one.http.request(one.url)).body) break;
	t.is(one.connections(), 1);
	size = 50_000_000;
	await (await one.http.request(one.url)).discard();
	for await (const _ of (await one.http.request(one.url)).body) break;
	t.true(one.connections() >= 2);
});

test('questions without a body go over one connection', async t => {
	const {url, http, connections} = await start(
		t,
		(_, response) => void response.writeHead(404, {'content-length': 99}).end(),
	);
	for (let i = 0; i < 4; i++) await (await http.request(url, {method: 'HEAD'})).discard();
	t.is(connections(), 1);
});

test('an answer that was discarded gives nothing, and may be discarded again', async t => {
	const {url, http} = await start(t, (_, response) => void response.end('all of it'));
	const response = await http.request(url);
	await response.discard();
	await response.discard();
	for await (const chunk of response.body) t.fail(`gave ${chunk.length} bytes`);
	t.is(response.status, 200);
});

test('an abort while waiting for the head, and with unread chunks, rejects with its reason', async t => {
	const {url, http} = await start(t, (request, response) => {
		if (request.url === '/body') response.writeHead(200).write('some');
	});
	const reason = new Error('enough');
	const early = new AbortController();
	const waiting = http.request(url, {signal: early.signal});
	await pause(50);
	early.abort(reason);
	t.is(await t.throwsAsync(waiting), reason);
	const late = new AbortController();
	const response = await http.request(`${url}/body`, {signal: late.signal});
	await pause(50);
	late.abort(reason);
	const read = async (): Promise<void> => {
		for await (const chunk of response.body) t.fail(`gave ${chunk.length} bytes`);
	};
	t.is(await t.throwsAsync(read()), reason);
});
