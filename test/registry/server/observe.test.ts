import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {get} from 'node:http';
import {join} from 'node:path';
import {PassThrough, Writable} from 'node:stream';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {openAccess} from '../../../lib/registry/server/access/access.js';
import {createAccessLog, type RequestRecord} from '../../../lib/registry/server/access-log.js';
import type {ServeOptions} from '../../../lib/registry/server/options.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {startServer, type TestClient} from '../../helpers/registry-server.js';
import {basic, htpasswdLine} from '../../helpers/server-access.js';
import {tempDir} from '../../helpers/temp-dir.js';

async function serve(t: ExecutionContext, options: ServeOptions): Promise<TestClient> {
	return await startServer(t, await openStockStorage(tempDir(t), {create: true, durability: 'none'}), options);
}

async function withUsers(t: ExecutionContext, anonymousPull = false): Promise<ServeOptions> {
	const htpasswd = join(tempDir(t), 'htpasswd');
	writeFileSync(htpasswd, htpasswdLine('alice', 'wonder'));
	const access = await openAccess({htpasswd, anonymousPull});
	t.teardown(() => access.close?.());
	return {access};
}

/** Resolves with so many lines of the log. */
async function lines(log: PassThrough, count: number): Promise<Record<string, unknown>[]> {
	let text = '';
	while (text.split('\n').length <= count) {
		text += String(log.read() ?? '');
		if (text.split('\n').length <= count) await once(log, 'readable');
	}
	return text
		.trim()
		.split('\n')
		.map(one => JSON.parse(one) as Record<string, unknown>);
}

test('each request is a line with who, what, how much and how long, and no secret', async t => {
	const accessLog = new PassThrough();
	const client = await serve(t, {accessLog, ...(await withUsers(t))});
	const headers = {authorization: basic('alice', 'wonder'), 'user-agent': 'evil\u009b31m"\\agent', x: 'y'};
	const body = Buffer.alloc(5000);
	await client.send('GET', '/v2/?account=secret');
	await client.send('POST', '/v2/team/app/blobs/uploads/?digest=sha256:x&token=secret', {headers, body});
	await client.send('GET', '/v2/team/app/tags/list', {headers});
	const [first, second, third] = await lines(accessLog, 3);
	t.like(first, {client: '127.0.0.1', method: 'GET', path: '/v2/', status: 401, complete: true, bytesIn: 0});
	t.is(first?.user, undefined);
	t.true(typeof first?.durationMs === 'number' && Number(first.bytesOut) > 0);
	t.false(Number.isNaN(Date.parse(String(first?.time))));
	t.like(second, {
		method: 'POST',
		path: '/v2/team/app/blobs/uploads/',
		repository: 'team/app',
		user: 'alice',
		status: 400,
	});
	t.like(third, {status: 404, userAgent: 'evil\u009b31m"\\agent'});
	const text = JSON.stringify([first, second, third]);
	t.false(/secret|wonder|Basic/.test(text), text);
});

test('what is read and written is counted', async t => {
	const accessLog = new PassThrough();
	const client = await serve(t, {accessLog});
	const {digest} = await client.pushBlob('a', Buffer.alloc(100_000));
	await client.send('GET', `/v2/a/blobs/${digest}`);
	await client.send('HEAD', `/v2/a/blobs/${digest}`);
	t.deepEqual(
		(await lines(accessLog, 3)).map(({method, bytesIn, bytesOut}) => [method, bytesIn, bytesOut]),
		[
			['POST', 100_000, 0],
			['GET', 0, 100_000],
			['HEAD', 0, 0],
		],
	);
});

test('a client that goes away leaves a line that says so', async t => {
	const accessLog = new PassThrough();
	const client = await serve(t, {accessLog});
	const {digest} = await client.pushBlob('a', Buffer.alloc(30_000_000));
	const request = get({port: client.port, path: `/v2/a/blobs/${digest}`});
	request.on('error', () => {});
	await once(request, 'response');
	request.destroy();
	const [, last] = await lines(accessLog, 2);
	t.like(last, {method: 'GET', complete: false});
	t.true(Number(last?.bytesOut) < 30_000_000);
});

const record: RequestRecord = {
	time: 0,
	client: '::1',
	user: 'a\nb',
	method: 'GET',
	path: '/v2/\u2028\u202e\u007f\ud800',
	route: undefined,
	repository: '',
	status: 404,
	complete: true,
	bytesIn: 0,
	bytesOut: 1,
	durationMs: 1.23456,
	userAgent: undefined,
};

test('a line is plain ASCII, whatever is in it', t => {
	const chunks: string[] = [];
	const log = createAccessLog(new Writable({write: (chunk, _encoding, done) => (chunks.push(String(chunk)), done())}));
	log.write(record);
	t.regex(chunks[0] ?? '', /^[\x20-\x7e]+\n$/);
	t.like(JSON.parse(chunks[0] ?? ''), {user: 'a\nb', durationMs: 1.235, time: '1970-01-01T00:00:00.000Z'});
});

test('a log that nobody reads costs bounded memory', t => {
	const stream = new Writable({write: () => {}});
	const log = createAccessLog(stream);
	const long = {...record, path: 'x'.repeat(1000)};
	for (let i = 0; i < 30_000; i++) log.write(long);
	t.true(log.dropped > 0);
	t.true(stream.writableLength < 20 * 1024 * 1024);
	stream.destroy();
	log.write(long);
	t.pass();
});

test('metrics count requests, bytes and times in the form of Prometheus', async t => {
	const client = await serve(t, {metrics: true});
	const {digest} = await client.pushBlob('a', Buffer.alloc(1000));
	await client.send('GET', `/v2/a/blobs/${digest}`);
	await client.send('GET', '/v2/nothing/tags/list');
	await client.send('BREW', '/v2/');
	await client.send('GET', '/nowhere');
	const reply = await client.send('GET', '/metrics');
	t.is(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
	const text = reply.body.toString();
	for (const line of [
		'sealimage_registry_requests_total{method="POST",route="uploads",status="201"} 1',
		'sealimage_registry_requests_total{method="GET",route="blob",status="200"} 1',
		'sealimage_registry_requests_total{method="GET",route="tags",status="404"} 1',
		'sealimage_registry_requests_total{method="GET",route="other",status="404"} 1',
		'sealimage_registry_received_bytes_total 1000',
		'sealimage_registry_uploads_in_flight 0',
		'sealimage_registry_request_duration_seconds_count{route="blob"} 1',
		'sealimage_registry_request_duration_seconds_bucket{route="blob",le="+Inf"} 1',
	]) {
		t.true(text.includes(`${line}\n`), `${line}\n${text}`);
	}
	for (const line of text.trim().split('\n')) {
		t.regex(line, /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? [\d.e+-]+)$/);
	}
});

test('metrics are off unless asked for, for this machine, and for others with credentials', async t => {
	const off = await serve(t, {});
	t.is((await off.send('GET', '/metrics')).status, 404);
	const open = await serve(t, {metrics: true});
	t.is((await open.send('GET', '/metrics')).status, 200);
	const forwarded = {'x-forwarded-for': '10.0.0.1'};
	t.is((await open.send('GET', '/metrics', {headers: forwarded})).status, 403);
	t.is((await open.send('POST', '/metrics')).status, 405);
	const guarded = await serve(t, {metrics: true, ...(await withUsers(t))});
	t.is((await guarded.send('GET', '/metrics', {headers: forwarded})).status, 401);
	const headers = {...forwarded, authorization: basic('alice', 'wonder')};
	t.is((await guarded.send('GET', '/metrics', {headers})).status, 200);
});

test('health needs no credentials and tells nothing', async t => {
	const client = await serve(t, await withUsers(t));
	const reply = await client.send('GET', '/healthz');
	t.is(reply.status, 200);
	t.is(reply.body.toString(), 'ok\n');
	t.is((await client.send('DELETE', '/healthz')).status, 405);
});

test('the token server answers under the host that the client used', async t => {
	const client = await serve(t, await withUsers(t, true));
	const refused = await client.send('POST', '/v2/a/blobs/uploads/', {headers: {host: 'registry.example:5000'}});
	t.is(refused.status, 401);
	t.is(
		refused.headers['www-authenticate'],
		'Bearer realm="http://registry.example:5000/token",service="sealimage",scope="repository:a:push"',
	);
	const behind = await client.send('GET', '/v2/', {headers: {host: 'x.example', 'x-forwarded-proto': 'https'}});
	t.regex(behind.headers['www-authenticate'] ?? '', /^Bearer realm="https:\/\/x\.example\/token"/);
	const strange = await client.send('POST', '/v2/a/blobs/uploads/', {headers: {host: 'x"y'}});
	t.is(strange.headers['www-authenticate'], 'Basic realm="sealimage"');

	const scope = 'repository:a:pull,push';
	const asked = await client.send('GET', `/token?service=sealimage&scope=${scope}`, {
		headers: {authorization: basic('alice', 'wonder')},
	});
	t.is(asked.status, 200);
	const {token} = asked.json() as {token: string};
	const headers = {authorization: `Bearer ${token}`};
	t.is((await client.send('POST', '/v2/a/blobs/uploads/', {headers})).status, 202);
	t.is((await client.send('POST', '/v2/b/blobs/uploads/', {headers})).status, 401);
	const form = new URLSearchParams({grant_type: 'password', username: 'alice', password: 'no', scope}).toString();
	t.is((await client.send('POST', '/token', {body: form})).status, 401);
	t.is((await client.send('POST', '/token', {body: 'x'.repeat(20_000)})).status, 413);
	const nobody = (await client.send('GET', '/token?scope=repository:b:pull')).json() as {token: string};
	const reads = {headers: {authorization: `Bearer ${nobody.token}`}};
	t.is((await client.send('GET', '/v2/b/tags/list', reads)).status, 404, 'everybody may read');
	t.is((await client.send('POST', '/v2/b/blobs/uploads/', reads)).status, 401);
});

test('who gives logins to a server without TLS beyond this machine is warned', async t => {
	const {access} = await withUsers(t);
	const events: string[] = [];
	const note = (event: SealEvent): void => void (event.type === 'warning' && events.push(event.code));
	await serve(t, {access, host: '0.0.0.0', onEvent: note});
	await serve(t, {access, onEvent: note});
	t.deepEqual(events, ['ServerPlainPasswords']);
});
