import {digestOf} from '../../../../lib/oci/digest.js';
import {overStorages} from '../../../helpers/registry-server.js';

const content = '0123456789';
const digest = digestOf(content);
const path = `/v2/a/b/blobs/${digest}`;

overStorages('GET /v2/ answers 200 with an empty object', async (t, client) => {
	const reply = await client.send('GET', '/v2/');
	t.is(reply.status, 200);
	t.deepEqual(reply.json(), {});
	t.is(reply.headers['docker-distribution-api-version'], 'registry/2.0');
	t.is((await client.send('HEAD', '/v2/')).headers['content-length'], '2');
});

overStorages('GET and HEAD of a blob tell all that identifies it', async (t, client) => {
	await client.pushBlob('a/b', content);
	const got = await client.send('GET', path);
	t.is(got.status, 200);
	t.is(got.body.toString(), content);
	const head = await client.send('HEAD', path);
	t.is(head.status, 200);
	t.is(head.body.length, 0);
	for (const {headers} of [got, head]) {
		t.is(headers['content-length'], '10');
		t.is(headers['docker-content-digest'], digest);
		t.is(headers.etag, `"${digest}"`);
		t.is(headers['accept-ranges'], 'bytes');
		t.is(headers['content-type'], 'application/octet-stream');
		t.is(headers['cache-control'], 'max-age=31536000, immutable');
	}
});

overStorages('an empty blob and one of several reads are served whole', async (t, client) => {
	await client.pushBlob('a', '');
	const empty = await client.send('GET', `/v2/a/blobs/${digestOf('')}`);
	t.is(empty.status, 200);
	t.is(empty.headers['content-length'], '0');
	t.is((await client.send('HEAD', `/v2/a/blobs/${digestOf('')}`)).headers['content-length'], '0');
	t.is((await client.send('GET', `/v2/a/blobs/${digestOf('')}`, {headers: {range: 'bytes=0-'}})).status, 416);
	const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'registry');
	const pushed = await client.pushBlob('a', large);
	const got = await client.send('GET', `/v2/a/blobs/${pushed.digest}`);
	t.is(digestOf(got.body), pushed.digest);
	const tail = await client.send('GET', `/v2/a/blobs/${pushed.digest}`, {headers: {range: 'bytes=1048570-2097160'}});
	t.true(tail.body.equals(large.subarray(1048570, 2097161)));
});

for (const [range, status, body, contentRange] of [
	['bytes=0-0', 206, '0', 'bytes 0-0/10'],
	['bytes=2-4', 206, '234', 'bytes 2-4/10'],
	['bytes=4-', 206, '456789', 'bytes 4-9/10'],
	['bytes=-3', 206, '789', 'bytes 7-9/10'],
	['bytes=-300', 206, content, 'bytes 0-9/10'],
	['bytes=8-100', 206, '89', 'bytes 8-9/10'],
	['BYTES=9-9', 206, '9', 'bytes 9-9/10'],
	['bytes=10-', 416, undefined, 'bytes */10'],
	['bytes=10-20', 416, undefined, 'bytes */10'],
	['bytes=5-2', 416, undefined, 'bytes */10'],
	['bytes=-0', 416, undefined, 'bytes */10'],
	['bytes=0-1,3-4', 200, content, undefined],
	['bytes=a-b', 200, content, undefined],
	['bytes=-', 200, content, undefined],
	['lines=0-1', 200, content, undefined],
] as const) {
	overStorages(`a blob with Range: ${range} answers ${status}`, async (t, client) => {
		await client.pushBlob('a/b', content);
		const reply = await client.send('GET', path, {headers: {range}});
		t.is(reply.status, status);
		t.is(reply.headers['content-range'], contentRange);
		if (body === undefined) t.deepEqual(reply.codes(), ['RANGE_INVALID']);
		else t.is(reply.body.toString(), body);
	});
}

overStorages('HEAD of a blob takes no notice of Range', async (t, client) => {
	await client.pushBlob('a/b', content);
	const reply = await client.send('HEAD', path, {headers: {range: 'bytes=2-4'}});
	t.is(reply.status, 200);
	t.is(reply.headers['content-length'], '10');
});

overStorages('If-Range of another version gives the whole blob', async (t, client) => {
	await client.pushBlob('a/b', content);
	const same = await client.send('GET', path, {headers: {range: 'bytes=2-4', 'if-range': `"${digest}"`}});
	t.is(same.status, 206);
	const other = await client.send('GET', path, {headers: {range: 'bytes=2-4', 'if-range': '"other"'}});
	t.is(other.status, 200);
	t.is(other.body.toString(), content);
});

for (const [condition, status] of [
	[`"${digest}"`, 304],
	[`W/"${digest}"`, 304],
	[`"x", "${digest}"`, 304],
	['*', 304],
	['"x"', 200],
	[digest, 200],
] as const) {
	overStorages(`a blob with If-None-Match: ${condition} answers ${status}`, async (t, client) => {
		await client.pushBlob('a/b', content);
		for (const method of ['GET', 'HEAD']) {
			const reply = await client.send(method, path, {headers: {'if-none-match': condition}});
			t.is(reply.status, status);
			t.is(reply.headers.etag, `"${digest}"`);
			if (status === 304) t.is(reply.body.length, 0);
		}
	});
}

overStorages('a blob is known in the repositories it was pushed to, and in no other', async (t, client) => {
	await client.pushBlob('a/b', content);
	for (const repository of ['a', 'a/b/c', 'c']) {
		const reply = await client.send('GET', `/v2/${repository}/blobs/${digest}`);
		t.is(reply.status, 404);
		t.deepEqual(reply.codes(), ['BLOB_UNKNOWN']);
		t.is((await client.send('HEAD', `/v2/${repository}/blobs/${digest}`)).status, 404);
	}
});

for (const wrong of [
	'sha256:abc',
	'sha256:',
	`sha256:${'A'.repeat(64)}`,
	`sha384:${'a'.repeat(96)}`,
	`md5:${'a'.repeat(32)}`,
	'latest',
	`sha512:${'a'.repeat(64)}`,
]) {
	overStorages(`a blob under ${wrong.slice(0, 20)} is refused: it is no digest`, async (t, client) => {
		for (const method of ['GET', 'DELETE']) {
			const reply = await client.send(method, `/v2/a/blobs/${wrong}`);
			t.is(reply.status, 400);
			t.deepEqual(reply.codes(), ['DIGEST_INVALID']);
		}
		t.is((await client.send('HEAD', `/v2/a/blobs/${wrong}`)).status, 400);
	});
}

overStorages('a blob under a sha512 digest is stored and served under it', async (t, client) => {
	const long = digestOf(content, 'sha512');
	const pushed = await client.send('POST', `/v2/a/blobs/uploads/?digest=${long}`, {body: content});
	t.is(pushed.status, 201);
	t.is(pushed.headers.location, `/v2/a/blobs/${long}`);
	const got = await client.send('GET', `/v2/a/blobs/${long}`);
	t.is(got.body.toString(), content);
	t.is(got.headers['docker-content-digest'], long);
});

overStorages('a percent-encoded path means the same', async (t, client) => {
	await client.pushBlob('a/b', content);
	for (const spelling of [
		`/v2/a%2Fb/blobs/${digest}`,
		`/v2/a/b/blobs/${digest.replace(':', '%3A')}`,
		`/%76%32/a/b/blobs/${digest}`,
	]) {
		t.is((await client.send('GET', spelling)).status, 200, spelling);
	}
});

overStorages('DELETE of a blob makes it unknown in its repository alone', async (t, client) => {
	await client.pushBlob('a', content);
	await client.pushBlob('b', content);
	const reply = await client.send('DELETE', `/v2/a/blobs/${digest}`);
	t.is(reply.status, 202);
	t.is(reply.headers['content-length'], '0');
	t.is((await client.send('GET', `/v2/a/blobs/${digest}`)).status, 404);
	t.is((await client.send('GET', `/v2/b/blobs/${digest}`)).status, 200);
	const again = await client.send('DELETE', `/v2/a/blobs/${digest}`);
	t.is(again.status, 404);
	t.deepEqual(again.codes(), ['BLOB_UNKNOWN']);
});
