import {digestOf} from '../../../../lib/oci/digest.js';
import {overStorages, type Reply, type TestClient} from '../../../helpers/registry-server.js';

const content = 'hello, registry';
const digest = digestOf(content);

async function start(client: TestClient, repository = 'a', query = ''): Promise<string> {
	const reply = await client.send('POST', `/v2/${repository}/blobs/uploads/${query}`);
	if (reply.status !== 202) throw new Error(`${reply.status} ${reply.body.toString()}`);
	return reply.headers.location ?? '';
}

async function read(client: TestClient, of = digest, repository = 'a'): Promise<string | undefined> {
	const reply = await client.send('GET', `/v2/${repository}/blobs/${of}`);
	return reply.status === 200 ? reply.body.toString() : undefined;
}

function facts({status, headers}: Reply): readonly unknown[] {
	return [status, headers.range];
}

overStorages('POST begins an upload: 202 with a Location, Range 0-0 and the id', async (t, client) => {
	for (const path of ['/v2/a/b/blobs/uploads/', '/v2/a/b/blobs/uploads']) {
		const reply = await client.send('POST', path);
		t.deepEqual(facts(reply), [202, '0-0']);
		const id = reply.headers['docker-upload-uuid'];
		t.is(reply.headers.location, `/v2/a/b/blobs/uploads/${String(id)}`);
		t.is(reply.headers['content-length'], '0');
	}
});

overStorages('POST with a digest and the whole blob answers 201', async (t, client) => {
	const reply = await client.send('POST', `/v2/a/blobs/uploads/?digest=${digest}`, {body: content});
	t.is(reply.status, 201);
	t.is(reply.headers.location, `/v2/a/blobs/${digest}`);
	t.is(reply.headers['docker-content-digest'], digest);
	t.is(await read(client), content);
	t.is(await client.storage.uploads.count(), 0);
});

overStorages('POST with a digest and a body in chunks answers 201', async (t, client) => {
	async function* parts() {
		yield Buffer.from(content.slice(0, 3));
		yield Buffer.from(content.slice(3));
	}
	t.is((await client.send('POST', `/v2/a/blobs/uploads/?digest=${digest}`, {body: parts()})).status, 201);
	t.is(await read(client), content);
});

overStorages('POST with a digest that the blob does not have answers 400 and keeps nothing', async (t, client) => {
	const reply = await client.send('POST', `/v2/a/blobs/uploads/?digest=${digest}`, {body: 'other'});
	t.is(reply.status, 400);
	t.deepEqual(reply.codes(), ['DIGEST_INVALID']);
	t.is(await read(client), undefined);
	t.is(await client.storage.uploads.count(), 0);
});

overStorages('POST with a digest and no body begins an upload, as old clients expect', async (t, client) => {
	t.is((await client.send('POST', `/v2/a/blobs/uploads/?digest=${digest}`)).status, 202);
	t.is((await client.send('POST', `/v2/a/blobs/uploads/?digest=${digestOf('')}`)).status, 201);
});

for (const [query, status] of [
	['?digest=sha256:abc', 400],
	['?digest=', 400],
	['?digest-algorithm=md5', 400],
	['?mount=nonsense&from=b', 400],
	['?digest-algorithm=sha512', 202],
	['?digest-algorithm=sha256', 202],
	['?unknown=1', 202],
] as const) {
	overStorages(`POST uploads/${query} answers ${status}`, async (t, client) => {
		const reply = await client.send('POST', `/v2/a/blobs/uploads/${query}`, {
			body: query.startsWith('?digest=') ? 'x' : '',
		});
		t.is(reply.status, status);
		if (status === 400) t.deepEqual(reply.codes(), ['DIGEST_INVALID']);
	});
}

overStorages('chunks with Content-Range go one after the other', async (t, client) => {
	const location = await start(client);
	const first = await client.send('PATCH', location, {headers: {'content-range': '0-4'}, body: content.slice(0, 5)});
	t.deepEqual(facts(first), [202, '0-4']);
	t.is(first.headers.location, location);
	const status = await client.send('GET', location);
	t.deepEqual(facts(status), [204, '0-4']);
	t.is(status.headers.location, location);
	t.is((await client.send('HEAD', location)).status, 204);
	const second = await client.send('PATCH', location, {headers: {'content-range': '5-9'}, body: content.slice(5, 10)});
	t.deepEqual(facts(second), [202, '0-9']);
	const last = await client.send('PUT', `${location}?digest=${digest}`, {
		headers: {'content-range': `10-${content.length - 1}`},
		body: content.slice(10),
	});
	t.is(last.status, 201);
	t.is(last.headers.location, `/v2/a/blobs/${digest}`);
	t.is(last.headers['docker-content-digest'], digest);
	t.is(await read(client), content);
	t.is((await client.send('GET', location)).status, 404);
});

overStorages('PATCH without Content-Range appends', async (t, client) => {
	const location = await start(client);
	t.deepEqual(facts(await client.send('PATCH', location, {body: content.slice(0, 5)})), [202, '0-4']);
	t.deepEqual(facts(await client.send('PATCH', location, {body: content.slice(5)})), [202, `0-${content.length - 1}`]);
	t.is((await client.send('PUT', `${location}?digest=${digest}`)).status, 201);
	t.is(await read(client), content);
});

overStorages('PUT with the whole blob in an upload just begun answers 201', async (t, client) => {
	const location = await start(client);
	t.is((await client.send('PUT', `${location}?digest=${digest}`, {body: content})).status, 201);
	t.is(await read(client), content);
});

for (const [range, body] of [
	['5-9', '56789'],
	['1-3', '123'],
	['0-2', '012'],
	['4-5', '45'],
] as const) {
	overStorages(`a chunk at ${range} after three bytes is refused with 416 and the current Range`, async (t, client) => {
		const location = await start(client);
		await client.send('PATCH', location, {body: 'abc'});
		for (const [method, target] of [
			['PATCH', location],
			['PUT', `${location}?digest=${digest}`],
		] as const) {
			const reply = await client.send(method, target, {headers: {'content-range': range}, body});
			t.deepEqual(facts(reply), [416, '0-2']);
			t.deepEqual(reply.codes(), ['BLOB_UPLOAD_INVALID']);
		}
		t.deepEqual(facts(await client.send('GET', location)), [204, '0-2']);
	});
}

for (const [range, code] of [
	['0-9', 'SIZE_INVALID'],
	['0-1', 'SIZE_INVALID'],
	['bytes 0-1/3', 'SIZE_INVALID'],
	['2-0', 'BLOB_UPLOAD_INVALID'],
	['x', 'BLOB_UPLOAD_INVALID'],
	['-5', 'BLOB_UPLOAD_INVALID'],
] as const) {
	overStorages(`a chunk of three bytes with Content-Range: ${range} is refused with ${code}`, async (t, client) => {
		const location = await start(client);
		const reply = await client.send('PATCH', location, {headers: {'content-range': range}, body: 'abc'});
		t.is(reply.status, 400);
		t.deepEqual(reply.codes(), [code]);
		t.deepEqual(facts(await client.send('GET', location)), [204, '0-0']);
	});
}

overStorages('Content-Range may be written as HTTP writes it', async (t, client) => {
	const location = await start(client);
	const reply = await client.send('PATCH', location, {headers: {'content-range': 'bytes 0-2/*'}, body: 'abc'});
	t.deepEqual(facts(reply), [202, '0-2']);
});

overStorages('a chunk longer than its Content-Range is refused', async (t, client) => {
	const location = await start(client);
	async function* parts() {
		yield Buffer.from('abcdef');
	}
	const reply = await client.send('PATCH', location, {headers: {'content-range': '0-2'}, body: parts()});
	t.is(reply.status, 400);
	t.deepEqual(reply.codes(), ['SIZE_INVALID']);
});

overStorages('PUT that is sent again after it was done is answered as before', async (t, client) => {
	const location = await start(client);
	for (const body of [content, content, '']) {
		const reply = await client.send('PUT', `${location}?digest=${digest}`, {body});
		t.is(reply.status, 201);
		t.is(reply.headers.location, `/v2/a/blobs/${digest}`);
	}
	t.is((await client.send('PUT', `${location}?digest=${digestOf('other')}`)).status, 404);
	t.is((await client.send('PUT', `${location.replace('/a/', '/b/')}?digest=${digest}`)).status, 404);
});

overStorages('PUT with a wrong digest answers 400 and drops the upload', async (t, client) => {
	const location = await start(client);
	const reply = await client.send('PUT', `${location}?digest=${digest}`, {body: 'other'});
	t.is(reply.status, 400);
	t.deepEqual(reply.codes(), ['DIGEST_INVALID']);
	t.is((await client.send('GET', location)).status, 404);
	t.is(await read(client), undefined);
});

for (const query of ['', '?digest=', '?digest=sha256:abc', '?digest=sha384:00']) {
	overStorages(`PUT with the query "${query}" answers 400 and keeps the upload`, async (t, client) => {
		const location = await start(client);
		const reply = await client.send('PUT', `${location}${query}`, {body: content});
		t.is(reply.status, 400);
		t.deepEqual(reply.codes(), ['DIGEST_INVALID']);
		t.is((await client.send('GET', location)).status, 204);
	});
}

overStorages('DELETE of an upload answers 204, and the upload is gone', async (t, client) => {
	const location = await start(client);
	await client.send('PATCH', location, {body: 'abc'});
	t.is((await client.send('DELETE', location)).status, 204);
	for (const [method, target] of [
		['GET', location],
		['PATCH', location],
		['DELETE', location],
		['PUT', `${location}?digest=${digest}`],
	] as const) {
		const reply = await client.send(method, target, {...(method === 'PATCH' ? {body: 'x'} : {})});
		t.is(reply.status, 404, method);
		t.deepEqual(reply.codes(), ['BLOB_UPLOAD_UNKNOWN'], method);
	}
});

overStorages('an upload belongs to its repository', async (t, client) => {
	const location = await start(client, 'a');
	const other = location.replace('/v2/a/', '/v2/b/');
	t.is((await client.send('GET', other)).status, 404);
	t.is((await client.send('PATCH', other, {body: 'x'})).status, 404);
	t.is((await client.send('DELETE', other)).status, 404);
	t.is((await client.send('GET', location)).status, 204);
});

for (const id of ['x', '..', '%2e%2e', '%2e%2e%2f%2e%2e%2fdata', '00000000-0000-0000-0000-000000000000', 'a%00b']) {
	overStorages(`the upload "${id}" is unknown`, async (t, client) => {
		await start(client);
		for (const method of ['GET', 'DELETE', 'PATCH']) {
			const reply = await client.send(method, `/v2/a/blobs/uploads/${id}`);
			t.true([400, 404].includes(reply.status), `${method} ${reply.status}`);
		}
	});
}

overStorages('a blob is mounted from a repository that has it', async (t, client) => {
	await client.pushBlob('b/c', content);
	const reply = await client.send('POST', `/v2/a/blobs/uploads/?mount=${digest}&from=b%2Fc`);
	t.is(reply.status, 201);
	t.is(reply.headers.location, `/v2/a/blobs/${digest}`);
	t.is(reply.headers['docker-content-digest'], digest);
	t.is(await read(client), content);
	t.is(await client.storage.uploads.count(), 0);
});

for (const from of ['&from=c', '&from=unknown', '&from=..%2F..', '&from=']) {
	overStorages(`a mount with "${from}" that has no such blob begins an upload`, async (t, client) => {
		await client.pushBlob('b', content);
		const reply = await client.send('POST', `/v2/a/blobs/uploads/?mount=${digest}${from}`);
		t.deepEqual(facts(reply), [202, '0-0']);
		t.is((await client.send('PUT', `${reply.headers.location}?digest=${digest}`, {body: content})).status, 201);
	});
}

overStorages('a mount without from takes the blob from wherever it is', async (t, client) => {
	t.is((await client.send('POST', `/v2/a/blobs/uploads/?mount=${digest}`)).status, 202);
	await client.pushBlob('b', content);
	t.is((await client.send('POST', `/v2/a/blobs/uploads/?mount=${digest}`)).status, 201);
	t.is(await read(client), content);
});

overStorages('a mount of what the repository has already answers 201', async (t, client) => {
	await client.pushBlob('a', content);
	t.is((await client.send('POST', `/v2/a/blobs/uploads/?mount=${digest}&from=nowhere`)).status, 201);
});

overStorages('a sha512 upload in chunks ends under its digest', async (t, client) => {
	const long = digestOf(content, 'sha512');
	for (const query of ['?digest-algorithm=sha512', '']) {
		const location = await start(client, 'a', query);
		await client.send('PATCH', location, {body: content.slice(0, 4)});
		t.is((await client.send('PUT', `${location}?digest=${long}`, {body: content.slice(4)})).status, 201);
		t.is(await read(client, long), content);
	}
});

overStorages('the same blob pushed many times at once is stored', async (t, client) => {
	const body = Buffer.alloc(200_000, 'x');
	const of = digestOf(body);
	const replies = await Promise.all(
		Array.from({length: 8}, async (_, i) => client.send('POST', `/v2/r${i % 2}/blobs/uploads/?digest=${of}`, {body})),
	);
	t.deepEqual(
		replies.map(({status}) => status),
		Array.from({length: 8}, () => 201),
	);
	t.is((await client.send('GET', `/v2/r0/blobs/${of}`)).body.length, body.length);
	t.is((await client.send('GET', `/v2/r1/blobs/${of}`)).body.length, body.length);
});

overStorages('of two chunks at once for one offset one is taken', async (t, client) => {
	const location = await start(client);
	const body = Buffer.alloc(300_000, 'y');
	const headers = {'content-range': `0-${body.length - 1}`};
	const replies = await Promise.all([0, 1].map(async () => client.send('PATCH', location, {headers, body})));
	t.is(replies.filter(({status}) => status === 202).length, 1);
	t.true(replies.some(({status}) => status === 416 || status === 503));
	t.deepEqual(facts(await client.send('GET', location)), [204, `0-${body.length - 1}`]);
	t.is((await client.send('PUT', `${location}?digest=${digestOf(body)}`)).status, 201);
});
