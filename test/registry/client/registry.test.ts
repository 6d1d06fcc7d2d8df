import {createServer, type ServerResponse} from 'node:http';
import test from 'ava';
import type {SealError} from '../../../lib/core/errors.js';
import type {SealEvent} from '../../../lib/core/events.js';
import {copy} from '../../../lib/oci/copy.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {openRegistry, type RegistryOptions} from '../../../lib/registry/client/registry.js';
import type {RegistryError} from '../../../lib/registry/exchange/error.js';
import {textOf} from '../../helpers/images.js';
import {listen, sendError, startRegistry, type TestRegistry} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';

const quick: RegistryOptions = {retry: {attempts: 4, firstDelayMs: 1}};

/** The layer of the image `a:1`, read through a fresh client. */
async function pullLayer(registry: TestRegistry, options: RegistryOptions = quick): Promise<string> {
	const source = openRegistry(options);
	try {
		const manifest = await source.resolve(`${registry.host}/a:1`);
		const document = JSON.parse(await textOf(await source.fetch(manifest))) as {layers: [never]};
		return await textOf(await source.fetch(document.layers[0]));
	} finally {
		await source.close();
	}
}

test('resolves and reads an image by tag and by digest, over plain http on loopback', async t => {
	const registry = await startRegistry(t);
	const digest = registry.image('a/b:1', 'content');
	const source = openRegistry(quick);
	const found = await source.resolve(`${registry.host}/a/b:1`);
	t.is(found.digest, digest);
	t.is(found.mediaType, mediaTypes.manifest);
	t.deepEqual(await source.resolve(`${registry.host}/a/b@${digest}`), found);
	t.deepEqual(await source.resolve(`${registry.host}/a/b:other@${digest}`), found);
	t.true(await source.exists(found));
	const document = JSON.parse(await textOf(await source.fetch(found))) as {layers: [never]};
	t.is(await textOf(await source.fetch(document.layers[0])), 'content');
	t.is(await textOf(await source.fetch(document.layers[0], {offset: 3})), 'tent');
	await source.close();
});

test('copies a whole index into a store', async t => {
	const registry = await startRegistry(t);
	const children = ['amd64', 'arm64'].map(architecture => ({
		mediaType: mediaTypes.manifest,
		digest: registry.image(`a:${architecture}`, architecture),
		size: 0,
		platform: {os: 'linux', architecture},
	}));
	const sized = children.map(child => ({...child, size: registry.content.get(child.digest)!.bytes.length}));
	registry.document('a:1', {schemaVersion: 2, mediaType: mediaTypes.dockerIndex, manifests: sized});
	const store = await openStore(tempDir(t));
	const source = openRegistry(quick);
	const copied = await copy(source, `${registry.host}/a:1`, store, {as: 'mine:1'});
	t.is(copied.mediaType, mediaTypes.dockerIndex);
	t.is((await store.list())[0]?.platforms.length, 1);
	t.is((await store.resolve('mine:1')).digest, copied.digest);
	await source.close();
});

test('content of no resolved reference is missing', async t => {
	const source = openRegistry(quick);
	const descriptor = {mediaType: 'x/y', digest: `sha256:${'a'.repeat(64)}`, size: 1} as const;
	await t.throwsAsync(source.fetch(descriptor), {code: 'ERR_CONTENT_MISSING'});
	t.false(await source.exists(descriptor));
});

test('an unknown name, and a blob that is gone, are told apart from refusals', async t => {
	const registry = await startRegistry(t);
	const source = openRegistry(quick);
	const error = (await t.throwsAsync(source.resolve(`${registry.host}/none:1`))) as SealError;
	t.is(error.code, 'ERR_IMAGE_UNKNOWN');
	t.is(error.message, `${registry.host} has no image ${registry.host}/none:1`);
	registry.image('a:1', 'gone');
	registry.content.delete(registry.blob('gone').digest);
	await t.throwsAsync(pullLayer(registry), {code: 'ERR_CONTENT_MISSING'});
	await source.close();
});

test('reads the body when the headers say too little', async t => {
	const registry = await startRegistry(t);
	const digest = registry.image('a:1');
	registry.intercept = (request, response) => {
		if (request.method !== 'HEAD') return false;
		response.writeHead(200, {'content-type': 'application/json'});
		response.end();
		return true;
	};
	const source = openRegistry(quick);
	t.is((await source.resolve(`${registry.host}/a:1`)).digest, digest);
	await source.close();
});

test('refuses manifests of the first schema', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (_, response) => {
		response.writeHead(200, {'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws'});
		response.end('{"schemaVersion":1}');
		return true;
	};
	const source = openRegistry(quick);
	await t.throwsAsync(source.resolve(`${registry.host}/a:1`), {code: 'ERR_REGISTRY_RESPONSE', message: /unknown type/});
	await source.close();
});

type Fault = (response: ServerResponse, bytes: Buffer, attempt: number, start: number) => boolean;

const blobFault = test.macro({
	async exec(t, fault: Fault, code: string, message: RegExp) {
		const registry = await startRegistry(t);
		registry.image('a:1', 'the right content');
		let attempt = 0;
		registry.intercept = (request, response) => {
			if (request.url?.includes('/blobs/') !== true) return false;
			return fault(response, Buffer.from('the right content'), attempt++, 0);
		};
		const error = (await t.throwsAsync(pullLayer(registry))) as SealError;
		t.is(error.code, code as never);
		t.regex(error.message, message);
	},
	title: title => `refuses a blob ${title}`,
});

test(
	'with other bytes of the same length',
	blobFault,
	response => Boolean(response.writeHead(200, {'content-length': 17}).end('the wrong content')),
	'ERR_CONTENT_DIGEST',
	/expected sha256:/,
);
test(
	'that is announced longer',
	blobFault,
	response => Boolean(response.writeHead(200, {'content-length': 18}).end('the right content!')),
	'ERR_CONTENT_SIZE',
	/longer/,
);
test(
	'that is announced shorter',
	blobFault,
	response => Boolean(response.writeHead(200, {'content-length': 3}).end('the')),
	'ERR_CONTENT_SIZE',
	/shorter/,
);
test(
	'that does not end',
	blobFault,
	response => {
		response.writeHead(200);
		const more = (): void => {
			if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(more));
		};
		more();
		return true;
	},
	'ERR_CONTENT_SIZE',
	/longer/,
);
test(
	'that always ends too early',
	blobFault,
	response => Boolean(response.writeHead(200).end('the')),
	'ERR_REGISTRY_UNREACHABLE',
	/ended after 3 of 17 bytes/,
);

test('takes a broken download up where it broke', async t => {
	const registry = await startRegistry(t);
	const layer = 'x'.repeat(100_000) + 'y'.repeat(100_000);
	registry.image('a:1', layer);
	let cuts = 0;
	registry.intercept = (request, response) => {
		if (request.url?.includes('/blobs/') !== true || cuts >= 2) return false;
		const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
		cuts++;
		const headers = {'content-length': layer.length - start, 'content-range': `bytes ${start}-199999/200000`};
		response.writeHead(start > 0 ? 206 : 200, headers);
		response.write(layer.slice(start, start + 50_000), () => setTimeout(() => response.destroy(), 20));
		return true;
	};
	t.is(await pullLayer(registry), layer);
	t.is(cuts, 2);
	const ranges = registry.requests.filter(line => line.includes('bytes='));
	t.regex(ranges[0] ?? '', /bytes=50000-$/);
	t.regex(ranges[1] ?? '', /bytes=100000-$/);
});

test('passes over what it has when a server does not know ranges', async t => {
	const registry = await startRegistry(t);
	const layer = 'a'.repeat(90_000) + 'b'.repeat(10_000);
	registry.image('a:1', layer);
	let first = true;
	registry.intercept = (request, response) => {
		if (request.url?.includes('/blobs/') !== true) return false;
		response.writeHead(200, {'content-length': layer.length});
		if (first) response.write(layer.slice(0, 70_000), () => setTimeout(() => response.destroy(), 20));
		else response.end(layer);
		first = false;
		return true;
	};
	t.is(await pullLayer(registry), layer);
});

test('gives up on a server that stops sending', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1', 'the right content');
	registry.intercept = (request, response) => {
		if (request.url?.includes('/blobs/') !== true) return false;
		response.writeHead(200, {'content-length': 17});
		response.write('the');
		return true;
	};
	const error = await t.throwsAsync(pullLayer(registry, {idleTimeoutMs: 100, retry: {attempts: 2, firstDelayMs: 1}}));
	t.is((error as RegistryError).code, 'ERR_REGISTRY_UNREACHABLE');
});

test('refuses a manifest that is not the one that was named', async t => {
	const registry = await startRegistry(t);
	const digest = registry.image('a:1');
	const {bytes, mediaType} = registry.content.get(digest)!;
	registry.content.set(digest, {mediaType, bytes: Buffer.from(bytes.toString().replace('linux', 'linux'))});
	registry.intercept = (request, response) => {
		if (request.method !== 'GET') return false;
		response.writeHead(200, {'content-type': mediaType});
		response.end(bytes.toString().replace('"size":5', '"size":6'));
		return true;
	};
	await t.throwsAsync(pullLayer(registry), {code: 'ERR_CONTENT_DIGEST'});
});

test('refuses a manifest without end', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	registry.intercept = (request, response) => {
		if (request.method !== 'GET') return false;
		response.writeHead(200, {'content-type': mediaTypes.manifest});
		const more = (): void => {
			if (!response.destroyed) response.write(Buffer.alloc(65_536, 0x20), () => setImmediate(more));
		};
		more();
		return true;
	};
	await t.throwsAsync(pullLayer(registry), {code: 'ERR_CONTENT_SIZE', message: /longer than the 4194304 bytes/});
});

test('repeats what failed for a while, and tells so', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1', 'content');
	const statuses = [503, 429, 502];
	registry.intercept = (_, response) => {
		const status = statuses.shift();
		if (status === undefined) return false;
		response.setHeader('retry-after', '0');
		return sendError(response, status, 'UNAVAILABLE', 'later');
	};
	const events: SealEvent[] = [];
	t.is(await pullLayer(registry, {...quick, onEvent: event => events.push(event)}), 'content');
	t.deepEqual(
		events.filter(({type}) => type === 'retry').map(event => (event as {delayMs: number}).delayMs),
		[0, 0, 0],
	);
});

const refusal = test.macro({
	async exec(t, status: number, code: string, message: RegExp, requests: number) {
		const registry = await startRegistry(t);
		registry.intercept = (_, response) => sendError(response, status, 'SOME', 'said \u001b[31mthe registry');
		const source = openRegistry(quick);
		const error = (await t.throwsAsync(source.resolve(`${registry.host}/a:1`))) as RegistryError;
		t.is(error.code, code as never);
		t.regex(error.message, message);
		t.is(error.status, status);
		t.is(registry.requests.length, requests);
		await source.close();
	},
	title: (_, status, code) => `status ${String(status)} is ${String(code)}`,
});

test(refusal, 403, 'ERR_REGISTRY_UNAUTHORIZED', /denies access/, 1);
test(refusal, 429, 'ERR_REGISTRY_LIMIT', /slow down/, 4);
test(refusal, 500, 'ERR_REGISTRY_RESPONSE', /status 500/, 4);
test(refusal, 400, 'ERR_REGISTRY_RESPONSE', /status 400/, 1);

test('what a registry says in an error is shown without control characters, and never without end', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	registry.intercept = (request, response) => {
		if (request.method === 'HEAD') return false;
		return sendError(response, 403, 'DENIED', `no \u001b[31m${'x'.repeat(1000)}`);
	};
	const error = (await t.throwsAsync(pullLayer(registry))) as RegistryError;
	t.regex(error.message, /denies access: no {2}?\[31mx{200,300}$/);
	registry.intercept = (request, response) => {
		if (request.method === 'HEAD') return false;
		response.writeHead(403);
		const more = (): void => {
			if (!response.destroyed) response.write(Buffer.alloc(65_536, 0x20), () => setImmediate(more));
		};
		more();
		return true;
	};
	await t.throwsAsync(pullLayer(registry), {code: 'ERR_REGISTRY_UNAUTHORIZED', message: /denies access$/});
});

test('nobody there is ERR_REGISTRY_UNREACHABLE, after some attempts', async t => {
	const registry = await startRegistry(t);
	const server = createServer();
	const host = await listen(t, server);
	server.close();
	const source = openRegistry(quick);
	await t.throwsAsync(source.resolve(`${host}/a`), {code: 'ERR_REGISTRY_UNREACHABLE'});
	t.deepEqual(registry.requests, []);
	await source.close();
});

test('follows redirects without taking the credentials along', async t => {
	const registry = await startRegistry(t);
	const storage = await startRegistry(t);
	registry.image('a:1', 'content');
	storage.image('a:1', 'content');
	registry.intercept = (request, response) => {
		if (request.headers.authorization === undefined) {
			response.writeHead(401, {'www-authenticate': 'Basic realm="r"'}).end();
			return true;
		}
		if (request.url?.includes('/blobs/') !== true) return false;
		response.writeHead(307, {location: `http://${storage.host}${request.url}?X-Signature=secret`}).end();
		return true;
	};
	storage.intercept = (request, _) => {
		request.url = request.url?.replace(/\?.*/, '') ?? '';
		return false;
	};
	const credentials = () => ({kind: 'password', username: 'u', password: 'p'}) as const;
	t.is(await pullLayer(registry, {...quick, credentials}), 'content');
	t.deepEqual(storage.authorizations, [undefined]);
	storage.intercept = (_, response) => sendError(response, 403, 'DENIED', 'expired');
	const error = (await t.throwsAsync(pullLayer(registry, {...quick, credentials}))) as RegistryError;
	t.false(JSON.stringify(error).includes('secret'));
});

test('refuses redirects that lead nowhere or never end', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	for (const [location, message] of [
		['/v2/loop', /redirects for ever/],
		['http://[bad', /redirects to nowhere/],
		['file:///etc/passwd', /redirects to file:/],
	] as const) {
		registry.intercept = (_, response) => Boolean(response.writeHead(302, {location}).end());
		await t.throwsAsync(pullLayer(registry), {code: 'ERR_REGISTRY_RESPONSE', message});
	}
});

test('an abort ends a download with its reason', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1', 'x'.repeat(1_000_000));
	const controller = new AbortController();
	const reason = new Error('enough');
	registry.intercept = (request, response) => {
		if (request.url?.includes('/blobs/') !== true) return false;
		response.writeHead(200, {'content-length': 1_000_000});
		response.write('x'.repeat(1000), () => controller.abort(reason));
		return true;
	};
	const store = await openStore(tempDir(t));
	const source = openRegistry(quick);
	const copying = copy(source, `${registry.host}/a:1`, store, {signal: controller.signal});
	t.is(await t.throwsAsync(copying), reason);
	t.deepEqual(await store.list(), []);
	await source.close();
});
