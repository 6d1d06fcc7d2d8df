import {digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {overStorages, type TestClient} from '../../../helpers/registry-server.js';

interface Index {
	readonly schemaVersion: number;
	readonly mediaType: string;
	readonly manifests: ReadonlyArray<Record<string, unknown>>;
}

async function pushTags(client: TestClient, tags: readonly string[]): Promise<void> {
	const {digest, bytes} = await client.pushImage('a/b', tags[0]);
	const headers = {'content-type': mediaTypes.manifest};
	const query = tags.map(tag => `tag=${tag}`).join('&');
	await client.send('PUT', `/v2/a/b/manifests/${digest}?${query}`, {headers, body: bytes});
}

overStorages('tags are listed in the order of their bytes', async (t, client) => {
	await pushTags(client, ['b', 'a', 'B', '_', '10', '9', 'a.b', 'a-b']);
	const reply = await client.send('GET', '/v2/a/b/tags/list');
	t.is(reply.status, 200);
	t.is(reply.headers['content-type'], 'application/json');
	t.is(reply.headers.link, undefined);
	t.deepEqual(reply.json(), {name: 'a/b', tags: ['10', '9', 'B', '_', 'a', 'a-b', 'a.b', 'b']});
	const head = await client.send('HEAD', '/v2/a/b/tags/list');
	t.is(head.headers['content-length'], String(reply.body.length));
});

for (const [query, tags, link] of [
	['?n=2', ['a', 'b'], '</v2/a/b/tags/list?n=2&last=b>; rel="next"'],
	['?n=2&last=b', ['c', 'd'], undefined],
	['?n=3&last=b', ['c', 'd'], undefined],
	['?last=b', ['c', 'd'], undefined],
	['?last=bb', ['c', 'd'], undefined],
	['?last=d', [], undefined],
	['?last=z&n=1', [], undefined],
	['?n=4', ['a', 'b', 'c', 'd'], undefined],
	['?n=3', ['a', 'b', 'c'], '</v2/a/b/tags/list?n=3&last=c>; rel="next"'],
	['?n=0', [], undefined],
	['?n=0&last=a', [], undefined],
	['?n=999999', ['a', 'b', 'c', 'd'], undefined],
] as const) {
	overStorages(`tags/list${query} gives ${JSON.stringify(tags)}`, async (t, client) => {
		await pushTags(client, ['d', 'c', 'b', 'a']);
		const reply = await client.send('GET', `/v2/a/b/tags/list${query}`);
		t.is(reply.status, 200);
		t.deepEqual(reply.json(), {name: 'a/b', tags});
		t.is(reply.headers.link, link);
	});
}

for (const n of ['-1', 'x', '1.5', '', '99999999999', '1e3']) {
	overStorages(`n=${n} is refused`, async (t, client) => {
		await pushTags(client, ['a']);
		for (const path of ['/v2/a/b/tags/list', '/v2/_catalog']) {
			const reply = await client.send('GET', `${path}?n=${n}`);
			t.is(reply.status, 400);
			t.deepEqual(reply.codes(), ['PAGINATION_NUMBER_INVALID']);
		}
	});
}

overStorages('tags of an unknown repository answer 404', async (t, client) => {
	const reply = await client.send('GET', '/v2/unknown/tags/list');
	t.is(reply.status, 404);
	t.deepEqual(reply.codes(), ['NAME_UNKNOWN']);
	t.is((await client.send('GET', '/v2/unknown/tags/list?n=0')).status, 404);
});

overStorages('the catalog lists repositories in pages', async (t, client) => {
	t.deepEqual((await client.send('GET', '/v2/_catalog')).json(), {repositories: []});
	for (const name of ['b', 'a/b', 'a-b', 'a']) await client.pushImage(name, 'v1');
	const all = await client.send('GET', '/v2/_catalog');
	t.deepEqual(all.json(), {repositories: ['a', 'a-b', 'a/b', 'b']});
	t.is(all.headers.link, undefined);
	const first = await client.send('GET', '/v2/_catalog?n=3');
	t.deepEqual(first.json(), {repositories: ['a', 'a-b', 'a/b']});
	t.is(first.headers.link, '</v2/_catalog?n=3&last=a%2Fb>; rel="next"');
	const rest = await client.send('GET', '/v2/_catalog?n=3&last=a%2Fb');
	t.deepEqual(rest.json(), {repositories: ['b']});
	t.is(rest.headers.link, undefined);
	t.deepEqual((await client.send('GET', '/v2/_catalog?n=0')).json(), {repositories: []});
});

overStorages('referrers of anything are an index, empty when there are none', async (t, client) => {
	await client.pushImage('a', 'v1');
	for (const repository of ['a', 'unknown']) {
		const reply = await client.send('GET', `/v2/${repository}/referrers/${digestOf('x')}`);
		t.is(reply.status, 200);
		t.is(reply.headers['content-type'], mediaTypes.index);
		t.deepEqual(reply.json(), {schemaVersion: 2, mediaType: mediaTypes.index, manifests: []});
		const head = await client.send('HEAD', `/v2/${repository}/referrers/${digestOf('x')}`);
		t.is(head.headers['content-length'], String(reply.body.length));
	}
	const wrong = await client.send('GET', '/v2/a/referrers/sha256:abc');
	t.is(wrong.status, 400);
	t.deepEqual(wrong.codes(), ['DIGEST_INVALID']);
	t.is((await client.send('GET', '/v2/a/referrers/latest')).status, 400);
});

overStorages('referrers carry artifactType and annotations, and may be filtered', async (t, client) => {
	const image = await client.pushImage('a', 'v1');
	const subject = image.descriptor;
	const signature = await client.pushImage('a', undefined, {
		artifactType: 'application/x-signature',
		subject,
		annotations: {by: 'me'},
	});
	const plain = await client.pushImage('a', undefined, {subject});
	const index = {schemaVersion: 2, mediaType: mediaTypes.index, manifests: [], subject, annotations: {kind: 'index'}};
	const pushed = await client.pushManifest('a', digestOf(JSON.stringify(index)), index);
	t.is(pushed.headers['oci-subject'], subject.digest);
	const path = `/v2/a/referrers/${subject.digest}`;
	const all = (await client.send('GET', path)).json() as Index;
	const byDigest = new Map(all.manifests.map(item => [item.digest, item]));
	t.is(all.manifests.length, 3);
	t.deepEqual(byDigest.get(signature.digest), {
		...signature.descriptor,
		artifactType: 'application/x-signature',
		annotations: {by: 'me'},
	});
	t.deepEqual(byDigest.get(plain.digest), {...plain.descriptor, artifactType: mediaTypes.config});
	t.deepEqual(byDigest.get(digestOf(JSON.stringify(index))), {
		mediaType: mediaTypes.index,
		digest: digestOf(JSON.stringify(index)),
		size: JSON.stringify(index).length,
		annotations: {kind: 'index'},
	});
	const filtered = await client.send('GET', `${path}?artifactType=application%2Fx-signature`);
	t.is(filtered.headers['oci-filters-applied'], 'artifactType');
	t.deepEqual(
		(filtered.json() as Index).manifests.map(item => item.digest),
		[signature.digest],
	);
	const none = await client.send('GET', `${path}?artifactType=application/x-none`);
	t.deepEqual((none.json() as Index).manifests, []);
	t.is((await client.send('GET', path)).headers['oci-filters-applied'], undefined);
});

overStorages('referrers with long annotations come in pages', async (t, client) => {
	const {descriptor: subject} = await client.pushImage('a', 'v1');
	const pushed: string[] = [];
	for (const letter of 'xyz') {
		const annotations = {long: letter.repeat(1_700_000)};
		pushed.push(
			(await client.pushImage('a', undefined, {artifactType: 'application/x-long', subject, annotations})).digest,
		);
	}
	const listed: unknown[] = [];
	let pages = 0;
	let path: string | undefined = `/v2/a/referrers/${subject.digest}?artifactType=application%2Fx-long`;
	while (path !== undefined) {
		const reply = await client.send('GET', path);
		t.true(reply.body.length <= 4 * 1024 * 1024);
		t.is(reply.headers['oci-filters-applied'], 'artifactType');
		listed.push(...(reply.json() as Index).manifests.map(item => item.digest));
		pages++;
		path = /^<([^>]+)>; rel="next"$/.exec(String(reply.headers.link))?.[1];
	}
	t.deepEqual(listed, pushed.toSorted());
	t.is(pages, 2);
});

overStorages('a subject need not be there, and a deleted referrer is listed no more', async (t, client) => {
	const subject = {mediaType: mediaTypes.manifest, digest: digestOf('not here yet'), size: 12};
	const {digest} = await client.pushImage('a', undefined, {subject});
	const path = `/v2/a/referrers/${subject.digest}`;
	t.is(((await client.send('GET', path)).json() as Index).manifests.length, 1);
	t.is((await client.send('DELETE', `/v2/a/manifests/${digest}`)).status, 202);
	t.is(((await client.send('GET', path)).json() as Index).manifests.length, 0);
});

overStorages('referrers that a client keeps under the tag of the older scheme are listed too', async (t, client) => {
	const image = await client.pushImage('a', 'v1');
	const note = await client.pushImage('a', undefined, {artifactType: 'application/x-note'});
	const kept = {...note.descriptor, artifactType: 'application/x-note'};
	const index = {schemaVersion: 2, mediaType: mediaTypes.index, manifests: [kept]};
	await client.pushManifest('a', image.digest.replace(':', '-'), index);
	const listed = (await client.send('GET', `/v2/a/referrers/${image.digest}`)).json() as Index;
	t.deepEqual(
		listed.manifests.map(item => item.digest),
		[note.digest],
	);
});
