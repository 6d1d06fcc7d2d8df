import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {createHttpClient} from '../../../lib/core/http.js';
import {parseChecksum} from '../../../lib/sealfile/add/checksum.js';
import {type DownloadOptions, download} from '../../../lib/sealfile/add/download.js';
import type {CachedDownload, DownloadCache} from '../../../lib/sealfile/add/types.js';
import {serveHttp} from '../../helpers/http-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

const hex = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');

interface Setup {
	readonly url: string;
	readonly requests: IncomingMessage[];
	readonly events: SealEvent[];
	readonly options: DownloadOptions;
}

async function setUp(
	t: ExecutionContext,
	answer: (request: IncomingMessage, response: ServerResponse, index: number, events: readonly SealEvent[]) => void,
	idleTimeoutMs = 5000,
): Promise<Setup> {
	const requests: IncomingMessage[] = [];
	const events: SealEvent[] = [];
	const url = await serveHttp(t, (request, response) => {
		requests.push(request);
		answer(request, response, requests.length - 1, events);
	});
	const http = createHttpClient({idleTimeoutMs});
	t.teardown(() => http.close());
	const options = {http, scratchDir: tempDir(t), retryDelayMs: 1, onEvent: (event: SealEvent) => events.push(event)};
	return {url, requests, events, options};
}

function memoryCache(): DownloadCache & {readonly records: Map<string, CachedDownload>} {
	const records = new Map<string, CachedDownload>();
	return {
		records,
		get: async url => records.get(url),
		async put(url, record) {
			records.set(url, record);
			return record;
		},
	};
}

test('a file is downloaded whole, with its digest and what the server calls it', async t => {
	const {url, options, events, requests} = await setUp(t, (_, response) => {
		response.setHeader('etag', '"v1"').setHeader('last-modified', 'Wed, 21 Oct 2015 07:28:00 GMT').end('hello');
	});
	const record = await download(`${url}/f`, options);
	t.is(readFileSync(record.path, 'utf8'), 'hello');
	t.like(record, {
		digest: `sha256:${hex('sha256', 'hello')}`,
		sizeBytes: 5,
		etag: '"v1"',
		lastModified: 'Wed, 21 Oct 2015 07:28:00 GMT',
	});
	t.like(events.at(-1), {type: 'blob.finished', sizeBytes: 5});
	t.is(requests[0]?.headers['accept-encoding'], 'identity');
});

test('a body without a length is downloaded too', async t => {
	const {url, options} = await setUp(t, (_, response) => {
		response.write('a');
		response.end('b');
	});
	t.is((await download(url, options)).sizeBytes, 2);
});

test('a compressed file stays as it is', async t => {
	const bytes = gzipSync('text');
	const {url, options} = await setUp(t, (_, response) => response.setHeader('content-encoding', 'gzip').end(bytes));
	t.deepEqual(readFileSync((await download(url, options)).path), bytes);
});

for (const algorithm of ['sha256', 'sha384', 'sha512']) {
	test(`a ${algorithm} that fits is accepted`, async t => {
		const {url, options} = await setUp(t, (_, response) => response.end('x'));
		const checksum = parseChecksum(`${algorithm}:${hex(algorithm, 'x')}`);
		t.is((await download(url, {...options, checksum})).digest, `sha256:${hex('sha256', 'x')}`);
	});
	test(`a ${algorithm} that differs is refused and leaves nothing`, async t => {
		const {url, options} = await setUp(t, (_, response) => response.end('y'));
		const cache = memoryCache();
		const checksum = parseChecksum(`${algorithm}:${hex(algorithm, 'x')}`);
		await t.throwsAsync(download(url, {...options, cache, checksum}), {
			code: 'ERR_CHECKSUM',
			message: /^Digest mismatch of http/,
		});
		t.deepEqual(readdirSync(options.scratchDir), []);
		t.is(cache.records.size, 0);
	});
}

test('other checksums are refused', t => {
	t.throws(() => parseChecksum(`md5:${'0'.repeat(32)}`), {
		code: 'ERR_CHECKSUM',
		message: /^Unsupported digest algorithm "md5"/,
	});
	t.throws(() => parseChecksum('abc'), {code: 'ERR_CHECKSUM'});
	t.throws(() => parseChecksum('sha256:abc'), {code: 'ERR_CHECKSUM', message: /64/});
	t.throws(() => parseChecksum(`sha256:${'A'.repeat(64)}`), {code: 'ERR_CHECKSUM'});
	t.throws(() => parseChecksum(`toString:${'a'.repeat(64)}`), {code: 'ERR_CHECKSUM'});
});

test('redirects are followed, the name of the host and a login are not taken along', async t => {
	const other = await serveHttp(t, (request, response) => response.end(request.headers.authorization ?? 'none'));
	const {url, options, requests} = await setUp(t, (request, response) => {
		const to = request.url === '/1' ? '/2' : `${other}/3`;
		response.writeHead(302, {location: to}).end();
	});
	const record = await download(`${url.replace('//', '//me:pw@')}/1`, options);
	t.is(readFileSync(record.path, 'utf8'), 'none');
	t.deepEqual(
		requests.map(({headers}) => headers.authorization !== undefined),
		[true, true],
	);
});

test('a redirect loop ends', async t => {
	const {url, options, requests} = await setUp(t, (_, response) => response.writeHead(301, {location: '/again'}).end());
	await t.throwsAsync(download(url, options), {code: 'ERR_DOWNLOAD', message: /redirects more than 10 times/});
	t.is(requests.length, 11);
});

for (const location of ['file:///etc/passwd', 'ftp://host/x', 'http://[']) {
	test(`a redirect to ${location} is refused`, async t => {
		const {url, options} = await setUp(t, (_, response) => response.writeHead(302, {location}).end());
		await t.throwsAsync(download(url, options), {code: 'ERR_DOWNLOAD'});
	});
}

test('a bad status is refused at once and leaves nothing', async t => {
	const {url, options, requests} = await setUp(t, (_, response) => response.writeHead(404).end('no'));
	const error = await t.throwsAsync(download(`${url}/x?sig=secret`, options), {
		code: 'ERR_DOWNLOAD',
		message: `${url}/x?... answers with status 404`,
	});
	t.like(error, {details: {status: 404}});
	t.is(requests.length, 1);
	t.deepEqual(readdirSync(options.scratchDir), []);
});

test('a server in trouble is asked again', async t => {
	const {url, options, events} = await setUp(t, (_, response, index) => {
		if (index < 2) response.writeHead(503).end();
		else response.end('ok');
	});
	t.is((await download(url, options)).sizeBytes, 2);
	t.deepEqual(
		events.filter(event => event.type === 'retry').map(event => event.attempt),
		[2, 3],
	);
});

test('a server that stays in trouble is given up', async t => {
	const {url, options, requests} = await setUp(t, (_, response) => response.writeHead(500).end());
	await t.throwsAsync(download(url, options), {code: 'ERR_DOWNLOAD', message: /status 500/});
	t.is(requests.length, 5);
});

/** Sends the start of a body and cuts the connection when the client has taken it. */
function cutAt(response: ServerResponse, text: string, length: number, events: readonly SealEvent[]): void {
	response.setHeader('content-length', String(length));
	response.write(text);
	const timer = setInterval(() => {
		if (!events.some(event => event.type === 'blob.progress')) return;
		clearInterval(timer);
		response.destroy();
	}, 5);
}

test('a download that was cut goes on where it was', async t => {
	const {url, options, requests} = await setUp(t, (request, response, index, events) => {
		response.setHeader('etag', '"v1"');
		if (index === 0) return cutAt(response, 'hello ', 11, events);
		t.is(request.headers.range, 'bytes=6-');
		t.is(request.headers['if-range'], '"v1"');
		response.writeHead(206, {'content-range': 'bytes 6-10/11', 'content-length': '5'}).end('world');
	});
	const checksum = parseChecksum(`sha256:${hex('sha256', 'hello world')}`);
	const record = await download(url, {...options, checksum});
	t.is(readFileSync(record.path, 'utf8'), 'hello world');
	t.is(requests.length, 2);
});

test('a file that changed after the cut is fetched from its start', async t => {
	const {url, options} = await setUp(t, (_, response, index, events) => {
		response.setHeader('etag', `"v${index}"`);
		if (index === 0) cutAt(response, 'old old old', 20, events);
		else response.end('new');
	});
	const record = await download(url, options);
	t.is(readFileSync(record.path, 'utf8'), 'new');
	t.like(record, {sizeBytes: 3, etag: '"v1"', digest: `sha256:${hex('sha256', 'new')}`});
});

test('without a strong name of the version nothing is resumed', async t => {
	const {url, options, requests} = await setUp(t, (_, response, index, events) => {
		response.setHeader('etag', 'W/"weak"');
		if (index === 0) cutAt(response, 'half', 8, events);
		else response.end('whole');
	});
	const record = await download(url, options);
	t.is(requests[1]?.headers.range, undefined);
	t.is(readFileSync(record.path, 'utf8'), 'whole');
});

test('a partial answer from another place is not believed', async t => {
	const {url, options} = await setUp(t, (_, response, index, events) => {
		response.setHeader('etag', '"v1"');
		if (index === 0) cutAt(response, 'hello ', 11, events);
		else if (index === 1) response.writeHead(206, {'content-range': 'bytes 0-4/11'}).end('hello');
		else response.end('hello world');
	});
	t.is(readFileSync((await download(url, options)).path, 'utf8'), 'hello world');
});

test('a server that stops sending counts as cut', async t => {
	const {url, options} = await setUp(
		t,
		(_, response, index) => {
			if (index > 0) return response.end('done');
			response.setHeader('content-length', '10');
			response.write('ha');
		},
		50,
	);
	t.is(readFileSync((await download(url, options)).path, 'utf8'), 'done');
});

test('an unchanged file is not transferred again', async t => {
	const {url, options, requests} = await setUp(t, (request, response) => {
		response.setHeader('etag', '"v1"');
		if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end();
		else response.end('text');
	});
	const cache = memoryCache();
	const first = await download(url, {...options, cache});
	t.deepEqual(await download(url, {...options, cache}), first);
	t.is(requests.length, 2);
	t.is(readdirSync(options.scratchDir).length, 1);
});

test('the date is asked for where there is no ETag', async t => {
	const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
	const {url, options} = await setUp(t, (request, response) => {
		response.setHeader('last-modified', date);
		if (request.headers['if-modified-since'] === date) response.writeHead(304).end();
		else response.end('text');
	});
	const cache = memoryCache();
	t.is((await download(url, {...options, cache})).path, (await download(url, {...options, cache})).path);
});

test('a cached file with the wanted checksum costs no question, one with another is fetched', async t => {
	const {url, options, requests} = await setUp(t, (_, response, index) =>
		response.setHeader('etag', '"v"').end(`text ${index}`),
	);
	const cache = memoryCache();
	for (const algorithm of ['sha256', 'sha512']) {
		const checksum = parseChecksum(`${algorithm}:${hex(algorithm, `text ${requests.length}`)}`);
		const count = requests.length;
		await download(url, {...options, cache, checksum});
		await download(url, {...options, cache, checksum});
		t.is(requests.length, count + 1);
	}
	t.is(requests[1]?.headers['if-none-match'], undefined);
});

test('offline takes what is cached and refuses the rest', async t => {
	const {url, options} = await setUp(t, (_, response) => response.end('text'));
	const cache = memoryCache();
	await t.throwsAsync(download(url, {...options, cache, offline: true}), {
		code: 'ERR_DOWNLOAD',
		message: /not among the downloads/,
	});
	const record = await download(url, {...options, cache});
	t.deepEqual(await download(url, {...options, cache, offline: true}), record);
});

test('an abort in the middle rejects with its reason and leaves nothing', async t => {
	const {url, options} = await setUp(t, (_, response) => {
		response.setHeader('content-length', '10');
		response.write('ha');
	});
	const controller = new AbortController();
	const reason = new Error('enough');
	const running = download(url, {...options, signal: controller.signal});
	while (readdirSync(options.scratchDir).length === 0) await new Promise(resolve => setTimeout(resolve, 5));
	controller.abort(reason);
	await t.throwsAsync(running, {is: reason});
	t.deepEqual(readdirSync(options.scratchDir), []);
});

test('an abort while waiting to try again rejects at once', async t => {
	const {url, options} = await setUp(t, (_, response) => response.writeHead(503).end());
	const controller = new AbortController();
	const reason = new Error('enough');
	const onEvent = (event: SealEvent): void => {
		if (event.type === 'retry') setImmediate(() => controller.abort(reason));
	};
	await t.throwsAsync(download(url, {...options, onEvent, retryDelayMs: 3_600_000, signal: controller.signal}), {
		is: reason,
	});
	t.false(existsSync(`${options.scratchDir}/content`));
});

test('nobody there is an error of the download at once', async t => {
	const {options, events} = await setUp(t, (_, response) => response.end());
	await t.throwsAsync(download('http://127.0.0.1:1/x', options), {
		code: 'ERR_DOWNLOAD',
		message: /the connection is refused/,
	});
	t.deepEqual(events, []);
});
