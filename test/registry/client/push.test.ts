import {randomBytes} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {type CopyOptions, copy} from '../../../lib/oci/copy.js';
import type {Descriptor} from '../../../lib/oci/descriptor.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {emptyDescriptor, formatManifest} from '../../../lib/oci/manifest.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {createTally, type Tally} from '../../../lib/oci/tally.js';
import {openRegistry, type Registry, type RegistryOptions} from '../../../lib/registry/client/registry.js';
import {referrersTag} from '../../../lib/registry/storage/referrer.js';
import {put, putImage, putIndex, putMultiArch} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {startUploadRegistry, type UploadRegistry} from '../../helpers/upload-registry.js';

interface World {
	readonly registry: UploadRegistry;
	readonly store: Store;
	readonly client: Registry;
	readonly events: SealEvent[];
}

async function world(t: ExecutionContext, options: RegistryOptions = {}): Promise<World> {
	const registry = await startUploadRegistry(t);
	const store = await openStore(tempDir(t));
	const events: SealEvent[] = [];
	const retry = {attempts: 3, firstDelayMs: 1};
	const client = openRegistry({retry, onEvent: event => events.push(event), ...options});
	t.teardown(() => client.close());
	return {registry, store, client, events};
}

async function push({client, registry, store}: World, name: string, to: string, options: CopyOptions = {}) {
	const tally = createTally();
	const [repository = '', tag = ''] = to.split(':');
	const sink = client.repository(`${registry.host}/${repository}`);
	registry.requests.length = 0;
	registry.received.clear();
	await copy(store, name, sink, {...options, as: tag, onEvent: tally.onEvent});
	return tally.total();
}

/** The requests that write, without ids. */
function writes({requests}: UploadRegistry): string[] {
	return requests
		.filter(line => !/^(?:HEAD|GET)/.test(line))
		.map(line => line.replace(/uploads\/[^?]+\?size.*/, 'uploads/...'));
}

const bytesIn = ({received}: UploadRegistry): number => [...received.values()].reduce((sum, bytes) => sum + bytes, 0);

test('an image arrives whole: children before parents, the tag last, its bytes unchanged', async t => {
	const here = await world(t);
	const {store, registry} = here;
	const index = await putMultiArch(store);
	await store.tag('a:1', index);
	await push(here, 'a:1', 'x:1');
	const order = registry.requests.filter(line => line.startsWith('PUT') && line.includes('manifests'));
	t.is(order.length, 4);
	const blobs = registry.requests.filter(line => line.includes('digest='));
	t.is(blobs.length, 5, 'two configs, two layers and one that both images have');
	t.is(order[2], `PUT /v2/x/manifests/${index.digest}`);
	t.is(order[3], 'PUT /v2/x/manifests/1');
	t.is(registry.tags.get('x:1'), index.digest);
	t.is(registry.manifests.get(`x@${index.digest}`)?.mediaType, mediaTypes.index);
	t.is((await here.client.resolve(`${registry.host}/x:1`)).digest, index.digest);
});

test('of a new version in which one embedded image changed, that image moves and nothing else', async t => {
	const here = await world(t);
	const {store, registry} = here;
	const layers = Array.from({length: 8}, () => randomBytes(200_000));
	await store.tag('cluster:1', await putImage(store, {layers}));
	t.deepEqual((await push(here, 'cluster:1', 'x:1')).skipped, {blobs: 0, bytes: 0});
	const changed = randomBytes(150_000);
	const next = await putImage(store, {layers: layers.with(3, changed)});
	await store.tag('cluster:2', next);
	const tally = await push(here, 'cluster:2', 'x:2');
	const config = JSON.parse((await bytesOf(store, next)).toString()) as {config: Descriptor};
	t.deepEqual(tally.skipped, {blobs: 7, bytes: 7 * 200_000});
	t.deepEqual(tally.sent, {blobs: 3, bytes: 150_000 + config.config.size + next.size});
	t.is(bytesIn(registry), 150_000 + config.config.size);
	t.deepEqual(
		writes(registry).map(line => line.split(' ')[0]),
		['POST', 'POST', 'PUT', 'PUT', 'PUT', 'PUT'],
	);
});

test('a push of what is there takes two questions', async t => {
	const here = await world(t);
	const {store, registry} = here;
	await store.tag('a:1', await putImage(store, {layers: ['1', '2', '3']}));
	const cold = await push(here, 'a:1', 'x:1');
	const warm = await push(here, 'a:1', 'x:1');
	t.deepEqual(
		registry.requests.map(line => line.split(' ')[0]),
		['HEAD', 'HEAD'],
	);
	t.deepEqual(warm, {...cold, sent: cold.skipped, skipped: cold.sent} satisfies Tally);
});

test('another tag of what is there moves no blob', async t => {
	const here = await world(t);
	const {store, registry} = here;
	const image = await putImage(store);
	await store.tag('a:1', image);
	await push(here, 'a:1', 'x:1');
	await push(here, 'a:1', 'x:2');
	t.deepEqual(writes(registry), ['PUT /v2/x/manifests/2']);
	t.is(registry.tags.get('x:2'), image.digest);
	t.is(registry.manifests.get(`x@${image.digest}`)?.mediaType, mediaTypes.manifest);
});

test('of an index the images are asked for one by one: registries may hold a part of it', async t => {
	const here = await world(t);
	const {store, registry} = here;
	const index = await putMultiArch(store);
	await store.tag('a:1', index);
	await push(here, 'a:1', 'x:1');
	const [child] = [...registry.manifests.keys()].filter(key => key !== `x@${index.digest}`);
	registry.manifests.delete(child!);
	const tally = await push(here, 'a:1', 'x:1');
	t.true(registry.manifests.has(child!));
	t.is(tally.sent.blobs, 1);
	t.is(registry.received.size, 0);
});

test('with recheck every blob is asked for, and what got lost is sent again', async t => {
	const here = await world(t);
	const {store, registry} = here;
	await store.tag('a:1', await putImage(store, {layers: ['one', 'two']}));
	await push(here, 'a:1', 'x:1');
	registry.blobs.delete(`x@${digestOf('two')}`);
	t.is((await push(here, 'a:1', 'x:1')).sent.blobs, 0);
	t.is((await push(here, 'a:1', 'x:1', {recheck: true})).sent.blobs, 1);
	t.true(registry.blobs.has(`x@${digestOf('two')}`));
});

test('what another repository of the registry has is mounted', async t => {
	const here = await world(t);
	const {store, registry, client} = here;
	await store.tag('a:1', await putImage(store, {layers: ['one', 'two']}));
	const cold = await push(here, 'a:1', 'base:1');
	const events: SealEvent[] = [];
	registry.requests.length = 0;
	registry.received.clear();
	// From registry to registry the source tells where its content is.
	await copy(client.repository(`${registry.host}/base`), '1', client.repository(`${registry.host}/x`), {
		onEvent: event => events.push(event),
	});
	t.is(events.filter(event => event.type === 'blob.mounted' && event.from === `${registry.host}/base`).length, 3);
	t.is(bytesIn(registry), 0);
	t.is(writes(registry).filter(line => /^POST .*\?mount=sha256:[0-9a-f]{64}&from=base$/.test(line)).length, 3);
	const {host} = registry;
	const tally = await push(here, 'a:1', 'y:1', {mountFrom: [`${host}/nobody`, `other.example/base`, `${host}/base`]});
	t.is(tally.mounted.bytes + tally.sent.bytes, cold.sent.bytes);
	t.is(tally.mounted.blobs, 3);
	t.is(writes(registry).filter(line => line.startsWith('POST')).length, 3);
});

test('an upload that was opened instead of a mount is used', async t => {
	const here = await world(t);
	const {store, registry} = here;
	await store.tag('a:1', await putImage(store, {layers: ['one']}));
	const tally = await push(here, 'a:1', 'x:1', {mountFrom: [`${registry.host}/nobody`]});
	t.is(tally.sent.blobs, 3);
	t.deepEqual(
		writes(registry).map(line => line.split(' ')[0]),
		['POST', 'POST', 'PUT', 'PUT', 'PUT', 'PUT'],
	);
	t.is(registry.sessions.size, 0);
});

test('mounts that are refused or unknown cost no more than themselves', async t => {
	const here = await world(t);
	const {store, registry} = here;
	await store.tag('a:1', await putImage(store, {layers: ['one', 'two']}));
	registry.intercept = (request, response) => {
		if (request.url?.includes('mount=') !== true) return false;
		response.writeHead(request.url.includes('from=') ? 403 : 500).end();
		return true;
	};
	const tally = await push(here, 'a:1', 'x:1', {mountFrom: [`${registry.host}/secret`]});
	t.is(tally.sent.blobs, 4);
	t.is(registry.sessions.size, 0);
});

test('the registry may know of content that nobody named', async t => {
	const here = await world(t);
	const {store, registry} = here;
	await store.tag('a:1', await putImage(store, {layers: ['one']}));
	registry.intercept = (request, response) => {
		const mount = new URL(request.url ?? '', 'http://x').searchParams.get('mount');
		if (mount !== digestOf('one')) return false;
		registry.blobs.set(`x@${mount}`, Buffer.from('one'));
		response.writeHead(201, {location: `/v2/x/blobs/${mount}`}).end();
		return true;
	};
	const tally = await push(here, 'a:1', 'x:1');
	t.deepEqual(tally.mounted, {blobs: 1, bytes: 3});
});

test('a manifest that the registry refuses for lack of blobs names them', async t => {
	const here = await world(t);
	const {store, registry} = here;
	const image = await putImage(store, {layers: ['one', 'two']});
	await store.tag('a:1', image);
	registry.faults.push({method: 'PUT', url: /manifests/, does: {answer: 400, code: 'MANIFEST_BLOB_UNKNOWN'}});
	registry.intercept = request => {
		if (request.url?.includes('manifests')) registry.blobs.delete(`x@${digestOf('two')}`);
		return false;
	};
	const error = await t.throwsAsync(push(here, 'a:1', 'x:1'), {code: 'ERR_REGISTRY_RESPONSE'});
	t.regex(error?.message ?? '', new RegExp(`does not take ${image.digest} without ${digestOf('two')}$`));
});

test('a manifest that is too large for the registry says so', async t => {
	const here = await world(t);
	await here.store.tag('a:1', await putImage(here.store));
	here.registry.faults.push({method: 'PUT', url: /manifests/, does: {answer: 413}});
	await t.throwsAsync(push(here, 'a:1', 'x:1'), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /takes no manifest of \d+ bytes/,
	});
});

test('a manifest of 4 MB is pushed', async t => {
	const here = await world(t);
	const annotations = {filler: 'x'.repeat(4 * 1024 * 1024 - 1000)};
	const image = await putImage(here.store, {annotations});
	await here.store.tag('a:1', image);
	await push(here, 'a:1', 'x:1');
	t.is(here.registry.manifests.get(`x@${image.digest}`)?.bytes.length, image.size);
});

test('a registry that stores a manifest under another digest is not believed', async t => {
	const here = await world(t);
	await here.store.tag('a:1', await putImage(here.store));
	const headers = {'docker-content-digest': digestOf('other')};
	here.registry.faults.push({method: 'PUT', url: /manifests/, does: {answer: 201, headers}});
	await t.throwsAsync(push(here, 'a:1', 'x:1'), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /stored sha256:\w+ as sha256/,
	});
});

test('references of another repository are refused', async t => {
	const {client, registry} = await world(t);
	const repository = client.repository(`${registry.host}/x`);
	await t.throwsAsync(repository.resolve(`${registry.host}/y:1`), {
		code: 'ERR_REFERENCE_INVALID',
		message: /y:1 is not in .*\/x/,
	});
	t.throws(() => client.repository(`${registry.host}/x:1`), {
		code: 'ERR_REFERENCE_INVALID',
		message: /names an image, not a repository/,
	});
	t.is(client.repository('redis').name, 'docker.io/library/redis');
});

async function putArtifact(store: Store, subject: Descriptor, artifactType: string): Promise<Descriptor> {
	await put(store, emptyDescriptor.mediaType, Buffer.from('{}'));
	const mediaType = mediaTypes.manifest;
	const {digest, size} = subject;
	const manifest = {
		schemaVersion: 2 as const,
		mediaType,
		artifactType,
		config: emptyDescriptor,
		layers: [emptyDescriptor],
		subject: {mediaType: subject.mediaType, digest, size},
		annotations: {of: artifactType},
	};
	return await put(store, mediaType, formatManifest(manifest));
}

test('artifacts are listed under their subject where the registry does not do it', async t => {
	const here = await world(t);
	const {store, registry} = here;
	registry.knowsSubjects = false;
	const image = await putImage(store);
	const artifacts = await Promise.all(['a', 'b', 'c'].map(name => putArtifact(store, image, `application/${name}`)));
	const sink = here.client.repository(`${registry.host}/x`);
	// All at once: each reads and writes the same list.
	await Promise.all(artifacts.map(({digest}) => copy(store, digest, sink)));
	const tag = referrersTag(image.digest);
	const list = JSON.parse(String(registry.manifests.get(`x@${registry.tags.get(`x:${tag}`)}`)?.bytes)) as {
		mediaType: string;
		manifests: Descriptor[];
	};
	t.is(list.mediaType, mediaTypes.index);
	t.deepEqual(
		list.manifests.map(({artifactType, annotations}) => [artifactType, annotations?.of]).toSorted(),
		['application/a', 'application/b', 'application/c'].map(name => [name, name]),
	);
	const found = await sink.referrers(image.digest, {artifactType: 'application/b'});
	t.deepEqual(
		found.map(({digest}) => digest),
		[artifacts[1]!.digest],
	);
});

test('where the registry lists artifacts itself, no tag is made for them', async t => {
	const here = await world(t);
	const {store, registry} = here;
	const artifact = await putArtifact(store, await putImage(store), 'application/a');
	await copy(store, artifact.digest, here.client.repository(`${registry.host}/x`));
	t.is(registry.tags.size, 0);
});

test('an image under the tag of the list is left alone, with a warning', async t => {
	const here = await world(t);
	const {store, registry} = here;
	registry.knowsSubjects = false;
	const image = await putImage(store);
	await store.tag('a:1', image);
	await push(here, 'a:1', `x:${referrersTag(image.digest)}`);
	const artifact = await putArtifact(store, image, 'application/a');
	await copy(store, artifact.digest, here.client.repository(`${registry.host}/x`));
	t.is(registry.tags.get(`x:${referrersTag(image.digest)}`), image.digest);
	t.like(here.events.at(-1), {type: 'warning', code: 'ReferrersTagTaken'});
});

test('an index goes to a repository with one platform only', async t => {
	const here = await world(t);
	const {store, registry} = here;
	await store.tag('a:1', await putIndex(store, [await putImage(store)]));
	const platform = {os: 'linux', architecture: 'amd64'};
	await push(here, 'a:1', 'x:1', {platform});
	t.is(registry.manifests.get(`x@${registry.tags.get('x:1')}`)?.mediaType, mediaTypes.manifest);
});

async function bytesOf(store: Store, descriptor: Descriptor): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const chunk of await store.fetch(descriptor)) parts.push(chunk);
	return Buffer.concat(parts);
}
