import {createServer as createProxy} from 'node:http';
import {createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../lib/core/bytes.js';
import {createHttpClient, type HttpClientOptions, redactUrl} from '../../lib/core/http.js';
import {serveHttp} from '../helpers/http-server.js';

function client(t: ExecutionContext, options: HttpClientOptions = {}): ReturnType<typeof createHttpClient> {
	const http = createHttpClient(options);
	t.teardown(() => http.close());
	return http;
}

test('a request gives status, headers and body, and follows no redirect', async t => {
	const url = await serveHttp(t, (request, response) => {
		response.writeHead(302, {location: '/other', 'x-method': request.method, 'x-many': ['a', 'b']}).end('moved');
	});
	const response = await client(t).request(url, {method: 'DELETE'});
	t.is(response.status, 302);
	t.is(response.header('Location'), '/other');
	t.is(response.header('x-method'), 'DELETE');
	t.is(response.header('x-many'), 'a, b');
	t.is(response.header('none'), undefined);
	t.is((await collect(response.body, 100)).toString(), 'moved');
});

test('a login in the URL becomes a header, also when it holds a bare percent sign', async t => {
	const url = await serveHttp(t, (request, response) => response.end(request.headers.authorization));
	const target = url.replace('//', '//me:50%@');
	const response = await client(t).request(target);
	t.is((await collect(response.body, 100)).toString(), `Basic ${Buffer.from('me:50%').toString('base64')}`);
});

test('a body goes out as a stream', async t => {
	const url = await serveHttp(t, (request, response) => request.pipe(response));
	async function* body(): AsyncGenerator<Uint8Array> {
		yield Buffer.from('one ');
		yield Buffer.from('two');
	}
	const response = await client(t).request(url, {method: 'PUT', body: body()});
	t.is((await collect(response.body, 100)).toString(), 'one two');
});

test('a body that is cut short rejects', async t => {
	const url = await serveHttp(t, (_, response) => {
		response.writeHead(200, {'content-length': '100'});
		response.write('half', () => response.destroy());
	});
	const response = await client(t).request(url);
	await t.throwsAsync(collect(response.body, 1000), {code: 'ERR_NETWORK'});
});

test('a server that stops sending rejects after the idle time', async t => {
	const url = await serveHttp(t, (_, response) => {
		response.writeHead(200, {'content-length': '100'});
		response.write('half');
	});
	const response = await client(t, {idleTimeoutMs: 50}).request(url);
	await t.throwsAsync(collect(response.body, 1000), {code: 'ERR_NETWORK', message: /stopped sending/});
});

test('nobody at the port is told apart', async t => {
	const server = createServer();
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	const {port} = server.address() as {port: number};
	await new Promise(resolve => server.close(resolve));
	await t.throwsAsync(client(t).request(`http://u:secret@127.0.0.1:${port}/x?token=secret`), {
		code: 'ERR_NETWORK',
		message: `http://127.0.0.1:${port}/x?... cannot be read: the connection is refused`,
	});
});

test('an abort rejects with its reason, before and within the body', async t => {
	const url = await serveHttp(t, (_, response) => {
		response.writeHead(200);
		response.write('half');
	});
	const reason = new Error('enough');
	await t.throwsAsync(client(t).request(url, {signal: AbortSignal.abort(reason)}), {is: reason});
	const controller = new AbortController();
	const response = await client(t).request(url, {signal: controller.signal});
	const reading = collect(response.body, 1000);
	controller.abort(reason);
	await t.throwsAsync(reading, {is: reason});
});

test('a proxy is asked, but for the hosts that are excepted', async t => {
	const url = await serveHttp(t, (_, response) => response.end('direct'));
	const asked: string[] = [];
	const proxy = createProxy((request, response) => {
		asked.push(request.url ?? '');
		response.end('by proxy');
	});
	proxy.on('connect', (request, socket: Socket) => {
		asked.push(request.url ?? '');
		socket.write('HTTP/1.1 200 OK\r\n\r\n');
		socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nby proxy'));
	});
	await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
	t.teardown(() => proxy.close());
	const {port} = proxy.address() as {port: number};
	const settings = {http: `http://127.0.0.1:${port}`};
	const proxied = await client(t, {proxy: settings}).request('http://example.invalid/x');
	t.is((await collect(proxied.body, 100)).toString(), 'by proxy');
	t.true(asked.length === 1 && asked[0]!.includes('example.invalid'));
	const direct = await client(t, {proxy: {...settings, except: '127.0.0.1'}}).request(url);
	t.is((await collect(direct.body, 100)).toString(), 'direct');
	t.is(asked.length, 1);
});

test('redactUrl hides logins, queries and fragments', t => {
	t.is(redactUrl('https://me:pw@host/a?sig=x#y'), 'https://host/a?...');
	t.is(redactUrl('no url'), 'no url');
});
