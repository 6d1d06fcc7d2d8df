import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {request as ask, createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import type {ContentOpener} from '../../../lib/oci/content.js';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {openRegistry, type RegistryOptions} from '../../../lib/registry/client/registry.js';
import type {Repository} from '../../../lib/registry/client/repository.js';
import type {RegistryError} from '../../../lib/registry/exchange/error.js';
import {chunks} from '../../helpers/images.js';
import {listen} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {type Fault, startUploadRegistry, type UploadRegistry} from '../../helpers/upload-registry.js';

const MiB = 1024 * 1024;
/** Above what goes out whole with the last request. */
const large = randomBytes(9 * MiB + 17);
const small = Buffer.from('a small blob');
const quick: RegistryOptions = {retry: {attempts: 4, firstDelayMs: 1, longestDelayMs: 20}};

function open(t: ExecutionContext, registry: UploadRegistry, options: RegistryOptions = quick): Repository {
	const client = openRegistry(options);
	t.teardown(() => client.close());
	return client.repository(`${registry.host}/a/b`);
}

/** Gives the bytes from any offset, and notes which offsets were asked for. */
function reader(bytes: Buffer, offsets: number[] = []): ContentOpener {
	return async offset => {
		offsets.push(offset);
		return pieces(bytes.subarray(offset));
	};
}

async function* pieces(bytes: Buffer, length = 256 * 1024): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function layer(bytes: Buffer): Descriptor {
	return describe('application/vnd.oci.image.layer.v1.tar', bytes);
}

/** Comparing megabytes with deepEqual takes seconds. */
function holds(t: ExecutionContext, registry: UploadRegistry, bytes: Buffer): void {
	t.true(registry.blobs.get(`a/b@${digestOf(bytes)}`)?.equals(bytes));
}

/** The requests without host, ids and queries. */
function shapes({requests}: UploadRegistry): string[] {
	return requests.map(line =>
		line
			.replace(/\/v2\/a\/b\/blobs\/uploads\/\?.*/, 'uploads/?')
			.replace(/\/v2\/a\/b\/blobs\/uploads\/[^ ]+digest=\S+/, 'end')
			.replace(/\/v2\/a\/b\/blobs\/uploads\/[^ ]+/, 'upload')
			.replace(/\/v2\/a\/b\/blobs\/sha.*/, 'blob'),
	);
}

test('a small blob goes out with the request that ends the upload', async t => {
	const registry = await startUploadRegistry(t);
	await open(t, registry).pushFrom(layer(small), reader(small));
	t.deepEqual(shapes(registry), ['HEAD blob', 'POST /v2/a/b/blobs/uploads/', 'PUT end']);
	holds(t, registry, small);
});

test('a large blob goes out as one stream', async t => {
	const registry = await startUploadRegistry(t);
	await open(t, registry).pushFrom(layer(large), reader(large));
	t.deepEqual(shapes(registry), ['HEAD blob', 'POST /v2/a/b/blobs/uploads/', 'PATCH upload', 'PUT end']);
	holds(t, registry, large);
	t.deepEqual([...registry.received], [['PATCH', large.length]]);
});

test('an empty blob can be pushed', async t => {
	const registry = await startUploadRegistry(t);
	const empty = Buffer.alloc(0);
	await open(t, registry).push(layer(empty), pieces(empty));
	t.is(registry.blobs.get(`a/b@${digestOf(empty)}`)?.length, 0);
});

test('nothing is sent that is there, and nothing is asked twice', async t => {
	const registry = await startUploadRegistry(t);
	registry.blobs.set(`a/b@${digestOf(large)}`, large);
	const repository = open(t, registry);
	await repository.pushFrom(layer(large), reader(large));
	t.deepEqual(shapes(registry), ['HEAD blob']);
	t.false(await repository.exists(layer(small)));
	await repository.push(layer(small), pieces(small));
	t.deepEqual(shapes(registry).slice(1), ['HEAD blob', 'POST /v2/a/b/blobs/uploads/', 'PUT end']);
});

test('where the registry names a smallest part, the blob goes out in parts', async t => {
	const registry = await startUploadRegistry(t);
	registry.postHeaders = {'oci-chunk-min-length': String(80 * MiB)};
	const bytes = Buffer.alloc(100 * MiB, 'x');
	const offsets: number[] = [];
	await open(t, registry).pushFrom(layer(bytes), reader(bytes, offsets));
	t.deepEqual(shapes(registry).slice(2), [
		`PATCH upload 0-${80 * MiB - 1}`,
		`PATCH upload ${80 * MiB}-${100 * MiB - 1}`,
		'PUT end',
	]);
	t.deepEqual(offsets, [0], 'the source is read once, from its start');
	t.is(registry.blobs.get(`a/b@${digestOf(bytes)}`)?.length, bytes.length);
});

test('where bodies are limited, the parts get smaller until they fit', async t => {
	const registry = await startUploadRegistry(t);
	registry.limitBytes = 3 * MiB;
	await open(t, registry).pushFrom(layer(large), reader(large));
	holds(t, registry, large);
	t.is(shapes(registry).filter(line => line.startsWith('PATCH')).length, 1 + 5);
	registry.limitBytes = 1000;
	await t.throwsAsync(open(t, registry).pushFrom(layer(large.subarray(1)), reader(large.subarray(1))), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /413/,
	});
});

const survives = test.macro({
	async exec(t, faults: readonly Fault[], bytes: Buffer, expected: readonly string[], offsets?: readonly number[]) {
		const registry = await startUploadRegistry(t);
		registry.faults.push(...faults);
		const asked: number[] = [];
		await open(t, registry).pushFrom(layer(bytes), reader(bytes, asked));
		t.deepEqual(shapes(registry).slice(1), expected);
		if (offsets !== undefined) t.deepEqual(asked, offsets);
		holds(t, registry, bytes);
		t.is(registry.sessions.size, faults.some(({method, does}) => method === 'POST' && does === 'swallow') ? 1 : 0);
	},
	title: title => `a push survives ${title}`,
});

const begun = 'POST /v2/a/b/blobs/uploads/';
const rest = (from: number): string => `PATCH upload ${from}-${large.length - 1}`;

test('a cut before the answer to POST', survives, [{method: 'POST', does: 'swallow'}], large, [
	begun,
	begun,
	'PATCH upload',
	'PUT end',
]);
test('a cut before a byte of a part', survives, [{method: 'PATCH', does: 'refuse'}], large, [
	begun,
	'PATCH upload',
	'GET upload',
	'PATCH upload',
	'PUT end',
]);
test(
	'a cut in the middle of a part: it goes on at the offset that the registry reports',
	survives,
	[{method: 'PATCH', does: {cut: 5 * MiB + 3}}],
	large,
	[begun, 'PATCH upload', 'GET upload', rest(5 * MiB + 3), 'PUT end'],
	[0, 5 * MiB + 3],
);
test(
	'two cuts, and one of the question where it stands',
	survives,
	[
		{method: 'PATCH', does: {cut: 2 * MiB}},
		{method: 'PATCH', does: {cut: 2 * MiB}},
		{method: 'GET', does: 'refuse'},
	],
	large,
	[begun, 'PATCH upload', 'GET upload', 'GET upload', rest(2 * MiB), 'GET upload', rest(4 * MiB), 'PUT end'],
);
test('a cut after a part, before its answer', survives, [{method: 'PATCH', does: 'swallow'}], large, [
	begun,
	'PATCH upload',
	'GET upload',
	'PUT end',
]);
test('a cut at the end, before the registry did anything', survives, [{method: 'PUT', does: 'refuse'}], large, [
	begun,
	'PATCH upload',
	'PUT end',
	'HEAD blob',
	'GET upload',
	'PUT end',
]);
test('a cut at the end, after the registry did everything', survives, [{method: 'PUT', does: 'swallow'}], large, [
	begun,
	'PATCH upload',
	'PUT end',
	'HEAD blob',
]);
test(
	'a cut in the middle of a small blob',
	survives,
	[{method: 'PUT', does: {cut: 4}}],
	small,
	[begun, 'PUT end', 'HEAD blob', 'GET upload', `PATCH upload 4-${small.length - 1}`, 'PUT end'],
	[0],
);
test('an upload that got lost in its middle', survives, [{method: 'PATCH', does: 'lose'}], large, [
	begun,
	'PATCH upload',
	begun,
	'PATCH upload',
	'PUT end',
]);
test('an upload that got lost at its end', survives, [{method: 'PUT', does: 'lose'}], large, [
	begun,
	'PATCH upload',
	'PUT end',
	'HEAD blob',
	begun,
	'PATCH upload',
	'PUT end',
]);
test(
	'an upload that got lost after a cut',
	survives,
	[
		{method: 'PATCH', does: {cut: MiB}},
		{method: 'GET', does: 'lose'},
	],
	large,
	[begun, 'PATCH upload', 'GET upload', begun, 'PATCH upload', 'PUT end'],
);
test(
	'a registry that stands elsewhere (416)',
	survives,
	[{method: 'PATCH', does: {answer: 416, headers: {range: '0-0'}}}],
	large,
	[begun, 'PATCH upload', 'GET upload', 'PATCH upload', 'PUT end'],
);
test(
	'a registry that is still at work on the part before (409)',
	survives,
	[{method: 'PATCH', does: {answer: 409}}],
	large,
	[begun, 'PATCH upload', 'GET upload', 'PATCH upload', 'PUT end'],
);
test(
	'503 and 429 at every step',
	survives,
	[
		{method: 'POST', does: {answer: 503}},
		{method: 'PATCH', does: {answer: 429, headers: {'retry-after': '0'}}},
		{method: 'PUT', does: {answer: 503, headers: {'retry-after': '0'}}},
	],
	large,
	[begun, begun, 'PATCH upload', 'GET upload', 'PATCH upload', 'PUT end', 'HEAD blob', 'GET upload', 'PUT end'],
);

test('gives up after so many attempts without progress, and cancels the upload', async t => {
	const registry = await startUploadRegistry(t);
	for (let i = 0; i < 4; i++) registry.faults.push({method: 'PATCH', does: {cut: 10}});
	const retries: SealEvent[] = [];
	const repository = open(t, registry, {...quick, onEvent: event => retries.push(event)});
	await t.throwsAsync(repository.pushFrom(layer(large), reader(large)), {code: 'ERR_REGISTRY_UNREACHABLE'});
	t.is(retries.filter(({type}) => type === 'retry').length, 3);
	t.is(registry.sessions.size, 0);
	t.is(registry.requests.at(-1)?.split(' ')[0], 'DELETE');
});

test('waits as long as the registry asks', async t => {
	const registry = await startUploadRegistry(t);
	registry.faults.push({method: 'PATCH', does: {answer: 429, headers: {'retry-after': '7'}}});
	const events: SealEvent[] = [];
	const repository = open(t, registry, {...quick, onEvent: event => events.push(event)});
	await repository.pushFrom(layer(large), reader(large));
	t.like(events, [{type: 'retry', id: digestOf(large), attempt: 1, delayMs: 20}]);
});

test('content that is damaged at its source is not pushed, and the upload is cancelled', async t => {
	const registry = await startUploadRegistry(t);
	const store = await openStore(tempDir(t));
	for (const bytes of [large, small]) {
		const descriptor = layer(bytes);
		await store.push(descriptor, pieces(bytes));
		const damaged = Buffer.from(bytes);
		damaged[3]! ^= 1;
		writeFileSync(store.blobPath(descriptor.digest), damaged);
		const push = open(t, registry).pushFrom(descriptor, (offset, how) => store.fetch(descriptor, {...how, offset}));
		await t.throwsAsync(push, {code: 'ERR_CONTENT_DIGEST'});
		t.is(registry.requests.at(-1)?.split(' ')[0], 'DELETE');
	}
	t.is(registry.sessions.size, 0);
	t.is(registry.blobs.size, 0);
});

const refusesSource = test.macro({
	async exec(t, bytes: Buffer, code: string) {
		const registry = await startUploadRegistry(t);
		await t.throwsAsync(open(t, registry).push(layer(large), pieces(bytes)), {code});
		await t.throwsAsync(open(t, registry).pushFrom(layer(large), reader(bytes)), {code});
		t.is(registry.sessions.size, 0);
		t.is(registry.blobs.size, 0);
	},
	title: title => `does not push a stream that ${title}`,
});

test('ends too early', refusesSource, large.subarray(0, large.length - 1), 'ERR_CONTENT_SIZE');
test('goes on too long', refusesSource, Buffer.concat([large, Buffer.from('x')]), 'ERR_CONTENT_SIZE');
test('is something else', refusesSource, Buffer.alloc(large.length), 'ERR_CONTENT_DIGEST');

test('content that got damaged on the way is sent again, from its start', async t => {
	const registry = await startUploadRegistry(t);
	registry.faults.push({method: 'PATCH', does: {cut: 3 * MiB}});
	registry.intercept = request => {
		if (request.method === 'GET')
			for (const {chunks: held} of registry.sessions.values()) held[0] = Buffer.from(held[0]!).fill(0);
		return false;
	};
	await open(t, registry).pushFrom(layer(large), reader(large));
	holds(t, registry, large);
	t.deepEqual(shapes(registry).filter(line => line === 'PUT end').length, 2);
});

test('a stream that cannot be read again fails with the connection', async t => {
	const registry = await startUploadRegistry(t);
	registry.faults.push({method: 'PATCH', does: {cut: MiB}});
	await t.throwsAsync(open(t, registry).push(layer(large), pieces(large)), {
		code: 'ERR_REGISTRY_UNREACHABLE',
		message: /its bytes are gone/,
	});
	t.is(registry.sessions.size, 0);
});

test('a registry that takes a part piece by piece is left', async t => {
	const registry = await startUploadRegistry(t);
	registry.intercept = (request, response) => {
		if (request.method !== 'PATCH') return false;
		const start = Number(/^\d+/.exec(request.headers['content-range'] ?? '0')?.[0]);
		for (const session of registry.sessions.values()) {
			session.chunks.push(Buffer.from(large.subarray(start, start + 10)));
			session.sizeBytes = start + 10;
		}
		const location = request.url ?? '';
		request.resume().on('end', () => response.writeHead(202, {location, range: `0-${start + 9}`}).end());
		return true;
	};
	await t.throwsAsync(open(t, registry).pushFrom(layer(large), reader(large)), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /took 10 of \d+ bytes/,
	});
	t.is(registry.requests.filter(line => line.startsWith('PATCH')).length, 4);
});

test('a registry that stores something else is not believed', async t => {
	const registry = await startUploadRegistry(t);
	const headers = {'docker-content-digest': digestOf('other')};
	registry.faults.push({method: 'PUT', does: {answer: 201, headers}});
	await t.throwsAsync(open(t, registry).pushFrom(layer(small), reader(small)), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: new RegExp(`stored ${digestOf(small)} as ${digestOf('other')}`),
	});
});

test('an upload without a place to go on is refused', async t => {
	const registry = await startUploadRegistry(t);
	registry.faults.push({method: 'POST', does: {answer: 202}});
	await t.throwsAsync(open(t, registry).pushFrom(layer(small), reader(small)), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /does not say where/,
	});
});

test('sha512 digests are announced, and verified as such', async t => {
	const registry = await startUploadRegistry(t);
	const descriptor = {mediaType: 'application/octet-stream', digest: digestOf(small, 'sha512'), size: small.length};
	await open(t, registry).push(descriptor, pieces(small));
	t.true(registry.requests.includes('POST /v2/a/b/blobs/uploads/?digest-algorithm=sha512'));
	t.deepEqual(registry.blobs.get(`a/b@${descriptor.digest}`), small);
});

test('a signed Location on another host gets the bytes and no credentials, and is never shown', async t => {
	const registry = await startUploadRegistry(t);
	const elsewhere: string[] = [];
	const storage = await listen(
		t,
		createServer((request, response) => {
			elsewhere.push(String(request.headers.authorization));
			request.url = request.url?.replace('/bucket', '');
			forward(registry, request, response);
		}),
	);
	const wants: RegistryOptions = {...quick, credentials: () => ({kind: 'password', username: 'u', password: 'p'})};
	registry.intercept = (request, response) => {
		if (request.headers.authorization === `Basic ${Buffer.from('u:p').toString('base64')}`) return false;
		if (request.headers['x-forwarded'] === 'yes') return false;
		response.writeHead(401, {'www-authenticate': 'Basic realm="x"'}).end();
		return true;
	};
	registry.locate = path => `http://${storage}/bucket${path}&signature=secret`;
	const repository = open(t, registry, wants);
	await repository.pushFrom(layer(large), reader(large));
	holds(t, registry, large);
	t.deepEqual(elsewhere, ['undefined', 'undefined']);
	registry.faults.push({method: 'PUT', does: {answer: 403}});
	const error = (await t.throwsAsync(repository.pushFrom(layer(small), reader(small)))) as RegistryError;
	t.notRegex(JSON.stringify(error) + error.message + error.stack, /secret/);
});

test('a token that is refused in the middle of a part is renewed, and the part goes on where it was', async t => {
	const registry = await startUploadRegistry(t);
	let issued = 0;
	let valid = 'none';
	let refuseAt = 0;
	registry.intercept = (request, response) => {
		if (request.url?.startsWith('/token') === true) {
			valid = `t${++issued}`;
			response.end(JSON.stringify({token: valid}));
			return true;
		}
		if (request.method === 'PATCH' && ++refuseAt === 1) valid = 'none';
		if (request.headers.authorization === `Bearer ${valid}`) return false;
		const realm = `http://${registry.host}/token`;
		response.writeHead(401, {'www-authenticate': `Bearer realm="${realm}",service="x"`}).end();
		return true;
	};
	await open(t, registry).pushFrom(layer(large), reader(large));
	holds(t, registry, large);
	t.deepEqual([...registry.received], [['PATCH', large.length]]);
});

test('a registry that stops reading is left, and the upload goes on; one that takes long to answer at the end is waited for', async t => {
	const registry = await startUploadRegistry(t);
	registry.faults.push({method: 'PATCH', does: {hold: 2 * MiB, reached: () => undefined}});
	let puts = 0;
	registry.intercept = (request, response) => {
		if (request.method !== 'PUT' || ++puts > 1) return false;
		setTimeout(() => registry.handle(request, response), 2500);
		return true;
	};
	const retry = {attempts: 10, firstDelayMs: 1};
	await open(t, registry, {retry, idleTimeoutMs: 1000}).pushFrom(layer(large), reader(large));
	holds(t, registry, large);
	t.is(puts, 1);
	t.true(shapes(registry).some(line => line.startsWith(`PATCH upload ${2 * MiB}-`)));
});

test('an upload is sent to web addresses only', async t => {
	const registry = await startUploadRegistry(t);
	registry.locate = () => 'file:///etc/passwd';
	await t.throwsAsync(open(t, registry).pushFrom(layer(small), reader(small)), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /no web address/,
	});
});

test('who may only read can ask what is there', async t => {
	const registry = await startUploadRegistry(t);
	registry.blobs.set(`a/b@${digestOf(small)}`, small);
	const scopes: string[] = [];
	registry.intercept = (request, response) => {
		const url = new URL(request.url ?? '', 'http://x');
		const scope = url.searchParams.get('scope');
		if (url.pathname === '/token') {
			scopes.push(String(scope));
			if (scope?.includes('push') === true) response.writeHead(403).end();
			else response.end(JSON.stringify({token: 'readonly'}));
			return true;
		}
		if (request.headers.authorization === 'Bearer readonly') return false;
		const realm = `http://${registry.host}/token`;
		response.writeHead(401, {'www-authenticate': `Bearer realm="${realm}",service="x"`}).end();
		return true;
	};
	t.true(await open(t, registry).exists(layer(small)));
	t.deepEqual(scopes, ['repository:a/b:pull,push', 'repository:a/b:pull']);
});

test('an abort ends the upload with its reason', async t => {
	const registry = await startUploadRegistry(t);
	const controller = new AbortController();
	const reason = new Error('enough');
	const read: ContentOpener = async () => {
		controller.abort(reason);
		return chunks('x');
	};
	const error = await t.throwsAsync(open(t, registry).pushFrom(layer(large), read, {signal: controller.signal}));
	t.is(error, reason);
	t.is(registry.sessions.size, 0);
});

/** Lets the registry answer what another host was asked. */
function forward({host}: UploadRegistry, request: IncomingMessage, response: ServerResponse): void {
	const {method, headers, url: path} = request;
	const onward = ask(`http://${host}${path}`, {method, headers: {...headers, host, 'x-forwarded': 'yes'}}, answer => {
		response.writeHead(answer.statusCode ?? 500, answer.headers);
		answer.pipe(response);
	});
	onward.on('error', () => response.destroy());
	request.pipe(onward);
}
