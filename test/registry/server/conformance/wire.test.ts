import {randomUUID} from 'node:crypto';
import {once} from 'node:events';
import {readdir, readlink} from 'node:fs/promises';
import {connect} from 'node:net';
import {digestOf} from '../../../../lib/oci/digest.js';
import {overStorages, type Reply} from '../../../helpers/registry-server.js';

function lines(...parts: readonly string[]): string {
	return `${parts.join('\r\n')}\r\n\r\n`;
}

overStorages('the absolute form of a request target is understood', async (t, client) => {
	const text = await client.raw(lines('GET http://registry.example:80/v2/ HTTP/1.1', 'host: x', 'connection: close'));
	t.regex(text, /^HTTP\/1\.1 200 /);
});

overStorages('HTTP/1.0 clients are answered', async (t, client) => {
	t.regex(await client.raw(lines('GET /v2/ HTTP/1.0')), /^HTTP\/1\.1 200 .*\r\n\r\n\{\}$/s);
});

overStorages('what is no HTTP is answered with 400, and a head that is too long with 431', async (t, client) => {
	t.regex(await client.raw('NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n.*"errors"/s);
	const long = lines('GET /v2/ HTTP/1.1', 'host: x', `x: ${'y'.repeat(70_000)}`);
	t.regex(await client.raw(long), /^HTTP\/1\.1 431 /);
	const query = lines(`GET /v2/?${'y'.repeat(70_000)} HTTP/1.1`, 'host: x');
	t.regex(await client.raw(query), /^HTTP\/1\.1 431 /);
});

overStorages('two lengths, and a length beside chunks, are refused', async (t, client) => {
	const head = ['POST /v2/a/blobs/uploads/ HTTP/1.1', 'host: x', 'content-length: 3'];
	t.regex(await client.raw(`${lines(...head, 'content-length: 4')}abcd`), /^HTTP\/1\.1 400 /);
	t.regex(await client.raw(`${lines(...head, 'transfer-encoding: chunked')}0\r\n\r\n`), /^HTTP\/1\.1 400 /);
});

overStorages('bytes beyond the announced length are not taken for the blob', async (t, client) => {
	const digest = digestOf('abc');
	const head = lines(`POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1`, 'host: x', 'content-length: 3');
	const text = await client.raw(`${head}abcDEF\r\n\r\n`);
	t.regex(text, /^HTTP\/1\.1 201 /);
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).body.toString(), 'abc');
});

overStorages('a client that waits to be asked for its body is asked', async (t, client) => {
	const digest = digestOf('abc');
	const socket = connect(client.port, '127.0.0.1');
	socket.write(
		lines(
			`POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1`,
			'host: x',
			'content-length: 3',
			'expect: 100-continue',
			'connection: close',
		),
	);
	const [first] = (await once(socket, 'data')) as [Buffer];
	t.is(first.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
	socket.write('abc');
	const [second] = (await once(socket, 'data')) as [Buffer];
	t.regex(second.toString(), /^HTTP\/1\.1 201 /);
	socket.destroy();
});

overStorages('a client that waits is refused before it sends its body', async (t, client) => {
	for (const [path, status] of [
		['/v2/a/blobs/uploads/unknown', 404],
		['/v2/A/blobs/uploads/1', 400],
		['/v2/a/manifests/x', 413],
	] as const) {
		const method = status === 413 ? 'PUT' : 'PATCH';
		const text = await client.raw(
			lines(`${method} ${path} HTTP/1.1`, 'host: x', 'content-length: 1000000000', 'expect: 100-continue'),
		);
		t.regex(text, new RegExp(`^HTTP/1\\.1 ${status} `));
		t.regex(text, /connection: close/i);
	}
});

overStorages('a refused client that keeps sending still gets its answer', async (t, client) => {
	const socket = connect(client.port, '127.0.0.1');
	socket.on('error', () => {});
	socket.write(lines('PATCH /v2/a/blobs/uploads/unknown HTTP/1.1', 'host: x', 'content-length: 8000000'));
	let text = '';
	socket.on('data', (chunk: Buffer) => {
		text += chunk.toString();
	});
	for (let sent = 0; sent < 8_000_000; sent += 100_000) {
		if (!socket.write(Buffer.alloc(100_000))) await once(socket, 'drain');
	}
	await once(socket, 'close');
	t.regex(text, /^HTTP\/1\.1 404 .*BLOB_UPLOAD_UNKNOWN/s);
});

overStorages('a refusal with a short body keeps the connection', async (t, client) => {
	const text = await client.raw(
		lines('PATCH /v2/a/blobs/uploads/unknown HTTP/1.1', 'host: x', 'content-length: 3').concat(
			'abc',
			lines('GET /v2/ HTTP/1.1', 'host: x', 'connection: close'),
		),
	);
	t.regex(text, /^HTTP\/1\.1 404 .*HTTP\/1\.1 200 /s);
});

for (const [name, framing, body] of [
	['with a length', 'content-length: 1000000', 'x'.repeat(300_000)],
	['in chunks', 'transfer-encoding: chunked', `493e0\r\n${'x'.repeat(300_000)}\r\n`],
	['in a chunk that is cut', 'transfer-encoding: chunked', `f4240\r\n${'x'.repeat(300_000)}`],
] as const) {
	overStorages(`an upload ${name} that breaks off goes on at the offset that its status tells`, async (t, client) => {
		const {headers} = await client.send('POST', '/v2/a/blobs/uploads/');
		const location = headers.location ?? '';
		const socket = connect(client.port, '127.0.0.1');
		socket.on('error', () => {});
		socket.write(lines(`PATCH ${location} HTTP/1.1`, 'host: x', framing) + body);
		const sizeOf = async (): Promise<number> => {
			const {range = ''} = (await client.send('GET', location)).headers as {range?: string};
			return range === '0-0' ? 0 : Number(range.split('-')[1]) + 1;
		};
		// The end of the connection comes after all bytes.
		socket.end();
		while ((await sizeOf()) < 300_000) await new Promise(resolve => setTimeout(resolve, 5));
		t.is(await sizeOf(), 300_000);
		const rest = 'y'.repeat(1000);
		let reply = await client.send('PATCH', location, {headers: {'content-range': '300000-300999'}, body: rest});
		// The server may hear of the cut only a moment later.
		while (reply.status === 503) {
			reply = await client.send('PATCH', location, {headers: {'content-range': '300000-300999'}, body: rest});
		}
		t.is(reply.status, 202);
		t.is(reply.headers.range, '0-300999');
		const digest = digestOf('x'.repeat(300_000) + rest);
		t.is((await client.send('PUT', `${location}?digest=${digest}`)).status, 201);
	});
}

overStorages(
	'an upload whose chunks stop making sense is answered with 400, and goes on where it was',
	async (t, client) => {
		const {headers} = await client.send('POST', '/v2/a/blobs/uploads/');
		const location = headers.location ?? '';
		const text = await client.raw(
			`${lines(`PATCH ${location} HTTP/1.1`, 'host: x', 'transfer-encoding: chunked')}5\r\nhello\r\nnonsense\r\n`,
		);
		t.regex(text, /^HTTP\/1\.1 400 /);
		// What came before may be in the upload or not: its status tells, once the broken request is over.
		const goOn = async (): Promise<Reply> => {
			const {range} = (await client.send('GET', location)).headers;
			const [at, body] = range === '0-4' ? ['5-9', 'world'] : ['0-9', 'helloworld'];
			return await client.send('PATCH', location, {headers: {'content-range': at}, body});
		};
		let reply = await goOn();
		while (reply.status !== 202) reply = await goOn();
		t.is(reply.headers.range, '0-9');
		t.is((await client.send('PUT', `${location}?digest=${digestOf('helloworld')}`)).status, 201);
	},
);

overStorages('a whole blob in one request that breaks off leaves nothing', async (t, client) => {
	const socket = connect(client.port, '127.0.0.1');
	socket.on('error', () => {});
	const digest = digestOf('x'.repeat(1000));
	socket.write(lines(`POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1`, 'host: x', 'content-length: 1000'));
	socket.write('x'.repeat(999));
	while ((await client.storage.uploads.count()) === 0) await new Promise(resolve => setTimeout(resolve, 5));
	socket.destroy();
	while ((await client.storage.uploads.count()) > 0) await new Promise(resolve => setTimeout(resolve, 5));
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).status, 404);
});

overStorages('clients that leave in the middle of a blob do not disturb others', async (t, client) => {
	const {digest} = await client.pushBlob('a', Buffer.alloc(20_000_000, 'z'));
	for (let i = 0; i < 5; i++) {
		const socket = connect(client.port, '127.0.0.1');
		socket.on('error', () => {});
		socket.write(lines(`GET /v2/a/blobs/${digest} HTTP/1.1`, 'host: x'));
		await once(socket, 'data');
		socket.destroy();
	}
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).body.length, 20_000_000);
});

overStorages('requests one after the other in one packet are answered in order', async (t, client) => {
	const one = (path: string): string => lines(`GET ${path} HTTP/1.1`, 'host: x');
	const text = await client.raw(
		one('/v2/').concat(
			one('/v2/nowhere'),
			one('/v2/_catalog'),
			lines('GET / HTTP/1.1', 'host: x', 'connection: close'),
		),
	);
	t.deepEqual(
		[...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => match[1]),
		['200', '404', '200', '404'],
	);
});

overStorages('a client that asks on and on without reading is cut off', async (t, client) => {
	const {digest} = await client.pushBlob('a', Buffer.alloc(20_000_000, 'z'));
	const socket = connect(client.port, '127.0.0.1');
	socket.on('error', () => {});
	socket.pause();
	socket.write(lines(`GET /v2/a/blobs/${digest} HTTP/1.1`, 'host: x').repeat(1000));
	const closed = new Promise(resolve => socket.once('close', resolve));
	// Only who reads notices the end.
	setTimeout(() => socket.resume(), 200);
	await closed;
	t.is((await client.send('GET', '/v2/')).status, 200);
});

overStorages('a connection that is cut ends the requests that wait in it', async (t, client) => {
	const {digest} = await client.pushBlob('a', Buffer.alloc(20_000_000, randomUUID()));
	const socket = connect(client.port, '127.0.0.1');
	socket.on('error', () => {});
	socket.write(lines(`GET /v2/a/blobs/${digest} HTTP/1.1`, 'host: x').repeat(20));
	await once(socket, 'data');
	socket.destroy();
	const openFiles = async (): Promise<number> => {
		const links = await Promise.all(
			(await readdir('/proc/self/fd')).map(async fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
		);
		return links.filter(link => link.includes(digest.slice(7))).length;
	};
	while ((await openFiles()) > 0) await new Promise(resolve => setTimeout(resolve, 5));
	t.is(await openFiles(), 0);
});
