import test from 'ava';
import type {SealError} from '../../lib/core/errors.js';
import {readManifest} from '../../lib/oci/image.js';
import {addToIndex, annotateIndex, annotateWholeIndex, createIndex, removeFromIndex} from '../../lib/oci/index-edit.js';
import type {ImageIndex} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore, type Store} from '../../lib/oci/store/store.js';
import {putImage, putMultiArch} from '../helpers/images.js';
import {tempDir} from '../helpers/temp-dir.js';

async function readIndexOf(store: Store, name: string): Promise<ImageIndex> {
	return (await readManifest(store, await store.resolve(name))) as ImageIndex;
}

test('makes an empty index, whose list is never null', async t => {
	const store = await openStore(tempDir(t));
	await createIndex(store, 'list', {annotations: {a: 'b'}});
	t.deepEqual(await readIndexOf(store, 'list'), {
		schemaVersion: 2,
		mediaType: mediaTypes.index,
		manifests: [],
		annotations: {a: 'b'},
	});
	await t.throwsAsync(createIndex(store, 'list'), {code: 'ERR_USAGE', message: /The name list is taken/});
	await createIndex(store, 'list', {replace: true});
	t.is((await readIndexOf(store, 'list')).annotations, undefined);
});

test('adds images with the platform of their configs, from another store too', async t => {
	const store = await openStore(tempDir(t));
	const other = await openStore(tempDir(t));
	await createIndex(store, 'list');
	const amd = await putImage(store);
	await store.tag('amd', amd);
	const arm = await putImage(other, {platform: {os: 'linux', architecture: 'arm', variant: 'v7'}});
	await other.tag('arm', arm);
	await addToIndex(store, 'list', store, 'amd');
	await addToIndex(store, 'list', other, 'arm');
	await addToIndex(store, 'list', store, 'amd');
	t.deepEqual((await readIndexOf(store, 'list')).manifests, [
		{
			mediaType: mediaTypes.manifest,
			digest: arm.digest,
			size: arm.size,
			platform: {os: 'linux', architecture: 'arm', variant: 'v7'},
		},
		{
			mediaType: mediaTypes.manifest,
			digest: amd.digest,
			size: amd.size,
			platform: {os: 'linux', architecture: 'amd64'},
		},
	]);
	t.true(await store.exists(arm));
});

test('adds all images of an index, or the one that is wanted', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('multi', await putMultiArch(store));
	await createIndex(store, 'all');
	await addToIndex(store, 'all', store, 'multi');
	t.is((await readIndexOf(store, 'all')).manifests.length, 2);
	await createIndex(store, 'one');
	await addToIndex(store, 'one', store, 'multi', {platform: {os: 'linux', architecture: 'arm64'}});
	t.deepEqual(
		(await readIndexOf(store, 'one')).manifests.map(({platform}) => platform?.architecture),
		['arm64'],
	);
});

test('what is said about an image counts more than its config', async t => {
	const store = await openStore(tempDir(t));
	await createIndex(store, 'list');
	await store.tag('a', await putImage(store));
	await addToIndex(store, 'list', store, 'a', {
		os: 'windows',
		architecture: 'arm64',
		variant: 'v8',
		osVersion: '10.0.1',
		osFeatures: ['win32k'],
		annotations: {x: 'y'},
	});
	const [child] = (await readIndexOf(store, 'list')).manifests;
	t.deepEqual(child?.platform, {
		os: 'windows',
		architecture: 'arm64',
		variant: 'v8',
		'os.version': '10.0.1',
		'os.features': ['win32k'],
	});
	t.deepEqual(child?.annotations, {x: 'y'});
	await annotateIndex(store, 'list', child!.digest, {architecture: 'amd64', annotations: {x: 'z', n: '1'}});
	const [changed] = (await readIndexOf(store, 'list')).manifests;
	t.is(changed?.platform?.architecture, 'amd64');
	t.is(changed?.platform?.['os.version'], '10.0.1');
	t.deepEqual(changed?.annotations, {x: 'z', n: '1'});
});

test('images are named by digest, digits, platform or name', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag('a', image);
	for (const name of [image.digest, image.digest.slice(7, 19), 'linux/amd64', 'a']) {
		await createIndex(store, 'list', {replace: true});
		await addToIndex(store, 'list', store, 'a');
		await removeFromIndex(store, 'list', name);
		t.deepEqual((await readIndexOf(store, 'list')).manifests, [], name);
	}
	await addToIndex(store, 'list', store, 'a');
	const error = (await t.throwsAsync(removeFromIndex(store, 'list', 'linux/s390x'))) as SealError;
	t.is(error.code, 'ERR_IMAGE_UNKNOWN');
	t.is(error.hint, 'Name one of its images: linux/amd64.');
});

test('annotates the index itself', async t => {
	const store = await openStore(tempDir(t));
	await createIndex(store, 'list', {annotations: {a: '1'}});
	await annotateWholeIndex(store, 'list', {b: '2'});
	t.deepEqual((await readIndexOf(store, 'list')).annotations, {a: '1', b: '2'});
});

test('refuses to edit a single image', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('a', await putImage(store));
	await t.throwsAsync(addToIndex(store, 'a', store, 'a'), {code: 'ERR_MANIFEST_INVALID', message: /is a single image/});
});

test('edits at once lose nothing', async t => {
	const store = await openStore(tempDir(t));
	await createIndex(store, 'list');
	const names = Array.from({length: 8}, (_, i) => `i${i}`);
	for (const name of names) await store.tag(name, await putImage(store, {layers: [name]}));
	await Promise.all(names.map(name => addToIndex(store, 'list', store, name)));
	t.is((await readIndexOf(store, 'list')).manifests.length, 8);
});
