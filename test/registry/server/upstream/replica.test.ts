import test from 'ava';
import {digestOf} from '../../../../lib/oci/digest.js';
import {startReplicas, withoutNamespace} from '../../../helpers/replicas.js';
import {pushImage} from '../../../helpers/storage-content.js';

const image = '/v2/team/app';
const ns = '?ns=quay.io';
const layerDigest = digestOf(Buffer.from('layer'));

test('a tag that only this replica has is served and kept', async t => {
	const {client, local} = await startReplicas(t, 2, {replica: 'upstream'});
	const {digest} = await pushImage(local, 'quay.io/team/app', ['v1']);
	const reply = await client.send('GET', `${image}/manifests/v1${ns}`);
	t.is(reply.headers['docker-content-digest'], digest);
	t.is(await local.tag('quay.io/team/app', 'v1'), digest);
});

test('a tag that moved at the others moves here', async t => {
	const {servers, client, local} = await startReplicas(t, 2, {replica: 'upstream'});
	await pushImage(local, 'quay.io/team/app', ['v1']);
	const digest = servers[1]!.image('team/app:v1', 'newer');
	const reply = await client.send('GET', `${image}/manifests/v1${ns}`);
	t.is(reply.headers['docker-content-digest'], digest);
	t.is(await local.tag('quay.io/team/app', 'v1'), digest);
});

test('a replica that believes itself asks nobody for what it has', async t => {
	const {servers, client, local} = await startReplicas(t, 2, {replica: 'local'});
	const {digest} = await pushImage(local, 'quay.io/team/app', ['v1']);
	for (const path of [`manifests/v1`, `manifests/${digest}`, `blobs/${layerDigest}`]) {
		t.is((await client.send('GET', `${image}/${path}${ns}`)).status, 200, path);
	}
	t.deepEqual(
		servers.flatMap(({requests}) => requests),
		[],
	);
	servers[1]!.image('team/app:v2', 'more');
	t.is((await client.send('GET', `${image}/manifests/v2${ns}`)).status, 200, 'the others have what it lacks');
});

test('a blob that the disk has for another repository is not fetched', async t => {
	const {servers, client, local, cache} = await startReplicas(t, 1, {replica: 'local'});
	await pushImage(local, 'ghcr.io/other/app', ['v1'], ['shared layer']);
	const shared = digestOf(Buffer.from('shared layer'));
	servers[0]!.image('team/app:v1', 'shared layer');
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 200);
	t.is((await client.send('GET', `${image}/blobs/${shared}${ns}`)).body.toString(), 'shared layer');
	t.false(servers[0]!.requests.some(request => request.includes('/blobs/')));
	t.is(cache.counts.fetchedBytes, 0);
});

test('what is here under its plain name is found, with the others up or down', async t => {
	const {servers, client, local} = await startReplicas(t, 2, {replica: 'local'});
	const {digest} = await pushImage(local, 'coreos/etcd', ['v3']);
	const found = async (): Promise<unknown[]> => {
		const path = '/v2/coreos/etcd';
		const manifest = await client.send('GET', `${path}/manifests/v3${ns}`);
		const blob = await client.send('GET', `${path}/blobs/${layerDigest}${ns}`);
		return [manifest.headers['docker-content-digest'], blob.body.toString()];
	};
	t.deepEqual(await found(), [digest, 'layer']);
	for (const server of servers) {
		server.intercept = request => {
			request.socket.resetAndDestroy();
			return true;
		};
	}
	t.deepEqual(await found(), [digest, 'layer']);
});

test('a plain name gives way to the full one of another replica', async t => {
	const {servers, client, local} = await startReplicas(t, 1, {replica: 'local'});
	await pushImage(local, 'team/app', ['v1']);
	const digest = servers[0]!.image('team/app:v1', 'that of quay.io');
	const reply = await client.send('GET', `${image}/manifests/v1${ns}`);
	t.is(reply.headers['docker-content-digest'], digest);
});

test('a plain name that another registry has here is not given for a third', async t => {
	const {servers, client, local} = await startReplicas(t, 1, {replica: 'local'});
	servers[0]!.intercept = withoutNamespace;
	await pushImage(local, 'coreos/etcd', ['v3']);
	await pushImage(local, 'ghcr.io/coreos/etcd', ['v3']);
	t.is((await client.send('GET', `/v2/coreos/etcd/manifests/v3${ns}`)).status, 404);
});
