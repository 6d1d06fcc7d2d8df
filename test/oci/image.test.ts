import test from 'ava';
import {
	imageSize,
	isAttestation,
	listManifests,
	loadImage,
	readDocument,
	resolvePlatform,
} from '../../lib/oci/image.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {parsePlatform} from '../../lib/oci/platform.js';
import {openStore} from '../../lib/oci/store/store.js';
import {describeText, put, putImage, putIndex, putMultiArch} from '../helpers/images.js';
import {tempDir} from '../helpers/temp-dir.js';

test('loads the manifest and config of a platform', async t => {
	const store = await openStore(tempDir(t));
	const index = await putMultiArch(store);
	const {config, manifest, descriptor} = await loadImage(store, index, parsePlatform('arm64'));
	t.is(config.architecture, 'arm64');
	t.is(manifest.layers.length, 2);
	t.is(descriptor.platform?.architecture, 'arm64');
	t.is((await loadImage(store, index)).config.architecture, 'amd64');
});

test('falls back from arm v8 to v7 to v6, and never to another architecture', async t => {
	const store = await openStore(tempDir(t));
	const arm = (variant: string) =>
		putImage(store, {platform: {os: 'linux', architecture: 'arm', variant}, layers: [variant]});
	const v6 = await arm('v6');
	const v7 = await arm('v7');
	const index = await putIndex(store, [v6, v7]);
	t.is((await resolvePlatform(store, index, parsePlatform('linux/arm/v8'))).digest, v7.digest);
	t.is((await resolvePlatform(store, index, parsePlatform('linux/arm'))).digest, v7.digest);
	t.is((await resolvePlatform(store, index, parsePlatform('linux/arm/v6'))).digest, v6.digest);
	await t.throwsAsync(resolvePlatform(store, index, parsePlatform('linux/arm/v5')), {code: 'ERR_PLATFORM'});
	await t.throwsAsync(resolvePlatform(store, index, parsePlatform('arm64')), {
		code: 'ERR_PLATFORM',
		message: /is for linux\/arm\/v6, linux\/arm\/v7, wanted linux\/arm64/,
	});
});

test('attestations are never chosen', async t => {
	const store = await openStore(tempDir(t));
	const attestation = await putImage(store, {platform: {os: 'unknown', architecture: 'unknown'}, layers: ['proof']});
	const image = await putImage(store);
	t.true(isAttestation(attestation));
	const index = await putIndex(store, [attestation, image]);
	t.is((await resolvePlatform(store, index)).digest, image.digest);
	await t.throwsAsync(resolvePlatform(store, await putIndex(store, [attestation])), {code: 'ERR_PLATFORM'});
});

test('finds images in nested indexes, and platforms in configs when the index is silent', async t => {
	const store = await openStore(tempDir(t));
	const {platform: _, ...silent} = await putImage(store, {platform: {os: 'linux', architecture: 'riscv64'}});
	const nested = await putIndex(store, [await putIndex(store, [silent]), await putImage(store)]);
	const platforms = (await listManifests(store, nested)).map(({platform}) => platform?.architecture);
	t.deepEqual(platforms, ['riscv64', 'amd64']);
	t.is((await resolvePlatform(store, nested, parsePlatform('riscv64'))).digest, silent.digest);
});

test('refuses indexes that are nested without end', async t => {
	const store = await openStore(tempDir(t));
	let index = await putIndex(store, []);
	for (let depth = 0; depth < 12; depth++) index = await putIndex(store, [index]);
	await t.throwsAsync(listManifests(store, index), {code: 'ERR_MANIFEST_INVALID', message: /nested too deep/});
});

test('counts every blob once', async t => {
	const store = await openStore(tempDir(t));
	const one = await putImage(store, {layers: ['shared']});
	const two = await putImage(store, {layers: ['shared', 'x'], platform: {os: 'linux', architecture: 'arm64'}});
	const index = await putIndex(store, [one, two]);
	const single = (await imageSize(store, one)) + (await imageSize(store, two));
	t.is(await imageSize(store, index), single - 'shared'.length + index.size);
});

test('refuses documents above their limit before reading them', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = {...describeText('x', mediaTypes.config), size: 100};
	await t.throwsAsync(readDocument(store, descriptor, 99), {
		code: 'ERR_CONTENT_SIZE',
		message: /has 100 bytes, at most 99/,
	});
	const artifact = await put(store, mediaTypes.manifest, Buffer.from('{"schemaVersion":2,"layers":[]}'));
	await t.throwsAsync(loadImage(store, artifact), {code: 'ERR_MANIFEST_INVALID'});
});
