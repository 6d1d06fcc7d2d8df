import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import {createServer as createSecureServer} from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../lib/core/bytes.js';
import {createHttpClient, type HttpClient} from '../../lib/core/http.js';

/** A server that answers each connection with what `answer` writes; gives its address and the heads that it read. */
async function serve(
	t: ExecutionContext,
	answer: (socket: Socket, head: string) => unknown,
): Promise<{url: string; heads: string[]}> {
	const heads: string[] = [];
	const server = createServer(socket => {
		socket.on('error', () => {});
		socket.once('data', data => {
			heads.push(data.toString('latin1'));
			answer(socket, data.toString('latin1'));
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => server.close());
	return {url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/blob?x=1`, heads};
}

function client(t: ExecutionContext, options: Parameters<typeof createHttpClient>[0] = {}): HttpClient {
	const made = createHttpClient({idleTimeoutMs: 2000, ...options});
	t.teardown(() => made.close());
	return made;
}

const large = randomBytes(5_000_001);
const plain = (body: Uint8Array, length = body.length): string =>
	`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\nX-One: a\r\nX-One: b\r\n\r\n`;

test('a large body comes whole, over a connection that asks for its end', async t => {
	const {url, heads} = await serve(t, socket => {
		socket.write(plain(large));
		socket.end(large);
	});
	const response = await client(t).request(url, {bulk: true, headers: {accept: '*/*'}});
	t.is(response.status, 200);
	t.is(response.header('x-one'), 'a, b');
	t.true((await copied(response.body)).equals(large));
	const {host} = new URL(url);
	t.is(heads[0], `GET /blob?x=1 HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\naccept: */*\r\n\r\n`);
});

test('the head may come byte by byte, and the body with it or after it', async t => {
	for (const gap of [0, 3]) {
		const {url} = await serve(t, async socket => {
			socket.setNoDelay(true);
			const head = Buffer.from(plain(large));
			for (const byte of head.subarray(0, -gap || head.length)) {
				socket.write(Buffer.from([byte]));
				await new Promise(resolve => setImmediate(resolve));
			}
			socket.end(Buffer.concat([head.subarray(head.length - gap), large]));
		});
		const response = await client(t).request(url, {bulk: true});
		t.true((await copied(response.body)).equals(large));
	}
});

test('a reader that takes its time makes the server wait, and gets everything', async t => {
	let sent = 0;
	const {url} = await serve(t, async socket => {
		socket.write(plain(large, large.length * 20));
		for (let turn = 0; turn < 20; turn++) {
			if (!socket.write(large)) await once(socket, 'drain');
			sent++;
		}
		socket.end();
	});
	const response = await client(t, {idleTimeoutMs: 300}).request(url, {bulk: true});
	let sizeBytes = 0;
	let isFirst = true;
	for await (const chunk of response.body) {
		if (isFirst) {
			// Longer than the time without a byte that is allowed: it is we who do not read.
			await new Promise(resolve => setTimeout(resolve, 700));
			t.true(sent < 10, `${sent} pieces were taken without a reader`);
		}
		isFirst = false;
		sizeBytes += chunk.length;
	}
	t.is(sizeBytes, large.length * 20);
});

test('bytes behind the announced length are not part of the body', async t => {
	const {url} = await serve(t, socket => {
		socket.write(plain(large));
		socket.end(Buffer.concat([large, Buffer.from('and more')]));
	});
	t.true((await copied((await client(t).request(url, {bulk: true})).body)).equals(large));
});

test('a body without bytes ends at once', async t => {
	const {url} = await serve(t, socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
	t.is((await copied((await client(t).request(url, {bulk: true})).body)).length, 0);
});

test('an answer without a length is asked for again in the usual way', async t => {
	const {url, heads} = await serve(t, socket => {
		socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
	});
	const response = await client(t).request(url, {bulk: true});
	t.is((await copied(response.body)).toString(), 'hello');
	t.is(heads.length, 2);
});

test('refusals keep their status, headers and words', async t => {
	const {url} = await serve(t, socket =>
		socket.end('HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\n{}'),
	);
	const response = await client(t).request(url, {bulk: true});
	t.is(response.status, 401);
	t.is(response.header('www-authenticate'), 'Basic');
	t.is((await collect(response.body, 10, 'it')).toString(), '{}');
});

test('what came before a cut is given before the cut is told', async t => {
	const {url} = await serve(t, socket => {
		socket.write(plain(large));
		socket.end(large.subarray(0, 1_500_000));
	});
	const response = await client(t).request(url, {bulk: true});
	let sizeBytes = 0;
	await t.throwsAsync(
		async () => {
			for await (const chunk of response.body) sizeBytes += chunk.length;
		},
		{code: 'ERR_NETWORK', message: /the connection was cut/},
	);
	t.is(sizeBytes, 1_500_000);
});

const broken = test.macro({
	async exec(t, answer: string, message: RegExp) {
		const {url} = await serve(t, socket => socket.end(answer));
		await t.throwsAsync(client(t).request(url, {bulk: true}), {code: 'ERR_NETWORK', message});
	},
	title: title => `an answer ${title} is refused`,
});

test('that is none', broken, 'SSH-2.0-OpenSSH\r\n\r\n', /./);
test('with a field that is none', broken, 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', /./);
test('whose head has no end', broken, `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, /./);
test('that ends in its head', broken, 'HTTP/1.1 200 OK\r\nContent-Le', /cut/);
test('without a byte', broken, '', /cut/);

test('a server that stops sending is left', async t => {
	const {url} = await serve(t, socket => socket.write(plain(large)));
	const response = await client(t, {idleTimeoutMs: 100}).request(url, {bulk: true});
	await t.throwsAsync(copied(response.body), {code: 'ERR_NETWORK', message: /stopped sending/});
});

test('a server that stops sending while the reader takes its time is left, too', async t => {
	const {url} = await serve(t, socket => {
		socket.write(plain(large, large.length * 2));
		socket.write(large);
	});
	const response = await client(t, {idleTimeoutMs: 100}).request(url, {bulk: true});
	const read = async (): Promise<void> => {
		let isFirst = true;
		for await (const _ of response.body) {
			if (isFirst) await new Promise(resolve => setTimeout(resolve, 300));
			isFirst = false;
		}
	};
	await t.throwsAsync(read, {code: 'ERR_NETWORK', message: /stopped sending/});
});

test('an abort ends it with its reason, before the answer and within the body', async t => {
	for (const answer of ['', plain(large)]) {
		let closed: Promise<unknown> | undefined;
		const {url} = await serve(t, socket => {
			closed = new Promise(resolve => socket.once('close', resolve));
			socket.write(answer);
		});
		const controller = new AbortController();
		const reason = new Error('enough');
		const response = client(t).request(url, {bulk: true, signal: controller.signal});
		setTimeout(() => controller.abort(reason), 50);
		await t.throwsAsync(async () => copied((await response).body), {is: reason});
		await closed;
	}
});

test('a body that is not wanted lets go of its connection', async t => {
	let closed: Promise<unknown> | undefined;
	const {url} = await serve(t, socket => {
		closed = new Promise(resolve => socket.once('close', resolve));
		socket.write(plain(large));
	});
	const response = await client(t).request(url, {bulk: true});
	await response.discard();
	await closed;
	t.is((await copied(response.body)).length, 0);
});

test('certificates count as for every other request', async t => {
	const [cert, key] = ['crt', 'key'].map(end => readFileSync(`test/fixtures/tls/self-signed.${end}`, 'utf8'));
	const server = createSecureServer({cert, key}, socket => {
		socket.on('error', () => {});
		socket.once('data', () => {
			socket.write(plain(large));
			socket.end(large);
		});
	});
	server.on('tlsClientError', () => {});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => server.close());
	const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
	await t.throwsAsync(client(t).request(url, {bulk: true}), {code: 'ERR_NETWORK'});
	const response = await client(t).request(url, {bulk: true, tls: {insecure: true}});
	t.true((await copied(response.body)).equals(large));
});

/** Each chunk is copied before the next is asked for, as its memory is used again. */
async function copied(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of body) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks);
}
