import {once} from 'node:events';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {digestOf} from '../../../../lib/oci/digest.js';
import {type CacheServer, overCaches} from '../../../helpers/cache-server.js';
import {sendError} from '../../../helpers/registry.js';

const image = '/v2/up.example/team/app';

/** Resolves when the body has ended or was cut. */
async function outcome(response: IncomingMessage): Promise<{bytes: Buffer; whole: boolean}> {
	const chunks: Uint8Array[] = [];
	response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
	response.on('error', () => {});
	await new Promise(resolve => response.once('close', resolve));
	return {bytes: Buffer.concat(chunks), whole: response.complete};
}

/** Reads so many bytes and leaves the rest. */
async function readBytes(response: IncomingMessage, lengthBytes: number): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for (let done = 0; done < lengthBytes; ) {
		const chunk = response.read(Math.min(response.readableLength, lengthBytes - done)) as Buffer | null;
		if (chunk === null) await once(response, 'readable');
		else chunks.push(chunk);
		done += chunk?.length ?? 0;
	}
	return Buffer.concat(chunks);
}

/** Answers GETs of one blob by hand: the test writes the body. */
function holdBlob({upstream}: CacheServer, digest: string, lengthBytes: number): Promise<ServerResponse> {
	return new Promise(resolve => {
		upstream.intercept = (request, response) => {
			if (request.method !== 'GET' || request.url?.endsWith(`/blobs/${digest}`) !== true) return false;
			response.writeHead(200, {'content-length': lengthBytes});
			response.flushHeaders();
			resolve(response);
			return true;
		};
	});
}

async function nothingStored(t: ExecutionContext, {local}: CacheServer, digest: `sha256:${string}`): Promise<void> {
	t.is(await local.blob('up.example/team/app', digest), undefined);
	t.is(await local.uploads.count(), 0);
}

overCaches('an image is fetched once and then served without its upstream', async (t, server) => {
	const {upstream, client, asked, cache} = server;
	const digest = upstream.image('team/app:v1', 'one layer');
	const layer = digestOf(Buffer.from('one layer'));
	const first = await client.send('GET', `${image}/manifests/v1`);
	t.is(first.status, 200);
	t.is(first.headers['docker-content-digest'], digest);
	t.is(digestOf(first.body), digest);
	t.is((await client.send('GET', `${image}/blobs/${layer}`)).body.toString(), 'one layer');
	t.is((await client.send('GET', `${image}/blobs/${layer}`)).body.toString(), 'one layer');
	t.is((await client.send('GET', `${image}/manifests/${digest}`)).status, 200);
	t.deepEqual(asked('blobs'), [`GET ${layer}`]);
	t.deepEqual(asked('manifests'), ['HEAD v1', `GET ${digest}`]);
	t.like(cache.counts, {misses: 2, hits: 3, failures: 0, fetchedBytes: 9});
	t.deepEqual((await client.send('GET', '/v2/_catalog')).json(), {repositories: ['up.example/team/app']});
});

overCaches('a hundred clients that ask for one missing blob are one request upstream', async (t, server) => {
	const {upstream, client, asked} = server;
	const bytes = Buffer.alloc(300_000, 'x');
	const {digest} = upstream.blob(bytes);
	const replies = await Promise.all(Array.from({length: 100}, () => client.send('GET', `${image}/blobs/${digest}`)));
	t.true(replies.every(reply => reply.status === 200 && reply.body.equals(bytes)));
	t.deepEqual(asked('blobs'), [`GET ${digest}`]);
});

overCaches('a hundred questions for one missing tag are one question upstream', async (t, {upstream, cache, asked}) => {
	const digest = upstream.image('team/app:v1');
	const found = await Promise.all(Array.from({length: 100}, () => cache.tag('up.example/team/app', 'v1')));
	t.deepEqual(new Set(found), new Set([digest]));
	t.deepEqual(asked('manifests'), ['HEAD v1', `GET ${digest}`]);
});

overCaches('a client gets bytes as they arrive, and others join in from the start', async (t, server) => {
	const bytes = Buffer.alloc(200_000, 'growing ');
	const digest = digestOf(bytes) as `sha256:${string}`;
	const held = holdBlob(server, digest, bytes.length);
	const first = await server.open(`${image}/blobs/${digest}`);
	t.is(first.headers['content-length'], '200000');
	const response = await held;
	response.write(bytes.subarray(0, 100_000));
	t.true((await readBytes(first, 100_000)).equals(bytes.subarray(0, 100_000)));
	const second = await server.open(`${image}/blobs/${digest}`);
	const joined = outcome(second);
	const rest = outcome(first);
	response.end(bytes.subarray(100_000));
	t.true((await joined).bytes.equals(bytes));
	const got = await rest;
	t.true(got.whole);
	t.true(got.bytes.equals(bytes.subarray(100_000)));
	t.deepEqual(server.asked('blobs'), [`GET ${digest}`]);
	t.is((await server.local.blob('up.example/team/app', digest))?.sizeBytes, 200_000);
});

overCaches('parts of a blob that is still coming are served too', async (t, server) => {
	const bytes = Buffer.alloc(200_000, '0123456789');
	const digest = digestOf(bytes);
	const held = holdBlob(server, digest, bytes.length);
	const first = server.client.send('GET', `${image}/blobs/${digest}`);
	(await held).write(bytes.subarray(0, 100_000));
	const part = await server.client.send('GET', `${image}/blobs/${digest}`, {headers: {range: 'bytes=50000-50009'}});
	t.is(part.status, 206);
	t.is(part.body.toString(), '0123456789');
	(await held).end(bytes.subarray(100_000));
	t.true((await first).body.equals(bytes));
});

overCaches('content with the wrong digest is never stored, and its readers are cut', async (t, server) => {
	const bytes = Buffer.alloc(150_000, 'good');
	const digest = digestOf(bytes) as `sha256:${string}`;
	const held = holdBlob(server, digest, bytes.length);
	const [first, second] = await Promise.all([server.open(`${image}/blobs/${digest}`), held]);
	second.end(Buffer.alloc(150_000, 'evil'));
	const {bytes: got, whole} = await outcome(first);
	t.false(whole);
	t.true(got.length < bytes.length);
	await nothingStored(t, server, digest);
	server.upstream.intercept = () => false;
	server.upstream.blob(bytes);
	t.true(
		(await server.client.send('GET', `${image}/blobs/${digest}`)).body.equals(bytes),
		'the next one is fetched anew',
	);
});

overCaches(
	'an upstream that ends too early is taken up where it broke, and given up when it goes on so',
	async (t, server) => {
		const bytes = Buffer.alloc(150_000, 'good');
		const {digest} = server.upstream.blob(bytes);
		const held = holdBlob(server, digest, bytes.length);
		const reader = await server.open(`${image}/blobs/${digest}`);
		const response = await held;
		response.write(bytes.subarray(0, 70_000));
		const head = await readBytes(reader, 70_000);
		server.upstream.intercept = () => false;
		response.destroy();
		const rest = await outcome(reader);
		t.true(rest.whole && Buffer.concat([head, rest.bytes]).equals(bytes));
		t.deepEqual(server.asked('blobs'), [`GET ${digest}`, `GET ${digest} bytes=70000-`]);

		const other = server.upstream.blob(Buffer.alloc(150_000, 'more'));
		server.upstream.intercept = (request, response) => {
			if (request.url?.endsWith(other.digest) !== true) return false;
			response.writeHead(200, {'content-length': bytes.length});
			response.write(bytes.subarray(0, 70_000), () => response.destroy());
			return true;
		};
		t.false((await outcome(await server.open(`${image}/blobs/${other.digest}`))).whole);
		await nothingStored(t, server, other.digest);
	},
);

overCaches('a reader that goes away does not end the transfer for others', async (t, server) => {
	const bytes = Buffer.alloc(200_000, 'x');
	const digest = digestOf(bytes);
	const held = holdBlob(server, digest, bytes.length);
	const first = await server.open(`${image}/blobs/${digest}`);
	const second = outcome(await server.open(`${image}/blobs/${digest}`));
	(await held).write(bytes.subarray(0, 100_000));
	first.destroy();
	(await held).end(bytes.subarray(100_000));
	const got = await second;
	t.true(got.whole);
	t.true(got.bytes.equals(bytes));
});

overCaches('a tag is compared with the upstream at every pull', async (t, {upstream, client, asked}) => {
	const before = upstream.image('team/app:v1', 'old');
	t.is((await client.send('GET', `${image}/manifests/v1`)).headers['docker-content-digest'], before);
	const after = upstream.image('team/app:v1', 'new');
	t.is((await client.send('HEAD', `${image}/manifests/v1`)).headers['docker-content-digest'], after);
	t.is((await client.send('GET', `${image}/manifests/v1`)).headers['docker-content-digest'], after);
	t.deepEqual(asked('manifests'), ['HEAD v1', `GET ${before}`, 'HEAD v1', `GET ${after}`, 'HEAD v1']);
	upstream.tags.delete('team/app:v1');
	t.is((await client.send('GET', `${image}/manifests/v1`)).status, 404);
	t.is((await client.send('GET', `${image}/manifests/${before}`)).status, 200, 'content stays');
});

overCaches(
	'with a time to live a tag is given out without asking',
	async (t, {upstream, client, asked}) => {
		upstream.image('team/app:v1');
		for (let i = 0; i < 5; i++) t.is((await client.send('GET', `${image}/manifests/v1`)).status, 200);
		t.is(asked('manifests').filter(one => one === 'HEAD v1').length, 1);
	},
	{tagTtlMs: 60_000},
);

overCaches(
	'while the upstream is down tags are served as last seen, and what is missing is 503',
	async (t, server) => {
		const {upstream, client, cache, events} = server;
		const digest = upstream.image('team/app:v1');
		t.is((await client.send('GET', `${image}/manifests/v1`)).status, 200);
		let asked = 0;
		upstream.intercept = (_request, response) => {
			asked++;
			response.destroy();
			return true;
		};
		const stale = await client.send('GET', `${image}/manifests/v1`);
		t.is(stale.status, 200);
		t.is(stale.headers['docker-content-digest'], digest);
		t.is(cache.counts.stale, 1);
		t.true(events.some(event => event.type === 'warning' && event.code === 'UpstreamStale'));
		const missing = await client.send('GET', `${image}/blobs/${digestOf(Buffer.from('missing'))}`);
		t.is(missing.status, 503);
		t.deepEqual(missing.codes(), ['UNAVAILABLE']);
		t.truthy(missing.headers['retry-after']);
		const before = asked;
		t.is((await client.send('GET', `${image}/manifests/v2`)).status, 503);
		t.is(asked, before, 'an upstream that is down is given a rest');
	},
	// A busy machine takes longer from one question to the next than the rest that is usual.
	{rests: {firstMs: 600_000, longestMs: 600_000}},
);

overCaches(
	'an upstream that hangs counts as down',
	async (t, {upstream, client, cache}) => {
		const digest = upstream.image('team/app:v1');
		t.is((await client.send('GET', `${image}/manifests/v1`)).status, 200);
		upstream.intercept = () => true;
		t.is((await client.send('GET', `${image}/manifests/v1`)).headers['docker-content-digest'], digest);
		t.is(cache.counts.stale, 1);
		t.is((await client.send('GET', `${image}/manifests/v2`)).status, 503);
	},
	{answerMs: 2000},
);

for (const [status, expected, code] of [
	[401, 403, 'DENIED'],
	[403, 403, 'DENIED'],
	[429, 429, 'TOOMANYREQUESTS'],
	[404, 404, 'MANIFEST_UNKNOWN'],
] as const) {
	overCaches(`status ${status} of the upstream is ${expected} for clients`, async (t, {upstream, client}) => {
		upstream.intercept = (request, response) =>
			request.url === '/v2/team/app/manifests/v1' &&
			(response.setHeader('retry-after', '0'), sendError(response, status, 'X', 'no'));
		const reply = await client.send('GET', `${image}/manifests/v1`);
		t.is(reply.status, expected);
		t.deepEqual(reply.codes(), [code]);
		t.is(reply.headers['www-authenticate'], undefined);
	});
}

overCaches(
	'a manifest that is not what its digest says is 502 and not stored',
	async (t, {upstream, client, local}) => {
		const digest = upstream.image('team/app:v1');
		const found = upstream.content.get(digest);
		upstream.content.set(digest, {
			bytes: Buffer.from(found?.bytes.toString().replace('"schemaVersion":2', '"schemaVersion":3') ?? ''),
			mediaType: found?.mediaType ?? '',
		});
		t.is((await client.send('GET', `${image}/manifests/v1`)).status, 502);
		t.is(await local.manifest('up.example/team/app', digest), undefined);
	},
);

overCaches('repositories of an upstream cannot be written to, others can', async (t, {upstream, client}) => {
	const digest = upstream.image('team/app:v1');
	await client.send('GET', `${image}/manifests/v1`);
	for (const [method, path] of [
		['POST', `${image}/blobs/uploads/`],
		['PUT', `${image}/manifests/v2`],
		['DELETE', `${image}/manifests/${digest}`],
		['DELETE', `${image}/manifests/v1`],
	] as const) {
		const reply = await client.send(method, path, {
			headers: {'content-type': 'application/vnd.oci.image.manifest.v1+json'},
			...(method === 'PUT'
				? {
						body: '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"x/y","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}',
					}
				: {}),
		});
		t.is(reply.status, 405, `${method} ${path}`);
		t.deepEqual(reply.codes(), ['UNSUPPORTED']);
	}
	const pushed = await client.pushImage('shop/web', 'v1');
	t.is((await client.send('GET', '/v2/shop/web/manifests/v1')).headers['docker-content-digest'], pushed.digest);
});

overCaches(
	'a blob that two repositories of an upstream share is fetched once',
	async (t, {upstream, client, asked}) => {
		const {digest} = upstream.blob('shared');
		t.is((await client.send('GET', `/v2/up.example/a/blobs/${digest}`)).status, 200);
		t.is((await client.send('GET', `/v2/up.example/b/blobs/${digest}`)).body.toString(), 'shared');
		t.deepEqual(asked('blobs'), [`GET ${digest}`, `HEAD ${digest}`]);
	},
);

overCaches('an empty blob is a blob', async (t, {upstream, client}) => {
	const {digest} = upstream.blob('');
	const reply = await client.send('GET', `${image}/blobs/${digest}`);
	t.is(reply.status, 200);
	t.is(reply.body.length, 0);
});

overCaches('closing the cache ends what is being fetched and leaves no upload behind', async (t, server) => {
	const digest = digestOf(Buffer.alloc(100_000)) as `sha256:${string}`;
	const held = holdBlob(server, digest, 100_000);
	const reader = outcome(await server.open(`${image}/blobs/${digest}`));
	(await held).write(Buffer.alloc(50_000));
	await sleep(50);
	await server.cache.close();
	t.false((await reader).whole);
});
