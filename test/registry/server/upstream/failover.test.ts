import type {IncomingMessage, ServerResponse} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {SealError} from '../../../../lib/core/errors.js';
import {digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {openPullThrough} from '../../../../lib/registry/server/upstream/pull-through.js';
import {sendError} from '../../../helpers/registry.js';
import {startReplicas, withoutNamespace} from '../../../helpers/replicas.js';

const layer = Buffer.alloc(3_000_000, 'layer ');
const layerDigest = digestOf(layer);
const image = '/v2/team/app';
const ns = '?ns=quay.io';

type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Answers GETs of blobs in its own way. */
function onBlob(answer: (response: ServerResponse, request: IncomingMessage) => void): Intercept {
	return (request, response) => {
		withoutNamespace(request);
		if (request.method !== 'GET' || request.url?.includes('/blobs/') !== true) return false;
		answer(response, request);
		return true;
	};
}

const down: Intercept = request => {
	request.socket.resetAndDestroy();
	return true;
};

test('what the first server lacks is fetched from the next', async t => {
	const {servers, client} = await startReplicas(t, 3);
	const digest = servers[2]!.image('team/app:v1', layer);
	const reply = await client.send('GET', `${image}/manifests/v1${ns}`);
	t.is(reply.headers['docker-content-digest'], digest);
	t.true((await client.send('GET', `${image}/blobs/${layerDigest}${ns}`)).body.equals(layer));
});

test('a server that is down is told of once, and left alone', async t => {
	const {servers, client, events} = await startReplicas(t, 2, {rests: {firstMs: 600_000, longestMs: 600_000}});
	servers[0]!.intercept = down;
	servers[1]!.image('team/app:v1', layer);
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 200);
	const asked = servers[0]!.requests.length;
	t.true((await client.send('GET', `${image}/blobs/${layerDigest}${ns}`)).body.equals(layer));
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 200);
	t.is(asked, 1);
	t.is(servers[0]!.requests.length, asked);
	const warnings = events.filter(event => event.type === 'warning');
	t.is(warnings.length, 1);
	t.like(warnings[0], {code: 'UpstreamPassedOver'});
});

test('a blob goes on at the next server where the first one died', async t => {
	const {servers, client} = await startReplicas(t, 3);
	for (const server of servers) server.image('team/app:v1', layer);
	servers[0]!.intercept = onBlob(response => {
		response.writeHead(200, {'content-length': layer.length});
		response.write(layer.subarray(0, 1_000_000), () => response.destroy());
	});
	servers[1]!.intercept = down;
	const {body, status} = await client.send('GET', `${image}/blobs/${layerDigest}${ns}`);
	t.is(status, 200);
	t.true(body.equals(layer));
	const [range] = servers[2]!.requests;
	t.regex(range ?? '', /bytes=\d{5,7}-$/, 'not from its start');
});

test('a server that hangs in the middle of a blob is given up', async t => {
	const {servers, client} = await startReplicas(t, 2, {transport: {idleTimeoutMs: 300}});
	for (const server of servers) server.image('team/app:v1', layer);
	servers[0]!.intercept = onBlob(response => {
		response.writeHead(200, {'content-length': layer.length});
		response.write(layer.subarray(0, 1_000_000));
	});
	const {body} = await client.send('GET', `${image}/blobs/${layerDigest}${ns}`);
	t.true(body.equals(layer));
});

test('servers that each give a little are asked in turn until the blob is whole', async t => {
	const {servers, client} = await startReplicas(t, 2, {rests: {longestMs: 1}});
	for (const server of servers) {
		server.image('team/app:v1', layer);
		server.intercept = onBlob((response, request) => {
			const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
			const headers = {
				'content-length': layer.length - start,
				'content-range': `bytes ${start}-${layer.length - 1}/${layer.length}`,
			};
			response.writeHead(start === 0 ? 200 : 206, headers);
			response.write(layer.subarray(start, start + 1_200_000), () => response.destroy());
		});
	}
	const {body} = await client.send('GET', `${image}/blobs/${layerDigest}${ns}`);
	t.true(body.equals(layer));
});

test('a server that gives nothing of the rest is not asked for ever', async t => {
	const {servers, client, local} = await startReplicas(t, 2, {rests: {longestMs: 1}});
	for (const server of servers) {
		server.image('team/app:v1', layer);
		server.intercept = onBlob(response => {
			response.writeHead(200, {'content-length': layer.length});
			response.write(layer.subarray(0, 100_000), () => response.destroy());
		});
	}
	const reply = await client.send('GET', `${image}/blobs/${layerDigest}${ns}`).catch(() => undefined);
	t.not(reply?.body.length, layer.length);
	t.is(await local.blob('quay.io/team/app', layerDigest), undefined);
});

test('a server that lied about a blob is asked last for it from then on', async t => {
	const {servers, client, local} = await startReplicas(t, 2);
	for (const server of servers) server.image('team/app:v1', layer);
	const wrong = Buffer.from(layer).fill('x', 2_000_000);
	servers[0]!.intercept = onBlob(response => response.writeHead(200, {'content-length': layer.length}).end(wrong));
	const first = await client.send('GET', `${image}/blobs/${layerDigest}${ns}`).catch(() => undefined);
	t.not(first?.body.length, layer.length, 'nobody gets the end of it');
	t.is(await local.blob('quay.io/team/app', layerDigest), undefined);
	const second = await client.send('GET', `${image}/blobs/${layerDigest}${ns}`);
	t.true(second.body.equals(layer));
});

test('a manifest that is not what its digest says is fetched elsewhere', async t => {
	const {servers, client} = await startReplicas(t, 2);
	const [digest] = servers.map(server => server.image('team/app:v1', layer)) as [`sha256:${string}`];
	servers[0]!.content.set(digest, {bytes: Buffer.from('{}'), mediaType: mediaTypes.manifest});
	const reply = await client.send('GET', `${image}/manifests/${digest}${ns}`);
	t.is(reply.status, 200);
	t.is(digestOf(reply.body), digest);
});

test('a server that refuses us is passed over', async t => {
	const {servers, client} = await startReplicas(t, 2);
	servers[0]!.intercept = (_, response) => sendError(response, 401, 'UNAUTHORIZED', 'no');
	servers[1]!.image('team/app:v1', layer);
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 200);
});

test('what no server that answers has is absent, although others are down', async t => {
	const {servers, client} = await startReplicas(t, 2);
	servers[0]!.intercept = down;
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 404);
	t.is((await client.send('GET', `${image}/blobs/${layerDigest}${ns}`)).status, 404);
	t.is((await client.send('GET', `${image}/tags/list${ns}`)).status, 404);
});

test('when all are down the answer says to come again', async t => {
	const {servers, client} = await startReplicas(t, 2);
	for (const server of servers) server.intercept = down;
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 503);
	t.is((await client.send('GET', `${image}/blobs/${layerDigest}${ns}`)).status, 503);
});

test('servers that are back are asked again', async t => {
	const {servers, client} = await startReplicas(t, 2, {rests: {longestMs: 1}});
	for (const server of servers) server.intercept = down;
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 503);
	for (const server of servers) server.intercept = withoutNamespace;
	servers[1]!.image('team/app:v1', layer);
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 200);
});

test('a server that is back is found without anybody waiting for it', async t => {
	const {servers, client} = await startReplicas(t, 2, {rests: {firstMs: 1, longestMs: 1}});
	const digests = servers.map((server, i) => server.image('team/app:v1', `layer ${i}`));
	servers[0]!.intercept = down;
	const found = async (): Promise<unknown> =>
		(await client.send('HEAD', `${image}/manifests/v1${ns}`)).headers['docker-content-digest'];
	t.is(await found(), digests[1]);
	servers[0]!.intercept = withoutNamespace;
	while ((await found()) !== digests[0]) await sleep(5);
	t.true(servers[0]!.requests.includes('GET /v2/'));
});

test('nobody waits for servers that are down to say that something is absent', async t => {
	const {servers, client} = await startReplicas(t, 3, {rests: {firstMs: 1, longestMs: 1}});
	for (const server of servers.slice(0, 2)) server.intercept = down;
	t.is((await client.send('GET', `${image}/manifests/v1${ns}`)).status, 404);
	for (const server of servers.slice(0, 2)) {
		// From now on they take requests and never answer.
		server.intercept = () => true;
	}
	t.is((await client.send('GET', `${image}/manifests/v2${ns}`)).status, 404);
});

test('a hundred clients are one transfer, whichever server gives it', async t => {
	const {servers, client} = await startReplicas(t, 2);
	servers[1]!.image('team/app:v1', layer);
	const replies = await Promise.all(
		Array.from({length: 100}, () => client.send('GET', `${image}/blobs/${layerDigest}${ns}`)),
	);
	t.true(replies.every(reply => reply.body.equals(layer)));
	t.is(servers[0]!.requests.length, 1);
	t.is(servers[1]!.requests.length, 1);
});

test('a fetch that the storage gives up lets go of a server that says nothing more', async t => {
	const {servers, local} = await startReplicas(t, 2);
	const full = new SealError('ERR_NO_SPACE', 'The disk is full');
	const failing = {...local, uploads: {...local.uploads, append: () => Promise.reject(full)}};
	const cache = openPullThrough(failing, {
		upstreams: servers.map(({host}) => ({namespace: '*', url: `http://${host}`})),
		transport: {idleTimeoutMs: 600_000},
	});
	t.teardown(() => cache.close());
	const closed = new Promise(resolve => {
		servers[0]!.intercept = onBlob(response => {
			response.once('close', resolve);
			response.writeHead(200, {'content-length': layer.length});
			response.write(layer.subarray(0, 10));
		});
	});
	const blob = await cache.blob('quay.io/team/app', layerDigest);
	t.is(blob?.sizeBytes, layer.length);
	await closed;
	t.deepEqual(servers[1]!.requests, [], 'and asks no other');
});
