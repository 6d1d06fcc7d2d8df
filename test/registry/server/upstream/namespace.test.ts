import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {openAccess} from '../../../../lib/registry/server/access/access.js';
import {namespacedRepository} from '../../../../lib/registry/server/upstream/namespace.js';
import {openPullThrough} from '../../../../lib/registry/server/upstream/pull-through.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import {startRegistry} from '../../../helpers/registry.js';
import {overStorages, startServer} from '../../../helpers/registry-server.js';
import {basic, tokenHash} from '../../../helpers/server-access.js';
import {tempDir, writeFiles} from '../../../helpers/temp-dir.js';

overStorages('ns names the registry whose repository is meant', async (t, client) => {
	const {digest, layer} = await client.pushImage('quay.io/team/app', 'v1');
	for (const path of [
		'/v2/team/app/manifests/v1?ns=quay.io',
		`/v2/team/app/manifests/${digest}?ns=quay.io`,
		`/v2/team/app/blobs/${layer.digest}?ns=quay.io`,
		'/v2/team/app/tags/list?ns=quay.io',
	]) {
		t.is((await client.send('GET', path)).status, 200, path);
	}
	t.is((await client.send('GET', '/v2/team/app/manifests/v1?ns=ghcr.io')).status, 404);
	t.is((await client.send('GET', '/v2/team/app/manifests/v1')).status, 404);
});

overStorages('names of Docker Hub are found without library and under all its addresses', async (t, client) => {
	await client.pushImage('docker.io/library/redis', '7');
	for (const [name, ns] of [
		['library/redis', 'docker.io'],
		['redis', 'docker.io'],
		['library/redis', 'index.docker.io'],
		['library/redis', 'registry-1.docker.io'],
	]) {
		t.is((await client.send('HEAD', `/v2/${name}/manifests/7?ns=${ns}`)).status, 200, `${name} of ${ns}`);
	}
});

overStorages('the port of a registry is part of its folder', async (t, client) => {
	await client.pushImage('localhost_5000/team/app', 'v1');
	t.is((await client.send('HEAD', '/v2/team/app/manifests/v1?ns=localhost:5000')).status, 200);
});

overStorages('a plain name stands for the one registry that can be meant', async (t, client) => {
	const {digest, layer} = await client.pushImage('coreos/etcd', 'v3');
	t.is((await client.send('GET', '/v2/coreos/etcd/manifests/v3?ns=docker.io')).status, 200);
	t.is((await client.send('GET', `/v2/coreos/etcd/blobs/${layer.digest}?ns=docker.io`)).status, 200);
	t.is((await client.send('GET', '/v2/coreos/etcd/tags/list?ns=docker.io')).status, 200);
	await client.pushImage('ghcr.io/coreos/etcd', 'v9');
	t.is(
		(await client.send('GET', '/v2/coreos/etcd/manifests/v3?ns=docker.io')).status,
		200,
		'another tag claims nothing',
	);
	t.is((await client.send('GET', `/v2/coreos/etcd/manifests/${digest}?ns=docker.io`)).status, 200);
});

overStorages('a plain name that another registry has here, too, is not given for a third', async (t, client) => {
	const {digest} = await client.pushImage('coreos/etcd', 'v3');
	await client.pushImage('ghcr.io/coreos/etcd', 'v3');
	t.is((await client.send('GET', '/v2/coreos/etcd/manifests/v3?ns=quay.io')).status, 404);
	t.is((await client.send('GET', '/v2/coreos/etcd/manifests/v3?ns=ghcr.io')).status, 200);
	t.is((await client.send('GET', `/v2/coreos/etcd/manifests/${digest}?ns=quay.io`)).status, 200, 'a digest decides');
});

overStorages('a push through ns goes to the repository of that registry', async (t, client) => {
	const reply = await client.send('POST', '/v2/team/app/blobs/uploads/?ns=quay.io');
	t.is(reply.status, 202);
	t.regex(reply.headers.location ?? '', /^\/v2\/quay\.io\/team\/app\/blobs\/uploads\//);
});

overStorages('a namespace that is no registry is refused', async (t, client) => {
	for (const ns of ['a b', 'x/y', 'quay', '..', 'https://quay.io', 'x'.repeat(2000)]) {
		const reply = await client.send('GET', `/v2/team/app/manifests/v1?ns=${encodeURIComponent(ns)}`);
		t.is(reply.status, 400, ns);
		t.deepEqual(reply.codes(), ['NAME_INVALID']);
	}
});

test('who may not read the plain name does not get it by way of a namespace', async t => {
	const dir = tempDir(t);
	const storage = await openStockStorage(dir, {create: true, durability: 'none'});
	const open = await startServer(t, storage);
	await open.pushImage('secret/app', 'v1');
	await open.pushImage('quay.io/team/app', 'v1');
	const folder = tempDir(t);
	writeFiles(folder, {'tokens.yaml': `- {name: ci, hash: '${tokenHash('ci-secret')}', pull: quay.io/**}\n`});
	const tokens = join(folder, 'tokens.yaml');
	const guarded = await startServer(t, storage, {access: await openAccess({tokens})});
	const headers = {authorization: basic('ci', 'ci-secret')};
	t.is((await guarded.send('GET', '/v2/team/app/manifests/v1?ns=quay.io', {headers})).status, 200);
	t.is((await guarded.send('GET', '/v2/secret/app/manifests/v1?ns=quay.io', {headers})).status, 404);
	t.is((await guarded.send('GET', '/v2/secret/app/manifests/v1?ns=ghcr.io', {headers})).status, 403);
	t.is((await guarded.send('GET', '/v2/secret/app/manifests/v1', {headers})).status, 403);
});

test('an upstream for all registries is asked with the namespace of each', async t => {
	const upstream = await startRegistry(t);
	const digest = upstream.image('team/app:v1', 'layer');
	const asked: string[] = [];
	upstream.intercept = request => {
		asked.push(new URL(`http://x${request.url}`).searchParams.get('ns') ?? 'none');
		request.url = request.url?.replace(/\?.*/, '') ?? '';
		return false;
	};
	const local = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	const cache = openPullThrough(local, {upstreams: [{namespace: '*', url: `http://${upstream.host}`}]});
	const client = await startServer(t, cache);
	t.is((await client.send('GET', '/v2/team/app/manifests/v1?ns=quay.io')).headers['docker-content-digest'], digest);
	t.is((await client.send('GET', '/v2/localhost_5000/team/app/manifests/v1')).status, 200);
	t.deepEqual(asked, ['quay.io', 'quay.io', 'localhost:5000', 'localhost:5000']);
	t.is((await client.send('GET', '/v2/team/app/manifests/v1')).status, 404, 'a plain name has no upstream');
	t.deepEqual(await local.repositories({}), ['localhost_5000/team/app', 'quay.io/team/app']);
});

test('whatever the namespace, the answer is a repository name or a refusal', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	await fc.assert(
		fc.asyncProperty(fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6()), async ns => {
			const route = {kind: 'tags', name: 'team/app'} as const;
			const found = await namespacedRepository(storage, ns, route, async () => true).catch(
				(error: Error) => error.name,
			);
			t.regex(found, /^(?:Refusal|[a-z0-9._-]+\/(?:library\/)?team\/app)$/);
		}),
		{numRuns: 300},
	);
});
