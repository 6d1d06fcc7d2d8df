import {digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {overStorages} from '../../../helpers/registry-server.js';

overStorages('a manifest is served by tag and digest as it was pushed', async (t, client) => {
	const {digest, bytes} = await client.pushImage('a/b', 'v1');
	for (const reference of ['v1', digest]) {
		const got = await client.send('GET', `/v2/a/b/manifests/${reference}`);
		t.is(got.status, 200);
		t.deepEqual(got.body, bytes);
		const head = await client.send('HEAD', `/v2/a/b/manifests/${reference}`);
		t.is(head.status, 200);
		t.is(head.body.length, 0);
		for (const {headers} of [got, head]) {
			t.is(headers['content-length'], String(bytes.length));
			t.is(headers['content-type'], mediaTypes.manifest);
			t.is(headers['docker-content-digest'], digest);
			t.is(headers.etag, `"${digest}"`);
		}
	}
});

overStorages('PUT of a manifest answers 201 with its place and digest', async (t, client) => {
	const {config, layer} = await client.pushImage('a', 'v1');
	const document = {schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer], annotations: {x: 'y'}};
	const digest = digestOf(JSON.stringify(document));
	const reply = await client.pushManifest('a', 'v2', document);
	t.is(reply.status, 201);
	t.is(reply.headers.location, `/v2/a/manifests/${digest}`);
	t.is(reply.headers['docker-content-digest'], digest);
	t.is(reply.headers['oci-subject'], undefined);
	t.is(reply.headers['oci-tag'], undefined);
	t.is(reply.headers['content-length'], '0');
});

overStorages('Accept converts nothing', async (t, client) => {
	const {bytes} = await client.pushImage('a', 'v1');
	for (const accept of [mediaTypes.dockerManifest, mediaTypes.index, 'text/plain', '*/*']) {
		const reply = await client.send('GET', '/v2/a/manifests/v1', {headers: {accept}});
		t.is(reply.headers['content-type'], mediaTypes.manifest);
		t.deepEqual(reply.body, bytes);
	}
});

overStorages('docker manifests and lists keep their types', async (t, client) => {
	const {config, layer} = await client.pushImage('a', 'base');
	const mediaType = mediaTypes.dockerManifest;
	const document = {
		schemaVersion: 2,
		mediaType,
		config: {...config, mediaType: mediaTypes.dockerConfig},
		layers: [{...layer, mediaType: mediaTypes.dockerLayerGzip}],
	};
	t.is((await client.pushManifest('a', 'docker', document)).status, 201);
	t.is((await client.send('GET', '/v2/a/manifests/docker')).headers['content-type'], mediaType);
	const text = JSON.stringify(document);
	const list = {
		schemaVersion: 2,
		mediaType: mediaTypes.dockerIndex,
		manifests: [{mediaType, digest: digestOf(text), size: text.length, platform: {os: 'linux', architecture: 'amd64'}}],
	};
	t.is((await client.pushManifest('a', 'list', list)).status, 201);
	t.is((await client.send('GET', '/v2/a/manifests/list')).headers['content-type'], mediaTypes.dockerIndex);
});

overStorages('a manifest without mediaType has the type it was pushed as', async (t, client) => {
	const {config, layer, descriptor} = await client.pushImage('a', 'v1');
	const documents: ReadonlyArray<readonly [string, object]> = [
		[mediaTypes.manifest, {schemaVersion: 2, config, layers: [layer], annotations: {of: 'none'}}],
		[mediaTypes.index, {schemaVersion: 2, manifests: [descriptor]}],
	];
	for (const [mediaType, document] of documents) {
		const body = JSON.stringify(document);
		const put = await client.send('PUT', '/v2/a/manifests/none', {headers: {'content-type': mediaType}, body});
		t.is(put.status, 201);
		const got = await client.send('GET', '/v2/a/manifests/none');
		t.is(got.headers['content-type'], mediaType);
		t.is(got.body.toString(), body);
	}
});

overStorages(
	'parameters of Content-Type do not count, and a missing one is read from the manifest',
	async (t, client) => {
		const {bytes} = await client.pushImage('a', 'v1');
		const headers = {'content-type': `${mediaTypes.manifest}; charset=utf-8`};
		t.is((await client.send('PUT', '/v2/a/manifests/v2', {headers, body: bytes})).status, 201);
		t.is((await client.send('GET', '/v2/a/manifests/v2')).headers['content-type'], mediaTypes.manifest);
		t.is((await client.send('PUT', '/v2/a/manifests/v3', {body: bytes})).status, 201);
	},
);

overStorages('a manifest whose digest the client has answers 304', async (t, client) => {
	const {digest} = await client.pushImage('a', 'v1');
	for (const reference of ['v1', digest]) {
		const path = `/v2/a/manifests/${reference}`;
		const reply = await client.send('GET', path, {headers: {'if-none-match': `"${digest}"`}});
		t.is(reply.status, 304);
		t.is(reply.body.length, 0);
		t.is(reply.headers['docker-content-digest'], digest);
		t.is((await client.send('HEAD', path, {headers: {'if-none-match': '"x"'}})).status, 200);
	}
});

overStorages('a tag moves to the manifest that is pushed last', async (t, client) => {
	const first = await client.pushImage('a', 'v1');
	const second = await client.pushImage('a', 'v1', {annotations: {n: '2'}});
	t.is((await client.send('GET', '/v2/a/manifests/v1')).headers['docker-content-digest'], second.digest);
	t.is((await client.send('GET', `/v2/a/manifests/${first.digest}`)).status, 200);
});

overStorages('a manifest pushed by digest takes the tags of the query', async (t, client) => {
	const {config, layer} = await client.pushImage('a', 'v1');
	const document = {
		schemaVersion: 2,
		mediaType: mediaTypes.manifest,
		config,
		layers: [layer],
		annotations: {t: 'many'},
	};
	const digest = digestOf(JSON.stringify(document));
	const tags = Array.from({length: 12}, (_, i) => `t${i}`);
	const query = tags.map(tag => `tag=${tag}`).join('&');
	const reply = await client.pushManifest('a', `${digest}?${query}`, document);
	t.is(reply.status, 201);
	t.is(String(reply.headers['oci-tag']), tags.join(', '));
	for (const tag of tags) {
		t.is((await client.send('HEAD', `/v2/a/manifests/${tag}`)).headers['docker-content-digest'], digest);
	}
	const many = Array.from({length: 101}, (_, i) => `tag=t${i}`).join('&');
	t.is((await client.pushManifest('a', `${digest}?${many}`, document)).status, 414);
});

overStorages('a manifest pushed by digest alone has no tag', async (t, client) => {
	const {digest} = await client.pushImage('a', undefined);
	t.is((await client.send('GET', `/v2/a/manifests/${digest}`)).status, 200);
	t.deepEqual((await client.send('GET', '/v2/a/tags/list')).json(), {name: 'a', tags: []});
});

overStorages('a manifest under a sha512 digest is stored and served under it', async (t, client) => {
	const {bytes} = await client.pushImage('a', 'v1');
	const digest = digestOf(bytes, 'sha512');
	const headers = {'content-type': mediaTypes.manifest};
	const put = await client.send('PUT', `/v2/a/manifests/${digest}?tag=long`, {headers, body: bytes});
	t.is(put.status, 201);
	t.is(put.headers['docker-content-digest'], digest);
	for (const reference of [digest, 'long']) {
		const got = await client.send('GET', `/v2/a/manifests/${reference}`);
		t.deepEqual(got.body, bytes);
		t.is(got.headers['docker-content-digest'], digest);
	}
});

overStorages('a manifest under a digest that it does not have is refused', async (t, client) => {
	const {bytes} = await client.pushImage('a', 'v1');
	const headers = {'content-type': mediaTypes.manifest};
	const reply = await client.send('PUT', `/v2/a/manifests/${digestOf('x')}`, {headers, body: bytes});
	t.is(reply.status, 400);
	t.deepEqual(reply.codes(), ['DIGEST_INVALID']);
});

overStorages('a manifest that names unknown blobs is refused, each named', async (t, client) => {
	const {config, layer} = await client.pushImage('a', 'v1');
	const lost = [1, 2].map(n => ({mediaType: mediaTypes.layer, digest: digestOf(`lost ${n}`), size: n}));
	const document = {schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer, ...lost]};
	const reply = await client.pushManifest('a', 'v2', document);
	t.is(reply.status, 400);
	const {errors} = reply.json() as {errors: ReadonlyArray<{code: string; detail: {digest: string}}>};
	t.deepEqual(
		errors.map(({code}) => code),
		['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_BLOB_UNKNOWN'],
	);
	t.deepEqual(
		errors.map(({detail}) => detail.digest),
		lost.map(item => item.digest),
	);
	t.is((await client.send('GET', '/v2/a/manifests/v2')).status, 404);
	// What another repository has does not count.
	t.is((await client.pushManifest('b', 'v1', {...document, layers: [layer]} as never)).status, 400);
});

overStorages('an index that names unknown manifests is refused', async (t, client) => {
	const {descriptor} = await client.pushImage('a', 'v1');
	const lost = {mediaType: mediaTypes.manifest, digest: digestOf('lost'), size: 4};
	const index = {schemaVersion: 2, mediaType: mediaTypes.index, manifests: [descriptor, lost]};
	const reply = await client.pushManifest('a', 'index', index);
	t.is(reply.status, 400);
	t.deepEqual(reply.codes(), ['MANIFEST_BLOB_UNKNOWN']);
	t.is((await client.pushManifest('a', 'index', {...index, manifests: [descriptor]} as never)).status, 201);
});

overStorages(
	'an index that lacks images is taken where that is allowed, and served with what it has',
	async (t, client) => {
		const {descriptor} = await client.pushImage('a', 'v1');
		const lost = {mediaType: mediaTypes.manifest, digest: digestOf('lost'), size: 4};
		const index = {schemaVersion: 2, mediaType: mediaTypes.index, manifests: [descriptor, lost]};
		t.is((await client.pushManifest('a', 'index', index)).status, 201);
		t.is((await client.send('GET', '/v2/a/manifests/index')).body.toString(), JSON.stringify(index));
		t.is((await client.send('GET', `/v2/a/manifests/${descriptor.digest}`)).status, 200);
		t.is((await client.send('GET', `/v2/a/manifests/${lost.digest}`)).status, 404);
	},
	{sparseIndexes: true},
);

overStorages('layers that may not be pushed anywhere need not be there', async (t, client) => {
	const {config, layer} = await client.pushImage('a', 'v1');
	const foreign = {
		mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
		digest: digestOf('windows'),
		size: 7,
		urls: ['https://example.org/layer'],
	};
	const document = {schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [foreign, layer]};
	t.is((await client.pushManifest('a', 'win', document)).status, 201);
});

overStorages('a manifest of 4 MiB is taken, a longer one is refused with 413', async (t, client) => {
	const {config, layer} = await client.pushImage('a', 'v1');
	const limit = 4 * 1024 * 1024;
	const sized = (size: number): {readonly mediaType: string} => {
		const document = {schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer], annotations: {x: ''}};
		return {...document, annotations: {x: 'x'.repeat(size - JSON.stringify(document).length)}} as never;
	};
	t.is((await client.pushManifest('a', 'large', sized(limit))).status, 201);
	const got = await client.send('GET', '/v2/a/manifests/large');
	t.is(got.body.length, limit);
	t.is((await client.send('HEAD', '/v2/a/manifests/large')).headers['content-length'], String(limit));
	const long = await client.pushManifest('a', 'larger', sized(limit + 1));
	t.is(long.status, 413);
	t.deepEqual(long.codes(), ['SIZE_INVALID']);
	async function* endless() {
		yield Buffer.alloc(limit, ' ');
		yield Buffer.alloc(1, ' ');
	}
	t.is((await client.send('PUT', '/v2/a/manifests/larger', {body: endless()})).status, 413);
});

const digest = digestOf('x');
for (const [what, type, body] of [
	['that is no JSON', mediaTypes.manifest, '{'],
	['that is empty', mediaTypes.manifest, ''],
	['that is null', mediaTypes.manifest, 'null'],
	['that is a list', mediaTypes.manifest, '[]'],
	['without a type anywhere', '', '{"schemaVersion":2}'],
	['of an unknown type', 'application/json', '{"schemaVersion":2}'],
	['of docker schema 1', 'application/vnd.docker.distribution.manifest.v1+prettyjws', '{"schemaVersion":1}'],
	['of schemaVersion 1', mediaTypes.manifest, '{"schemaVersion":1,"config":{},"layers":[]}'],
	[
		'without layers',
		mediaTypes.manifest,
		`{"schemaVersion":2,"config":{"mediaType":"x","digest":"${digest}","size":1}}`,
	],
	['without config', mediaTypes.manifest, '{"schemaVersion":2,"layers":[]}'],
	['with a broken descriptor', mediaTypes.index, '{"schemaVersion":2,"manifests":[{"digest":"x"}]}'],
	['that is manifest and index at once', mediaTypes.index, '{"schemaVersion":2,"manifests":[],"layers":[]}'],
	[
		'that says another type',
		mediaTypes.index,
		`{"schemaVersion":2,"mediaType":"${mediaTypes.manifest}","manifests":[]}`,
	],
	['with a broken subject', mediaTypes.index, '{"schemaVersion":2,"manifests":[],"subject":{"digest":"x"}}'],
] as const) {
	overStorages(`a manifest ${what} is refused`, async (t, client) => {
		const headers: Record<string, string> = type === '' ? {} : {'content-type': type};
		const reply = await client.send('PUT', '/v2/a/manifests/v1', {headers, body});
		t.is(reply.status, 400);
		t.deepEqual(reply.codes(), ['MANIFEST_INVALID']);
	});
}

for (const reference of ['v1', '.invalid', '-x', 'x'.repeat(129), 'ä', digestOf('unknown')]) {
	overStorages(`GET of the manifest ${reference.slice(0, 20)} that is not there answers 404`, async (t, client) => {
		for (const repository of ['a', 'unknown']) {
			const path = `/v2/${repository}/manifests/${encodeURIComponent(reference)}`;
			const reply = await client.send('GET', path);
			t.is(reply.status, 404);
			t.deepEqual(reply.codes(), ['MANIFEST_UNKNOWN']);
			t.is((await client.send('HEAD', path)).status, 404);
			t.is((await client.send('DELETE', path)).status, 404);
		}
	});
}

for (const tag of ['.x', '-x', 'x'.repeat(129), 'a%20b', '%C3%A4', 'a%00']) {
	overStorages(`PUT of a manifest under the tag ${tag.slice(0, 20)} is refused`, async (t, client) => {
		const {bytes} = await client.pushImage('a', 'v1');
		const headers = {'content-type': mediaTypes.manifest};
		const reply = await client.send('PUT', `/v2/a/manifests/${tag}`, {headers, body: bytes});
		t.is(reply.status, 400);
		t.deepEqual(reply.codes(), ['TAG_INVALID']);
		const query = await client.send('PUT', `/v2/a/manifests/${digestOf(bytes)}?tag=${tag}`, {headers, body: bytes});
		t.deepEqual(query.codes(), ['TAG_INVALID']);
	});
}

overStorages('a tag may have 128 characters', async (t, client) => {
	const tag = `V_${'x.-'.repeat(42)}`;
	t.is(tag.length, 128);
	await client.pushImage('a', tag);
	t.is((await client.send('GET', `/v2/a/manifests/${tag}`)).status, 200);
});

overStorages('a digest that is none is refused wherever a manifest is named', async (t, client) => {
	for (const method of ['GET', 'PUT', 'DELETE']) {
		const reply = await client.send(method, '/v2/a/manifests/sha256:abc', {...(method === 'PUT' ? {body: '{}'} : {})});
		t.is(reply.status, 400, method);
		t.deepEqual(reply.codes(), ['DIGEST_INVALID'], method);
	}
});

overStorages('DELETE of a tag removes the tag alone', async (t, client) => {
	const {digest: of, bytes} = await client.pushImage('a', 'v1');
	const headers = {'content-type': mediaTypes.manifest};
	await client.send('PUT', '/v2/a/manifests/v2', {headers, body: bytes});
	t.is((await client.send('DELETE', '/v2/a/manifests/v1')).status, 202);
	t.is((await client.send('GET', '/v2/a/manifests/v1')).status, 404);
	t.is((await client.send('GET', '/v2/a/manifests/v2')).status, 200);
	t.is((await client.send('GET', `/v2/a/manifests/${of}`)).status, 200);
	t.deepEqual((await client.send('DELETE', '/v2/a/manifests/v1')).codes(), ['MANIFEST_UNKNOWN']);
});

overStorages('DELETE of a manifest removes the tags that point at it', async (t, client) => {
	const {digest: of, bytes} = await client.pushImage('a', 'v1');
	const other = await client.pushImage('a', 'other', {annotations: {n: '2'}});
	const headers = {'content-type': mediaTypes.manifest};
	await client.send('PUT', '/v2/a/manifests/v2', {headers, body: bytes});
	t.is((await client.send('DELETE', `/v2/a/manifests/${of}`)).status, 202);
	t.is((await client.send('GET', `/v2/a/manifests/${of}`)).status, 404);
	t.is((await client.send('GET', '/v2/a/manifests/v1')).status, 404);
	t.deepEqual((await client.send('GET', '/v2/a/tags/list')).json(), {name: 'a', tags: ['other']});
	t.is((await client.send('GET', `/v2/a/manifests/${other.digest}`)).status, 200);
	t.deepEqual((await client.send('DELETE', `/v2/a/manifests/${of}`)).codes(), ['MANIFEST_UNKNOWN']);
});
