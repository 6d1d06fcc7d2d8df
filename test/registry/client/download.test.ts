import {randomBytes} from 'node:crypto';
import type {IncomingMessage, ServerResponse} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import {openRegistry, type RegistryOptions} from '../../../lib/registry/client/registry.js';
import {startRegistry, type TestRegistry} from '../../helpers/registry.js';

const content = randomBytes(1_000_000);
const descriptor = describe('application/octet-stream', content);
const quick: RegistryOptions = {retry: {attempts: 3, firstDelayMs: 1}};
const inParts: RegistryOptions = {...quick, parts: {fromBytes: 200_000, partBytes: 100_000}};

async function startWithBlob(t: ExecutionContext): Promise<TestRegistry> {
	const registry = await startRegistry(t);
	registry.blob(content);
	return registry;
}

async function read(
	t: ExecutionContext,
	{host}: TestRegistry,
	options: RegistryOptions,
	{wanted = descriptor, offset = 0}: {readonly wanted?: Descriptor; readonly offset?: number} = {},
): Promise<Buffer> {
	const client = openRegistry(options);
	t.teardown(() => client.close());
	return await collect(await client.repository(`${host}/a`).fetch(wanted, {offset}), 10_000_000);
}

function rangesOf(registry: TestRegistry): string[] {
	return registry.requests.flatMap(line => / bytes=(.*)$/.exec(line)?.[1] ?? []);
}

/** Answers a blob request in the place of the registry. */
function interceptBlobs(
	registry: TestRegistry,
	answer: (response: ServerResponse, start: number, end: number, request: IncomingMessage) => boolean,
): void {
	registry.intercept = (request, response) => {
		if (request.url?.includes('/blobs/') !== true) return false;
		const [, start = '0', last = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
		return answer(response, Number(start), last === '' ? content.length : Number(last) + 1, request);
	};
}

test('a small blob is asked for as a whole, over one connection', async t => {
	const registry = await startWithBlob(t);
	t.true((await read(t, registry, quick)).equals(content));
	t.deepEqual(registry.requests, [`GET /v2/a/blobs/${descriptor.digest}`]);
	t.true((await read(t, registry, quick, {offset: 999_999})).equals(content.subarray(-1)));
	t.is((await read(t, registry, quick, {offset: 1_000_000})).length, 0);
	t.is(registry.requests.length, 2);
});

test('an empty blob is read', async t => {
	const registry = await startRegistry(t);
	const wanted = {mediaType: 'x/y', ...registry.blob('')};
	t.is((await read(t, registry, quick, {wanted})).length, 0);
});

test('a large blob comes in parts at once and in order, also when it is resumed', async t => {
	const registry = await startWithBlob(t);
	t.true((await read(t, registry, inParts)).equals(content));
	const starts = Array.from({length: 10}, (_, i) => i * 100_000);
	t.deepEqual(
		rangesOf(registry).toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
		starts.map(start => (start === 900_000 ? '900000-' : `${start}-${start + 99_999}`)),
	);
	registry.requests.length = 0;
	t.true((await read(t, registry, inParts, {offset: 123_456})).equals(content.subarray(123_456)));
	t.is(rangesOf(registry)[0], '123456-223455');
	t.is(rangesOf(registry).length, 9);
});

test('no more parts are under way than may be in memory', async t => {
	const registry = await startWithBlob(t);
	const waiting: (() => void)[] = [];
	let most = 0;
	interceptBlobs(registry, (response, start, end) => {
		response.writeHead(206, {
			'content-length': end - start,
			'content-range': `bytes ${start}-${end - 1}/${content.length}`,
		});
		waiting.push(() => response.end(content.subarray(start, end)));
		most = Math.max(most, waiting.length);
		// The last that came is answered first.
		setTimeout(() => waiting.pop()?.(), 30);
		return true;
	});
	t.true((await read(t, registry, {...inParts, parts: {...inParts.parts, atOnce: 3}})).equals(content));
	t.is(most, 3);
});

test('a server that knows no ranges gives a large blob over one connection', async t => {
	const registry = await startWithBlob(t);
	interceptBlobs(registry, response =>
		Boolean(response.writeHead(200, {'content-length': content.length}).end(content)),
	);
	t.true((await read(t, registry, inParts)).equals(content));
	t.is(registry.requests.length, 1);
});

test('a server that gives up ranges on the way gives the rest over one connection', async t => {
	const registry = await startWithBlob(t);
	interceptBlobs(registry, (response, start) => {
		if (start < 300_000) return false;
		response.writeHead(200, {'content-length': content.length}).end(content);
		return true;
	});
	t.true((await read(t, registry, inParts)).equals(content));
});

test('each part that is cut is taken up where it broke, and a part that fails for good fails the whole', async t => {
	const registry = await startWithBlob(t);
	const cut = new Set<number>();
	interceptBlobs(registry, (response, start, end) => {
		if (start % 100_000 !== 0 || cut.has(start)) return false;
		cut.add(start);
		const headers = {'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/${content.length}`};
		response.writeHead(206, headers);
		response.write(content.subarray(start, start + 70_000), () => setTimeout(() => response.destroy(), 20));
		return true;
	});
	t.true((await read(t, registry, inParts)).equals(content));
	t.is(cut.size, 10);
	t.true(rangesOf(registry).includes('570000-599999'));
	interceptBlobs(registry, (response, start) => start === 500_000 && Boolean(response.writeHead(503).end()));
	await t.throwsAsync(read(t, registry, inParts), {code: 'ERR_REGISTRY_RESPONSE', message: /status 503/});
	t.is(rangesOf(registry).filter(range => range === '500000-599999').length, 1 + 3);
});

test('reading that stops early ends all parts', async t => {
	const registry = await startWithBlob(t);
	const open = new Set<ServerResponse>();
	interceptBlobs(registry, (response, start, end) => {
		open.add(response);
		response.on('close', () => open.delete(response));
		const headers = {'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/${content.length}`};
		response.writeHead(206, headers).write(content.subarray(start, start + 1000));
		return true;
	});
	const client = openRegistry(inParts);
	for await (const chunk of await client.repository(`${registry.host}/a`).fetch(descriptor)) {
		t.is(chunk.length, 1000);
		break;
	}
	await client.close();
	while (open.size > 0) await new Promise(resolve => setTimeout(resolve, 5));
	const unread = openRegistry(inParts);
	const bytes = await unread.repository(`${registry.host}/a`).fetch(descriptor);
	await bytes[Symbol.asyncIterator]().return?.();
	await unread.close();
	while (open.size > 0) await new Promise(resolve => setTimeout(resolve, 5));
	t.is(open.size, 0);
});

test('less of a range than was asked for is taken, and the rest asked for at once', async t => {
	const registry = await startWithBlob(t);
	interceptBlobs(registry, (response, start) => {
		if (start === 0) return false;
		const end = Math.min(start + 200_000, content.length);
		const headers = {'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/*`};
		response.writeHead(206, headers).end(content.subarray(start, end));
		return true;
	});
	const rest = await read(t, registry, {retry: {attempts: 1}}, {offset: 100_000});
	t.true(rest.equals(content.subarray(100_000)));
	t.deepEqual(rangesOf(registry), ['100000-', '300000-', '500000-', '700000-', '900000-']);
});

interface Lie {
	readonly status?: number;
	readonly headers: Record<string, string | number>;
	readonly body?: Buffer;
}

const lie = test.macro({
	async exec(t, given: Lie, code: string, message: RegExp, offset?: number) {
		const registry = await startWithBlob(t);
		interceptBlobs(registry, response => {
			response.writeHead(given.status ?? 206, given.headers).end(given.body ?? content.subarray(500_000));
			return true;
		});
		await t.throwsAsync(read(t, registry, quick, {offset: offset ?? 500_000}), {code, message});
		t.is(registry.requests.length, 1);
	},
	title: title => `refuses an answer ${title}`,
});
const wrong = 'ERR_REGISTRY_RESPONSE';
const otherPart = /another part than was asked for: bytes 500000-999999, found/;

test('that is another part', lie, {headers: {'content-range': 'bytes 0-499999/1000000'}}, wrong, otherPart);
test('that is a longer part', lie, {headers: {'content-range': 'bytes 500000-1000000/1000001'}}, wrong, otherPart);
test('that is a part without a range', lie, {headers: {}}, wrong, /found none/);
test('whose range is rubbish', lie, {headers: {'content-range': 'bytes 500000-1/x'}}, wrong, otherPart);
test('that is no range at all', lie, {headers: {'content-range': 'bytes 500000-499999/1000000'}}, wrong, otherPart);
test(
	'that is a part of something else',
	lie,
	{headers: {'content-range': 'bytes 500000-999999/2000000'}},
	'ERR_CONTENT_SIZE',
	/longer/,
);
test(
	'whose length is not that of its part',
	lie,
	{headers: {'content-range': 'bytes 500000-999999/1000000', 'content-length': 499_999}, body: Buffer.alloc(499_999)},
	wrong,
	/has 499999 bytes in a part of 500000/,
);
test(
	'that says the blob is shorter',
	lie,
	{status: 416, headers: {'content-range': 'bytes */400000'}, body: Buffer.alloc(0)},
	'ERR_CONTENT_SIZE',
	/shorter/,
);
test('that refuses parts', lie, {status: 416, headers: {}, body: Buffer.alloc(0)}, wrong, /status 416/);
test('of a status that is none for content', lie, {status: 202, headers: {}}, wrong, /status 202/, 0);
test(
	'that is compressed on the way',
	lie,
	{status: 200, headers: {'content-encoding': 'gzip', 'content-length': 100}, body: Buffer.alloc(100)},
	wrong,
	/in the coding gzip, asked for as it is/,
	0,
);
test(
	'that is a sign-in page',
	lie,
	{status: 200, headers: {'content-type': 'text/html'}, body: Buffer.from('<html>')},
	wrong,
	/a web page where a registry was expected/,
	0,
);
test(
	'that names another digest',
	lie,
	{status: 200, headers: {'docker-content-digest': `sha256:${'0'.repeat(64)}`}, body: content},
	'ERR_CONTENT_DIGEST',
	/found sha256:0000/,
	0,
);

test('a coding that changes nothing is endured', async t => {
	const registry = await startWithBlob(t);
	interceptBlobs(registry, response => {
		response.writeHead(200, {'content-encoding': 'gzip', 'content-length': content.length}).end(content);
		return true;
	});
	t.true((await read(t, registry, quick)).equals(content));
});

test('a signed address that has run out is asked for anew, at the registry', async t => {
	const registry = await startWithBlob(t);
	const storage = await startWithBlob(t);
	let signature = 0;
	registry.intercept = (request, response) => {
		if (request.url?.includes('/blobs/') !== true) return false;
		response.writeHead(307, {location: `http://${storage.host}/storage?signature=${++signature}`}).end();
		return true;
	};
	storage.intercept = (request, response) => {
		// The first is cut in the middle, the second has run out, the third goes on.
		const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
		const range = {'content-range': `bytes ${start}-999999/1000000`, 'content-length': 1_000_000 - start};
		if (request.url === '/storage?signature=1') {
			response.writeHead(200, {'content-length': 1_000_000});
			response.write(content.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 20));
		} else if (request.url === '/storage?signature=2') response.writeHead(403).end('<Code>AccessDenied</Code>');
		else response.writeHead(206, range).end(content.subarray(start));
		return true;
	};
	t.true((await read(t, registry, quick)).equals(content));
	t.deepEqual(
		storage.requests,
		['GET /storage?signature=1', 'GET /storage?signature=2 300000-', 'GET /storage?signature=3 300000-'].map(line =>
			line.replace(/ (\d)/, ' bytes=$1'),
		),
	);
	signature = 1;
	storage.intercept = (_, response) => Boolean(response.writeHead(403).end());
	const error = await t.throwsAsync(read(t, registry, quick));
	t.like(error, {
		code: 'ERR_REGISTRY_UNAUTHORIZED',
		message: `${storage.host} refuses the address that ${registry.host} gave, with status 403`,
	});
	t.is(signature, 4);
	t.false(JSON.stringify(error).includes('signature'));
});
