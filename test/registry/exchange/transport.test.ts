import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {createTransport, type Transport, type TransportOptions} from '../../../lib/registry/exchange/transport.js';
import {openHosts} from '../../../lib/registry/hosts/open-hosts.js';
import {textOf} from '../../helpers/images.js';
import {sendError, startRegistry, type TestRegistry} from '../../helpers/registry.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

function open(t: ExecutionContext, options: TransportOptions): Transport {
	const transport = createTransport(options);
	t.teardown(() => transport.close());
	return transport;
}

/** `example.test` is the second registry, the first one a mirror of it. */
async function mirrored(t: ExecutionContext, fields = 'capabilities = ["pull", "resolve"]') {
	const [mirror, home] = [await startRegistry(t), await startRegistry(t)];
	const dir = tempDir(t);
	writeFiles(dir, {
		'example.test/hosts.toml': `server = "http://${home.host}"\n[host."http://${mirror.host}"]\n${fields}`,
	});
	for (const registry of [mirror, home]) {
		registry.intercept = request => {
			request.url = request.url?.replace('?ns=example.test', '') ?? '';
			return false;
		};
	}
	return {mirror, home, hosts: openHosts({hostsDir: dir})};
}

const get = {host: 'example.test', repository: 'a', method: 'GET'} as const;

test('reads go to the mirror, with the registry it stands for', async t => {
	const {mirror, home, hosts} = await mirrored(t);
	const digest = mirror.image('a:1');
	const source = openRegistry({hosts});
	t.teardown(() => source.close());
	t.is((await source.resolve('example.test/a:1')).digest, digest);
	t.deepEqual(mirror.requests, ['HEAD /v2/a/manifests/1?ns=example.test']);
	t.deepEqual(home.requests, []);
});

test('what the mirror lacks, refuses or breaks at is asked of the registry itself', async t => {
	for (const status of [404, 401, 403, 429, 500, 503]) {
		const {mirror, home, hosts} = await mirrored(t);
		home.image('a:1');
		mirror.intercept = (_, response) => sendError(response, status, 'X', 'no');
		const response = await open(t, {hosts}).send({...get, path: '/v2/a/manifests/1'}, {});
		await response.discard();
		t.is(response.status, 200, String(status));
		t.false(response.isMirror);
		t.is(response.url, `http://${home.host}/v2/a/manifests/1?ns=example.test`);
	}
});

test('a mirror that cannot be reached is told of once, and left alone for a while', async t => {
	const home = await startRegistry(t);
	home.image('a:1');
	const dir = tempDir(t);
	writeFiles(dir, {
		conf: `[[registry]]\nprefix = "example.test"\nlocation = "${home.host}"\n[[registry.mirror]]\nlocation = "127.0.0.1:1"`,
	});
	const transport = open(t, {hosts: openHosts({registriesConf: [join(dir, 'conf')]})});
	const events: SealEvent[] = [];
	for (let i = 0; i < 3; i++) {
		const response = await transport.send({...get, path: '/v2/a/manifests/1'}, {onEvent: event => events.push(event)});
		await response.discard();
		t.is(response.status, 200);
	}
	t.is(events.length, 1);
	t.like(events[0], {type: 'warning', code: 'ERR_REGISTRY_UNREACHABLE'});
	t.regex((events[0] as {message: string}).message, /^The mirror 127\.0\.0\.1:1 of example\.test is passed over: /);
});

test('without any that answers, the failure is that of the registry itself', async t => {
	const {mirror, home, hosts} = await mirrored(t);
	mirror.intercept = (_, response) => sendError(response, 500, 'X', 'mirror');
	home.intercept = (_, response) => sendError(response, 403, 'DENIED', 'home');
	await t.throwsAsync(open(t, {hosts}).send({...get, path: '/v2/a/manifests/1'}, {}), {
		code: 'ERR_REGISTRY_UNAUTHORIZED',
		message: /denies access: home/,
	});
});

test('a mirror that gives wrong content is no reason to look elsewhere', async t => {
	const {mirror, home, hosts} = await mirrored(t);
	const {digest, size} = home.blob('right');
	home.image('a:1', 'right');
	mirror.image('a:1', 'right');
	mirror.content.set(digest, {bytes: Buffer.from('wrong'), mediaType: ''});
	const source = openRegistry({hosts});
	t.teardown(() => source.close());
	const image = await source.resolve('example.test/a:1');
	await textOf(await source.fetch(image));
	await t.throwsAsync(async () => textOf(await source.fetch({mediaType: 'x', digest, size})), {
		code: 'ERR_CONTENT_DIGEST',
	});
	t.deepEqual(home.requests, []);
});

test('writes, and what is asked for a write, go to the registry itself unless a mirror may be written to', async t => {
	const asked = async (registry: TestRegistry): Promise<string[]> => registry.requests.map(one => one.split('?')[0]!);
	const readOnly = await mirrored(t);
	const transport = open(t, {hosts: readOnly.hosts});
	const post = {...get, method: 'POST', path: '/v2/a/blobs/uploads/'} as const;
	await (await transport.send(post, {})).discard();
	await (await transport.send({...get, method: 'HEAD', path: '/v2/a/blobs/sha256:1', direct: true}, {})).discard();
	t.deepEqual(await asked(readOnly.home), ['POST /v2/a/blobs/uploads/', 'HEAD /v2/a/blobs/sha256:1']);
	t.deepEqual(readOnly.mirror.requests, []);
	const writable = await mirrored(t, 'capabilities = ["pull", "push"]');
	await (await open(t, {hosts: writable.hosts}).send(post, {})).discard();
	t.deepEqual(await asked(writable.mirror), ['POST /v2/a/blobs/uploads/']);
	t.deepEqual(writable.home.requests, []);
});

test('a mirror is asked for what it may be asked for', async t => {
	const digest = `sha256:${'0'.repeat(64)}`;
	const ask = async (fields: string, path: string): Promise<[number, number]> => {
		const {mirror, home, hosts} = await mirrored(t, fields);
		await (await open(t, {hosts}).send({...get, path}, {})).discard();
		return [mirror.requests.length, home.requests.length];
	};
	t.deepEqual(await ask('capabilities = ["pull"]', '/v2/a/manifests/1'), [0, 1]);
	t.deepEqual(await ask('capabilities = ["pull"]', `/v2/a/manifests/${digest}`), [1, 1]);
	t.deepEqual(await ask('capabilities = ["pull"]', `/v2/a/blobs/${digest}`), [1, 1]);
	t.deepEqual(await ask('capabilities = ["resolve"]', '/v2/a/manifests/1'), [1, 1]);
	t.deepEqual(await ask('capabilities = ["resolve"]', `/v2/a/blobs/${digest}`), [0, 1]);
});

test('a registry that nothing may be written to says so', async t => {
	const home = await startRegistry(t);
	const dir = tempDir(t);
	writeFiles(dir, {'example.test/hosts.toml': `server = "http://${home.host}"\ncapabilities = ["pull", "resolve"]`});
	const transport = open(t, {hosts: openHosts({hostsDir: dir})});
	await t.throwsAsync(transport.send({...get, method: 'POST', path: '/v2/a/blobs/uploads/'}, {}), {
		code: 'ERR_REGISTRY_CONFIG',
		message: 'No configured endpoint of example.test may be used for push',
	});
});

test('names are rewritten in paths and in the scopes of tokens', async t => {
	const home = await startRegistry(t);
	home.image('cache/hub/library/redis:7');
	const tokens: string[] = [];
	home.intercept = (request, response) => {
		if (request.url?.startsWith('/token') === true) {
			tokens.push(new URL(request.url, 'http://x').searchParams.getAll('scope').join(' '));
			response.end('{"token": "t"}');
			return true;
		}
		if (request.headers.authorization === 'Bearer t') return false;
		response.writeHead(401, {'www-authenticate': `Bearer realm="http://${home.host}/token",service="s"`}).end();
		return true;
	};
	const dir = tempDir(t);
	writeFiles(dir, {conf: `[[registry]]\nprefix = "docker.io"\nlocation = "${home.host}/cache/hub"`});
	const asked: string[] = [];
	const source = openRegistry({
		hosts: openHosts({registriesConf: [join(dir, 'conf')]}),
		credentials: (host, repository) => {
			asked.push(`${host} ${repository}`);
			return undefined;
		},
	});
	t.teardown(() => source.close());
	await source.resolve('redis:7');
	t.deepEqual(tokens, ['repository:cache/hub/library/redis:pull']);
	const transport = open(t, {hosts: openHosts({registriesConf: [join(dir, 'conf')]})});
	const path = '/v2/library/redis/blobs/uploads/?mount=sha256:1&from=library/base';
	const readsFrom = ['library/base'];
	await (
		await transport.send({host: 'docker.io', repository: 'library/redis', method: 'POST', path, readsFrom}, {})
	).discard();
	t.is(
		home.requests.at(-1),
		'POST /v2/cache/hub/library/redis/blobs/uploads/?mount=sha256%3A1&from=cache%2Fhub%2Flibrary%2Fbase',
	);
	t.is(tokens.at(-1), 'repository:cache/hub/library/redis:pull,push repository:cache/hub/library/base:pull');
	t.deepEqual([...new Set(asked)], [`${home.host} cache/hub/library/redis`]);
});

test('a base path of its own, and headers for the endpoint alone', async t => {
	const [home, storage] = [await startRegistry(t), await startRegistry(t)];
	const headers: (string | undefined)[] = [];
	home.intercept = (request, response) => {
		headers.push(request.headers['x-team'] as string);
		if (request.url?.startsWith('/proxy/api/a/') !== true) return sendError(response, 404, 'X', 'path');
		response.writeHead(307, {location: `http://${storage.host}/blob`}).end();
		return true;
	};
	storage.intercept = (request, response) => {
		headers.push(request.headers['x-team'] as string | undefined);
		response.end('content');
		return true;
	};
	const dir = tempDir(t);
	writeFiles(dir, {
		'example.test/hosts.toml': `server = "http://${home.host}/proxy/api"\noverride_path = true\n[header]\nx-team = "blue"`,
	});
	const transport = open(t, {hosts: openHosts({hostsDir: dir})});
	const response = await transport.send({...get, path: '/v2/a/blobs/x'}, {});
	t.is(await textOf(response.body), 'content');
	t.deepEqual(headers, ['blue', undefined]);
});

test('the answer says where it came from, for locations that are relative', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (request, response) => {
		if (request.method !== 'POST') return Boolean(response.end(request.url));
		response.writeHead(202, {location: 'session/1?state=x'}).end();
		return true;
	};
	const transport = open(t, {});
	const request = {host: registry.host, repository: 'a'};
	const begun = await transport.send({...request, method: 'POST', path: '/v2/a/blobs/uploads/'}, {});
	await begun.discard();
	const path = new URL(begun.header('location') ?? '', begun.url).href;
	t.is(path, `http://${registry.host}/v2/a/blobs/uploads/session/1?state=x`);
	const response = await transport.send({...request, method: 'GET', path}, {});
	t.is(await textOf(response.body), '/v2/a/blobs/uploads/session/1?state=x');
});
