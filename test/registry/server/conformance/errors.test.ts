import test from 'ava';
import {digestOf} from '../../../../lib/oci/digest.js';
import type {AccessPolicy} from '../../../../lib/registry/server/access/policy.js';
import {overStorages, startServer, storages} from '../../../helpers/registry-server.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const digest = digestOf('x');

for (const path of [
	'/',
	'/v1/',
	'/v2/a',
	'/v2/a/',
	'/v2/a/tags',
	'/v2/_catalog/x',
	'/v2/a/tags/list/',
	'/favicon.ico',
]) {
	overStorages(`GET ${path} answers 404`, async (t, client) => {
		const reply = await client.send('GET', path);
		t.is(reply.status, 404);
		t.deepEqual(reply.codes(), ['NOT_FOUND']);
		t.is(reply.headers['content-type'], 'application/json');
	});
}

for (const [method, path, allow] of [
	['POST', '/v2/', 'GET, HEAD'],
	['PUT', '/v2/_catalog', 'GET, HEAD'],
	['POST', '/v2/a/tags/list', 'GET, HEAD'],
	['DELETE', '/v2/a/tags/list', 'GET, HEAD'],
	['PUT', `/v2/a/blobs/${digest}`, 'GET, HEAD, DELETE'],
	['POST', '/v2/a/manifests/x', 'GET, HEAD, PUT, DELETE'],
	['PATCH', '/v2/a/manifests/x', 'GET, HEAD, PUT, DELETE'],
	['GET', '/v2/a/blobs/uploads/', 'POST'],
	['HEAD', '/v2/a/blobs/uploads/', 'POST'],
	['POST', '/v2/a/blobs/uploads/1', 'GET, HEAD, PATCH, PUT, DELETE'],
	['PUT', `/v2/a/referrers/${digest}`, 'GET, HEAD'],
	['OPTIONS', '/v2/', 'GET, HEAD'],
	['TRACE', '/v2/', 'GET, HEAD'],
] as const) {
	overStorages(`${method} ${path.slice(0, 40)} answers 405 and what is allowed`, async (t, client) => {
		const reply = await client.send(method, path);
		t.is(reply.status, 405);
		t.is(reply.headers.allow, allow);
		if (method !== 'HEAD') t.deepEqual(reply.codes(), ['UNSUPPORTED']);
	});
}

for (const name of ['A', 'a//b', '%2e%2e/%2e%2e/etc', 'a/..%2fb', 'a_', 'a%00b', 'a%20b', '%C3%A4', 'x'.repeat(256)]) {
	overStorages(`the repository name ${name.slice(0, 20)} is refused on every route`, async (t, client) => {
		for (const [method, path] of [
			['GET', `/v2/${name}/blobs/${digest}`],
			['GET', `/v2/${name}/manifests/x`],
			['PUT', `/v2/${name}/manifests/x`],
			['GET', `/v2/${name}/tags/list`],
			['GET', `/v2/${name}/referrers/${digest}`],
			['POST', `/v2/${name}/blobs/uploads/`],
			['PATCH', `/v2/${name}/blobs/uploads/1`],
		] as const) {
			const reply = await client.send(method, path);
			t.is(reply.status, 400, path);
			t.deepEqual(reply.codes(), ['NAME_INVALID'], path);
		}
	});
}

overStorages('a percent-encoding that is none is refused', async (t, client) => {
	for (const path of ['/v2/a%zz/tags/list', '/v2/a%/tags/list', '/v2/%ff/tags/list']) {
		t.deepEqual((await client.send('GET', path)).codes(), ['NAME_INVALID'], path);
	}
});

overStorages('repositories may have the words of paths as names', async (t, client) => {
	for (const name of ['blobs', 'blobs/uploads', 'manifests/tags/list', 'a/blobs/uploads/b', 'tags/list', 'v2']) {
		const {digest: of} = await client.pushImage(name, 'uploads');
		const reply = await client.send('GET', `/v2/${name}/manifests/uploads`);
		t.is(reply.headers['docker-content-digest'], of, name);
		t.deepEqual((await client.send('GET', `/v2/${name}/tags/list`)).json(), {name, tags: ['uploads']});
	}
});

overStorages(
	'a registry that is read-only refuses every write and reads on',
	async (t, client) => {
		for (const [method, path] of [
			['POST', '/v2/a/blobs/uploads/'],
			['PATCH', '/v2/a/blobs/uploads/1'],
			['PUT', '/v2/a/blobs/uploads/1'],
			['PUT', '/v2/a/manifests/v1'],
			['DELETE', '/v2/a/manifests/v1'],
			['DELETE', `/v2/a/blobs/${digest}`],
		] as const) {
			const reply = await client.send(method, path);
			t.is(reply.status, 405, path);
			t.deepEqual(reply.codes(), ['UNSUPPORTED'], path);
		}
		t.is((await client.send('DELETE', '/v2/a/manifests/v1')).headers.allow, 'GET, HEAD');
		t.is((await client.send('GET', '/v2/_catalog')).status, 200);
	},
	{readOnly: true},
);

overStorages(
	'a registry that deletes nothing still takes pushes',
	async (t, client) => {
		await client.pushImage('a', 'v1');
		const reply = await client.send('DELETE', '/v2/a/manifests/v1');
		t.is(reply.status, 405);
		t.is(reply.headers.allow, 'GET, HEAD, PUT');
		t.deepEqual(reply.codes(), ['UNSUPPORTED']);
		t.is((await client.send('DELETE', `/v2/a/blobs/${digest}`)).status, 405);
		t.is((await client.send('GET', '/v2/a/manifests/v1')).status, 200);
		const upload = await client.send('POST', '/v2/a/blobs/uploads/');
		t.is((await client.send('DELETE', upload.headers.location ?? '')).status, 204);
	},
	{deletes: false},
);

overStorages(
	'a notice comes with every answer, as a header that is no longer than allowed',
	async (t, client) => {
		t.is((await client.send('GET', '/v2/')).headers.warning, '299 - "Closed on \\"Friday\\""');
		t.is((await client.send('GET', '/nowhere')).headers.warning, '299 - "Closed on \\"Friday\\""');
	},
	{notice: 'Closed on "Friday"'},
);

overStorages(
	'a notice that is too long is left out',
	async (t, client) => {
		t.is((await client.send('GET', '/v2/')).headers.warning, undefined);
	},
	{notice: 'x'.repeat(5000)},
);

const guarded: AccessPolicy = {
	check: async ({authorization, repository, actions}) => {
		if (authorization === undefined)
			return {allowed: false, status: 401, challenge: 'Basic realm="r"', message: 'Log in'};
		const allowed = repository !== 'secret' && !actions.includes('catalog');
		return allowed ? {allowed, user: authorization} : {allowed, status: 403, message: 'Not yours'};
	},
};

for (const [kind, open] of Object.entries(storages)) {
	test(`the access policy decides, and what it keeps secret cannot be mounted (${kind})`, async t => {
		const storage = await open(tempDir(t));
		const owner = await startServer(t, storage);
		await owner.pushBlob('secret', 'x');
		const client = await startServer(t, storage, {access: guarded});
		const anonymous = await client.send('GET', '/v2/');
		t.is(anonymous.status, 401);
		t.is(anonymous.headers['www-authenticate'], 'Basic realm="r"');
		t.deepEqual(anonymous.codes(), ['UNAUTHORIZED']);
		const headers = {authorization: 'me'};
		const denied = await client.send('GET', `/v2/secret/blobs/${digest}`, {headers});
		t.is(denied.status, 403);
		t.deepEqual(denied.codes(), ['DENIED']);
		for (const from of ['&from=secret', '']) {
			const mount = await client.send('POST', `/v2/mine/blobs/uploads/?mount=${digest}${from}`, {headers});
			t.is(mount.status, 202);
		}
		t.is((await client.send('GET', `/v2/mine/blobs/${digest}`, {headers})).status, 404);
	});
}
