import {statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {type NetworkConfig, parseMirrorConfig} from '../../../lib/runtime/mirror/config.js';
import {probeMirror, waitForMirror} from '../../../lib/runtime/mirror/probe.js';
import {serveMirror} from '../../../lib/runtime/mirror/serve.js';
import {createAuthority} from '../../../lib/runtime/pki/authority.js';
import {freePort} from '../../helpers/free-port.js';
import {startCluster} from '../../helpers/mirrors.js';

const layer = Buffer.alloc(2_000_000, 'layer ');
const layerDigest = digestOf(layer);
const manifest = '/v2/pause/manifests/3.9?ns=registry.k8s.io';
const blob = `/v2/pause/blobs/${layerDigest}?ns=registry.k8s.io`;

async function bytesOf(url: string): Promise<Buffer> {
	const response = await fetch(url);
	if (!response.ok) throw new Error(`${response.status}`);
	return Buffer.from(await response.arrayBuffer());
}

test('a node gets an image from whichever master is alive, and keeps it when none is', async t => {
	const cluster = await startCluster(t);
	const masters = [await cluster.startMaster('127.0.0.2'), await cluster.startMaster('127.0.0.3')];
	for (const master of masters) await master.push('registry.k8s.io/pause', '3.9', [layer]);
	const node = await cluster.startNode(masters.map(({networkUrl}) => networkUrl));
	await masters[0]!.mirror.close();
	await bytesOf(node.mirror.url + manifest);
	t.true((await bytesOf(node.mirror.url + blob)).equals(layer));
	await masters[1]!.mirror.close();
	t.true((await bytesOf(node.mirror.url + blob)).equals(layer));
	await bytesOf(node.mirror.url + manifest);
	t.true(node.events.some(event => event.type === 'warning' && event.code === 'UpstreamPassedOver'));
});

test('a blob is on the disk of a node once, whatever it is pulled as', async t => {
	const cluster = await startCluster(t);
	const master = await cluster.startMaster('127.0.0.2');
	await master.push('registry.k8s.io/pause', '3.9', [layer]);
	await master.push('docker.io/library/other', '1', [layer]);
	const node = await cluster.startNode([master.networkUrl]);
	await bytesOf(node.mirror.url + manifest);
	await bytesOf(node.mirror.url + blob);
	await bytesOf(`${node.mirror.url}/v2/library/other/manifests/1?ns=docker.io`);
	await bytesOf(`${node.mirror.url}/v2/library/other/blobs/${layerDigest}?ns=docker.io`);
	const hex = layerDigest.slice(7);
	const path = join(node.config.root, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
	t.is(statSync(path).size, layer.length);
});

test('a master that lacks an image gets it from another one', async t => {
	const cluster = await startCluster(t);
	const first = await cluster.startMaster('127.0.0.2');
	await first.push('registry.k8s.io/pause', '3.9', [layer]);
	const second = await cluster.startMaster('127.0.0.3', [first.networkUrl]);
	t.true((await bytesOf(second.mirror.url + blob)).equals(layer));
});

test('two masters that both lack an image say so, and do not ask each other in circles', async t => {
	const cluster = await startCluster(t);
	const port = await freePort('127.0.0.3');
	const first = await cluster.startMaster('127.0.0.2', [`https://127.0.0.3:${port}`]);
	const second = await cluster.startMaster('127.0.0.3', [first.networkUrl], port);
	t.is((await fetch(first.mirror.url + manifest)).status, 404);
	t.is((await fetch(second.mirror.url + blob)).status, 404);
	await first.push('registry.k8s.io/pause', '3.9', [layer]);
	t.is((await fetch(second.mirror.url + manifest)).status, 200, 'they do reach each other');
});

test('the network gets nothing without the login, and loopback needs none', async t => {
	const cluster = await startCluster(t);
	const master = await cluster.startMaster('127.0.0.2');
	await master.push('registry.k8s.io/pause', '3.9', [layer]);
	writeFileSync(join(cluster.folder, 'wrong.json'), '{"username":"sealimage","password":"guessed"}');
	const stranger = await cluster.startNode([master.networkUrl], {login: join(cluster.folder, 'wrong.json')});
	t.is((await fetch(stranger.mirror.url + manifest)).status, 403);
	const health = await probeMirror({...stranger.config, port: Number(new URL(stranger.mirror.url).port)});
	t.like(health, {loopback: {ok: true}, upstreams: [{url: master.networkUrl, ok: false}]});
	t.is((await fetch(master.mirror.url + manifest)).status, 200);
});

test('a server with a certificate of another authority is not believed', async t => {
	const cluster = await startCluster(t);
	const master = await cluster.startMaster('127.0.0.2');
	await master.push('registry.k8s.io/pause', '3.9', [layer]);
	const other = await createAuthority({subject: {commonName: 'sealimage-registry'}});
	writeFileSync(join(cluster.folder, 'other.crt'), other.certPem);
	const node = await cluster.startNode([master.networkUrl], {authority: join(cluster.folder, 'other.crt')});
	t.is((await fetch(node.mirror.url + manifest)).status, 503);
});

test('a master is reached over IPv6', async t => {
	const cluster = await startCluster(t);
	const master = await cluster.startMaster('::1');
	await master.push('registry.k8s.io/pause', '3.9', [layer]);
	const node = await cluster.startNode([master.networkUrl]);
	t.regex(master.networkUrl, /^https:\/\/\[::1\]:/);
	t.true((await bytesOf(node.mirror.url + blob)).equals(layer));
});

test('nothing can be written to a registry of a host', async t => {
	const cluster = await startCluster(t);
	const master = await cluster.startMaster('127.0.0.2');
	await master.push('registry.k8s.io/pause', '3.9', [layer]);
	const path = `${master.mirror.url}/v2/registry.k8s.io/pause`;
	t.is((await fetch(`${path}/blobs/uploads/`, {method: 'POST'})).status, 405);
	t.is((await fetch(`${path}/manifests/3.9`, {method: 'DELETE'})).status, 405);
});

test('the health of a host tells which of the others it reaches', async t => {
	const cluster = await startCluster(t);
	const [first, second] = [await cluster.startMaster('127.0.0.2'), await cluster.startMaster('127.0.0.3')];
	const node = await cluster.startNode([first.networkUrl, second.networkUrl]);
	const config = {...node.config, port: Number(new URL(node.mirror.url).port)};
	t.true(await waitForMirror(config, 0));
	await second.mirror.close();
	t.like(await probeMirror(config), {
		loopback: {ok: true},
		upstreams: [{ok: true}, {url: second.networkUrl, ok: false}],
	});
	await node.mirror.close();
	t.like(await probeMirror(config), {loopback: {ok: false}});
	t.false(await waitForMirror(config, 0));
});

test('an address that is not there yet does not keep loopback waiting', async t => {
	const cluster = await startCluster(t);
	const master = await cluster.startMaster('127.0.0.2');
	// TEST-NET-1 (RFC 5737): no host has it.
	const network = {...(master.config.network ?? t.fail()), address: '192.0.2.1'} as NetworkConfig;
	const events: SealEvent[] = [];
	const mirror = await serveMirror({...master.config, network}, {onEvent: event => events.push(event)});
	t.is((await fetch(`${mirror.url}/healthz`)).status, 200);
	await mirror.close();
	t.is(await mirror.networkUrl, undefined);
});

const refuses = test.macro((t, text: string, message: RegExp) => {
	t.throws(() => parseMirrorConfig(text, 'registry.json'), {code: 'ERR_MIRROR_CONFIG', message});
});
const good = {version: 1, root: '/r', port: 5443, upstreams: [], prefer: 'local'};
const network = {address: '10.0.0.1', port: 1, certificate: '/c', key: '/k', htpasswd: '/h'};

test('a configuration of a later version', refuses, JSON.stringify({...good, version: 2}), /version 2 is not known/);
test('a configuration that is no JSON', refuses, '{"a', /no JSON object/);
test('a configuration that is a list', refuses, '[]', /no JSON object/);
test('a relative folder', refuses, JSON.stringify({...good, root: 'r'}), /root has to be an absolute path/);
test('a port beyond all', refuses, JSON.stringify({...good, port: 65_536}), /port has to be a port/);
test('an upstream without TLS', refuses, JSON.stringify({...good, upstreams: ['http://a']}), /https addresses/);
test(
	'upstreams without an authority',
	refuses,
	JSON.stringify({...good, upstreams: ['https://a']}),
	/authority has to be/,
);
test(
	'a name where an address is needed',
	refuses,
	JSON.stringify({...good, network: {...network, address: 'a'}}),
	/IP address/,
);

test('a configuration is read as it is written', t => {
	const whole = {...good, network, upstreams: ['https://[fd00::5]:5443'], authority: '/a', login: '/l'};
	t.deepEqual(parseMirrorConfig(JSON.stringify(whole), 'x') as unknown, whole);
});
