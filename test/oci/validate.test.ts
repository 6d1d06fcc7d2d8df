import {chmodSync, rmSync, writeFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {digestOf} from '../../lib/oci/digest.js';
import {formatManifest} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore, type Store} from '../../lib/oci/store/store.js';
import {verifyImage} from '../../lib/oci/validate.js';
import {describeText, put, putImage, putIndex, putMultiArch} from '../helpers/images.js';
import {tempDir} from '../helpers/temp-dir.js';

async function codesOf(store: Store): Promise<readonly string[]> {
	return (await verifyImage(store, 'a')).findings.map(({code, message}) => `${code} ${message}`);
}

test('a good image has no findings, and every byte was read', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('a', await putMultiArch(store));
	const {findings, blobs, missingChildren, sizeBytes} = await verifyImage(store, 'a');
	t.deepEqual(findings, []);
	t.deepEqual(missingChildren, []);
	t.is(blobs, 8);
	t.is(sizeBytes, (await store.list())[0]!.sizeBytes);
});

test('finds all damage at once: content, absence, sizes', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('a', await putImage(store, {layers: ['one', 'two', 'three']}));
	const overwrite = (text: string, bytes: string): void => {
		const path = store.blobPath(describeText(text).digest);
		chmodSync(path, 0o644);
		writeFileSync(path, bytes);
	};
	overwrite('one', 'ONE');
	overwrite('two', 'two and more');
	rmSync(store.blobPath(describeText('three').digest));
	t.deepEqual((await codesOf(store)).map(line => line.split(' ')[0]).toSorted(), [
		'ERR_CONTENT_DIGEST',
		'ERR_CONTENT_MISSING',
		'ERR_CONTENT_SIZE',
	]);
});

test('finds a layer that unpacks to something else than the config says', async t => {
	const store = await openStore(tempDir(t));
	const layer = await put(store, mediaTypes.layerGzip, gzipSync('real'));
	const config = {os: 'linux', architecture: 'amd64', rootfs: {type: 'layers', diff_ids: [digestOf('claimed')]}};
	const configDescriptor = await put(store, mediaTypes.config, Buffer.from(JSON.stringify(config)));
	const {manifest: mediaType} = mediaTypes;
	const bytes = formatManifest({schemaVersion: 2, mediaType, config: configDescriptor, layers: [layer]});
	await store.tag('a', await put(store, mediaType, bytes));
	t.deepEqual(await codesOf(store), [
		`ERR_CONTENT_DIGEST The layer unpacks to ${digestOf('real')}, the config says ${digestOf('claimed')}`,
	]);
});

const configFinding = test.macro({
	async exec(t, change: object, layers: number, finding: RegExp) {
		const store = await openStore(tempDir(t));
		const blobs = await Promise.all(
			Array.from({length: layers}, (_, i) => put(store, mediaTypes.layer, Buffer.from(`${i}`))),
		);
		const diffIds = blobs.map(({digest}) => digest);
		const config = {os: 'linux', architecture: 'amd64', rootfs: {type: 'layers', diff_ids: diffIds}, ...change};
		const configDescriptor = await put(store, mediaTypes.config, Buffer.from(JSON.stringify(config)));
		const {manifest: mediaType} = mediaTypes;
		const bytes = formatManifest({schemaVersion: 2, mediaType, config: configDescriptor, layers: blobs});
		await store.tag('a', await put(store, mediaType, bytes));
		const found = await codesOf(store);
		t.is(found.length, 1);
		t.regex(found[0] ?? '', finding);
	},
	title: (_, change) => `finds what is wrong with a config: ${JSON.stringify(change)}`,
});

test(configFinding, {rootfs: {type: 'layers', diff_ids: []}}, 1, /lists 1 layers, its config 0/);
test(configFinding, {rootfs: {type: 'other', diff_ids: []}}, 0, /rootfs\.type is "other"/);
test(configFinding, {history: [{}, {}]}, 1, /The history has 2 entries with a layer, the config 1 layers/);
test(configFinding, {history: {}}, 0, /history is no list/);
test(configFinding, {os: 7}, 0, /names no os and architecture/);

test('finds an index whose platform is not that of the config', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag('a', await putIndex(store, [{...image, platform: {os: 'linux', architecture: 's390x'}}]));
	t.deepEqual(await codesOf(store), ['ERR_PLATFORM The index says linux/s390x, the config says linux/amd64']);
});

test('children that a sparse index lacks are told, not faulted', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	const absent = describeText('absent', mediaTypes.manifest);
	await store.tag('a', await putIndex(store, [image, absent]));
	const {findings, missingChildren} = await verifyImage(store, 'a');
	t.deepEqual(findings, []);
	t.deepEqual(missingChildren, [absent.digest]);
});

test('a manifest that is none is a finding', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('a', await put(store, mediaTypes.manifest, Buffer.from('{"schemaVersion":1}')));
	t.regex((await codesOf(store))[0] ?? '', /^ERR_MANIFEST_INVALID /);
	await t.throwsAsync(verifyImage(store, 'b'), {code: 'ERR_IMAGE_UNKNOWN'});
});
