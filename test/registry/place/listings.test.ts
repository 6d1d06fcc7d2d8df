import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {writeOciArchive} from '../../../lib/oci/archive/write.js';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import {emptyDescriptor, emptyJson, formatManifest} from '../../../lib/oci/manifest.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {copyImage} from '../../../lib/registry/place/copy-image.js';
import {openPlace} from '../../../lib/registry/place/open.js';
import type {OpenPlace} from '../../../lib/registry/place/options.js';
import {parsePlace} from '../../../lib/registry/place/parse.js';
import {listPlaceReferrers} from '../../../lib/registry/place/referrers.js';
import {listPlaceTags} from '../../../lib/registry/place/tags.js';
import {putImage} from '../../helpers/images.js';
import {startRegistry} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';

async function storeIn(t: ExecutionContext): Promise<Store> {
	const store = await openStore(join(tempDir(t), 'store'));
	t.teardown(() => store.close());
	return store;
}

async function open(t: ExecutionContext, text: string, store: Store): Promise<OpenPlace> {
	const opened = await openPlace(parsePlace(text), {store});
	t.teardown(() => opened.close());
	return opened;
}

/** Stores an artifact about `subject`. */
async function attach(store: Store, subject: Descriptor, artifactType: string): Promise<Descriptor> {
	await store.push(emptyDescriptor, oneChunk(emptyJson));
	const bytes = formatManifest({
		schemaVersion: 2,
		mediaType: mediaTypes.manifest,
		artifactType,
		config: emptyDescriptor,
		layers: [emptyDescriptor],
		subject,
		annotations: {about: subject.digest},
	});
	const descriptor = describe(mediaTypes.manifest, bytes);
	await store.push(descriptor, oneChunk(bytes));
	await store.tag(descriptor.digest, descriptor);
	return descriptor;
}

test('tags of the store are those of one repository', async t => {
	const store = await storeIn(t);
	const image = await putImage(store);
	for (const name of [
		'shop:v2',
		'shop:v1',
		'docker.io/library/shop:latest',
		'shop-x:v3',
		'registry.example.com/shop:v4',
	])
		await store.tag(name, image);
	t.deepEqual(await listPlaceTags(await open(t, 'shop', store)), ['latest', 'v1', 'v2']);
	t.deepEqual(await listPlaceTags(await open(t, 'registry.example.com/shop', store)), ['v4']);
	t.deepEqual(await listPlaceTags(await open(t, 'none', store)), []);
});

test('the names of a folder are listed as they are written', async t => {
	const store = await storeIn(t);
	const folder = join(tempDir(t), 'site');
	const image = await putImage(store);
	await store.tag('shop:v1', image);
	for (const name of ['v1', 'registry.example.com/shop:v1'])
		await copyImage(parsePlace('shop:v1'), parsePlace(`oci:${folder}:${name}`), {store});
	t.deepEqual(await listPlaceTags(await open(t, `oci:${folder}`, store)), ['registry.example.com/shop:v1', 'v1']);
});

test('the tags of a repository are asked for at its registry', async t => {
	const store = await storeIn(t);
	const server = await startRegistry(t);
	server.intercept = (request, response) => {
		if (request.url?.startsWith('/v2/shop/tags/list') !== true) return false;
		response.setHeader('content-type', 'application/json').end(JSON.stringify({name: 'shop', tags: ['b', 'a']}));
		return true;
	};
	const registry = openRegistry();
	t.teardown(() => registry.close());
	const place = await openPlace(parsePlace(`docker://${server.host}/shop`), {store, registry});
	t.deepEqual(await listPlaceTags(place), ['a', 'b']);
});

test('what refers to an image of the store is found, and what refers to that', async t => {
	const store = await storeIn(t);
	const image = await putImage(store);
	await store.tag('shop:v1', image);
	const inventory = await attach(store, image, 'application/spdx+json');
	const signature = await attach(store, inventory, 'application/vnd.example.signature');
	const place = await open(t, 'shop:v1', store);
	const referrers = await listPlaceReferrers(place, image.digest);
	t.deepEqual(
		referrers.map(({descriptor}) => [descriptor.digest, descriptor.artifactType, descriptor.annotations?.about]),
		[[inventory.digest, 'application/spdx+json', image.digest]],
	);
	t.deepEqual(
		referrers[0]?.referrers.map(({descriptor}) => descriptor.digest),
		[signature.digest],
	);
	t.deepEqual(await listPlaceReferrers(place, image.digest, {artifactType: 'text/plain'}), []);
	t.is((await listPlaceReferrers(place, image.digest, {artifactType: 'application/spdx+json'})).length, 1);
});

test('a repository in the folder of a registry lists its tags, and the folder its images', async t => {
	const store = await storeIn(t);
	const dir = join(tempDir(t), 'registry');
	await store.tag('shop:v1', await putImage(store));
	for (const name of ['shop:v1', 'shop:v2', 'quay.io/shop:v3'])
		await copyImage(parsePlace('shop:v1'), parsePlace(`registry-dir:${dir}:${name}`), {store});
	t.deepEqual(await listPlaceTags(await open(t, `registry-dir:${dir}:shop`, store)), ['v1', 'v2']);
	t.deepEqual(await listPlaceTags(await open(t, `registry-dir:${dir}`, store)), [
		'quay.io/shop:v3',
		'shop:v1',
		'shop:v2',
	]);
});

test('an archive without names lists none', async t => {
	const store = await storeIn(t);
	const path = join(tempDir(t), 'a.tar');
	await writeFile(path, writeOciArchive(store, [{descriptor: await putImage(store), names: []}]));
	t.deepEqual(await listPlaceTags(await open(t, `oci-archive:${path}`, store)), []);
});
