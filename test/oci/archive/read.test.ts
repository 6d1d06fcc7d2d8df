import {execFileSync, spawn} from 'node:child_process';
import {createReadStream, readdirSync, readFileSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {openArchive, openDockerArchive, openOciArchive} from '../../../lib/oci/archive/open.js';
import {copy} from '../../../lib/oci/copy.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {loadImage} from '../../../lib/oci/image.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {dockerMembers, type Member, systemTar, writeTar} from '../../helpers/archives.js';
import {textOf} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('reads a docker archive as an OCI image with the same config and layers', async t => {
	const dir = tempDir(t);
	const path = await writeTar(join(dir, 'a.tar'), dockerMembers(['redis:7', 'ghcr.io/x/redis:7'], ['one', 'two']));
	const archive = await openArchive(path, {tempDir: join(dir, 'tmp')});
	const [image, ...rest] = await archive.images();
	t.deepEqual(rest, []);
	t.deepEqual(image?.names, ['docker.io/library/redis:7', 'ghcr.io/x/redis:7']);
	const found = await archive.resolve('redis:7');
	t.deepEqual(await archive.resolve('ghcr.io/x/redis:7'), found);
	t.deepEqual(await archive.resolve(''), found);
	t.deepEqual(await archive.resolve(found.digest), found);
	const {manifest, config} = await loadImage(archive, found);
	t.is(manifest.mediaType, mediaTypes.manifest);
	t.is(manifest.config.mediaType, mediaTypes.config);
	t.deepEqual(manifest.layers, [
		{mediaType: mediaTypes.layer, digest: digestOf('one'), size: 3},
		{mediaType: mediaTypes.layer, digest: digestOf('two'), size: 3},
	]);
	t.is(config.created, '2020-01-01T00:00:00Z');
	t.is(await textOf(await archive.fetch(manifest.layers[1]!)), 'two');
	t.is(await textOf(await archive.fetch(manifest.layers[1]!, {offset: 1})), 'wo');
	const store = await openStore(join(dir, 'store'));
	await copy(archive, 'redis:7', store);
	t.deepEqual((await verifyImage(store, 'redis:7')).findings, []);
	await archive.close();
	t.deepEqual(readdirSync(dir).toSorted(), ['a.tar', 'store']);
});

test('reads archives that the system tar has packed', async t => {
	const dir = tempDir(t);
	const members = dockerMembers(['redis:7'], ['one']) as Record<string, string>;
	const archive = await openArchive(systemTar(join(dir, 'in'), join(dir, 'a.tar'), members), {tempDir: dir});
	t.deepEqual((await archive.images())[0]?.names, ['docker.io/library/redis:7']);
	await archive.close();
});

test('reads several images that share layers', async t => {
	const dir = tempDir(t);
	const one = dockerMembers(['a:1'], ['base', 'one']);
	const two = dockerMembers(['b:1'], ['base', 'two'], {manifest: {Layers: ['layer0/layer.tar', 'two/layer.tar']}});
	const manifests = [one, two].map(members => (JSON.parse(String(members['manifest.json'])) as object[])[0]);
	const members = {...two, ...one, 'two/layer.tar': 'two', 'manifest.json': JSON.stringify(manifests)};
	const archive = await openArchive(await writeTar(join(dir, 'a.tar'), members), {tempDir: dir});
	t.deepEqual(
		(await archive.images()).map(({names}) => names),
		[['docker.io/library/a:1'], ['docker.io/library/b:1']],
	);
	const store = await openStore(join(dir, 'store'));
	for (const name of ['a:1', 'b:1']) {
		await copy(archive, name, store);
		t.deepEqual((await verifyImage(store, name)).findings, []);
	}
	await t.throwsAsync(archive.resolve(''), {code: 'ERR_IMAGE_UNKNOWN'});
	await archive.close();
});

test('follows the links that docker wrote for layers of several images', async t => {
	const dir = tempDir(t);
	const members = dockerMembers(['a:1'], ['shared', 'shared']);
	members['layer1/layer.tar'] = {symlink: '../layer0/layer.tar'};
	const archive = await openArchive(await writeTar(join(dir, 'a.tar'), members), {tempDir: dir});
	const {manifest} = await loadImage(archive, await archive.resolve('a:1'));
	t.is(await textOf(await archive.fetch(manifest.layers[1]!)), 'shared');
	members['layer1/layer.tar'] = {hardlink: 'layer0/layer.tar'};
	const linked = await openArchive(await writeTar(join(dir, 'b.tar'), members), {tempDir: dir});
	t.is((await linked.images()).length, 1);
	for (const target of ['../../../etc/passwd', '/etc/passwd', '../layer1/layer.tar']) {
		members['layer1/layer.tar'] = {symlink: target};
		await t.throwsAsync(openArchive(await writeTar(join(dir, 'c.tar'), members), {tempDir: dir}), {
			code: 'ERR_LAYOUT_INVALID',
			message: /There is no layer layer1\/layer\.tar/,
		});
	}
});

test('reads compressed layers, known by what they are', async t => {
	const dir = tempDir(t);
	const members = dockerMembers(['a:1'], ['plain']);
	const packed = gzipSync('plain');
	members['layer0/layer.tar'] = packed;
	const archive = await openArchive(await writeTar(join(dir, 'a.tar'), members), {tempDir: dir});
	const {manifest} = await loadImage(archive, await archive.resolve('a:1'));
	t.deepEqual(manifest.layers, [{mediaType: mediaTypes.layerGzip, digest: digestOf(packed), size: packed.length}]);
	const store = await openStore(join(dir, 'store'));
	await copy(archive, 'a:1', store);
	t.deepEqual((await verifyImage(store, 'a:1')).findings, []);
});

test('names come from the repositories file when the manifest has none, or from the caller', async t => {
	const dir = tempDir(t);
	const members = {
		...dockerMembers(null, ['one']),
		repositories: JSON.stringify({'quay.io/x/y': {v1: 'layer0'}}),
	};
	const old = await openArchive(await writeTar(join(dir, 'a.tar'), members), {tempDir: dir});
	t.deepEqual((await old.images())[0]?.names, ['quay.io/x/y:v1']);
	const nameless = await openArchive(await writeTar(join(dir, 'b.tar'), dockerMembers([], ['one'])), {tempDir: dir});
	t.deepEqual((await nameless.images())[0]?.names, []);
	const store = await openStore(join(dir, 'store'));
	await copy(nameless, '', store, {as: 'given:1'});
	t.deepEqual((await store.list())[0]?.names, ['docker.io/library/given:1']);
});

test('reads an archive from a named pipe', async t => {
	const dir = tempDir(t);
	const path = await writeTar(join(dir, 'a.tar'), dockerMembers(['a:1'], ['one']));
	const pipe = join(dir, 'pipe');
	execFileSync('mkfifo', [pipe]);
	const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', path, pipe]);
	t.teardown(() => writer.kill());
	const archive = await openArchive(pipe, {tempDir: join(dir, 'tmp')});
	t.is((await archive.images()).length, 1);
	await archive.close();
});

test('reads a compressed archive from a stream, and leaves no spool', async t => {
	const dir = tempDir(t);
	const path = await writeTar(join(dir, 'a.tar'), dockerMembers(['a:1'], ['one']));
	writeFileSync(join(dir, 'a.tar.gz'), gzipSync(readFileSync(path)));
	for (const from of [Readable.from([gzipSync(readFileSync(path))]), createReadStream(path), join(dir, 'a.tar.gz')]) {
		const archive = await openArchive(from, {tempDir: join(dir, 'tmp')});
		const {manifest} = await loadImage(archive, await archive.resolve('a:1'));
		t.is(await textOf(await archive.fetch(manifest.layers[0]!)), 'one');
		t.is(readdirSync(join(dir, 'tmp')).length, 1);
		await archive.close();
		t.deepEqual(readdirSync(join(dir, 'tmp')), []);
	}
});

const refuses = test.macro({
	async exec(t, change: (members: Record<string, Member>) => void, code: string, message: RegExp) {
		const dir = tempDir(t);
		const members = dockerMembers(['a:1'], ['one', 'two']);
		change(members);
		const path = await writeTar(join(dir, 'a.tar'), members);
		const opening = async (): Promise<void> => {
			const archive = await openArchive(path, {tempDir: join(dir, 'tmp')});
			await copy(archive, 'a:1', await openStore(join(dir, 'store')));
		};
		const error = await t.throwsAsync(opening());
		t.is((error as {code?: string}).code, code);
		t.regex(error!.message, message);
	},
	title: title => `refuses a docker archive ${title}`,
});

const configOf = (members: Record<string, Member>): string =>
	Object.keys(members).find(name => /^[0-9a-f]{64}\.json$/.test(name))!;

test(
	'whose layer is not what the config says',
	refuses,
	members => {
		members['layer0/layer.tar'] = 'ONE';
	},
	'ERR_CONTENT_DIGEST',
	/expected sha256:/,
);
test(
	'whose config was changed',
	refuses,
	members => {
		members[configOf(members)] = String(members[configOf(members)]).replace('amd64', 'arm64');
	},
	'ERR_CONTENT_DIGEST',
	/is damaged/,
);
test(
	'without its config',
	refuses,
	members => {
		delete members[configOf(members)];
	},
	'ERR_LAYOUT_INVALID',
	/There is no [0-9a-f]{64}\.json/,
);
test(
	'without a layer',
	refuses,
	members => {
		delete members['layer1/layer.tar'];
	},
	'ERR_LAYOUT_INVALID',
	/There is no layer layer1/,
);
test(
	'with fewer layers than its config lists',
	refuses,
	members => {
		members['manifest.json'] = String(members['manifest.json']).replace(',"layer1/layer.tar"', '');
	},
	'ERR_MANIFEST_INVALID',
	/lists 2 layers, manifest\.json lists 1/,
);
for (const text of [
	'',
	'{',
	'{}',
	'[]',
	'[null]',
	'[{"Config":7}]',
	'[{"Config":"x","Layers":[1]}]',
	'[{"Config":"x","RepoTags":"x"}]',
]) {
	test(
		`whose manifest.json is ${JSON.stringify(text)}`,
		refuses,
		members => {
			members['manifest.json'] = text;
		},
		'ERR_LAYOUT_INVALID',
		/manifest\.json/,
	);
}

test('refuses names that are no references', async t => {
	const dir = tempDir(t);
	const path = await writeTar(join(dir, 'a.tar'), dockerMembers(['Bad Name'], ['one']));
	await t.throwsAsync(openArchive(path, {tempDir: dir}), {code: 'ERR_REFERENCE_INVALID'});
});

test('refuses what is no image archive, is cut off, or tries to leave its folder', async t => {
	const dir = tempDir(t);
	const options = {tempDir: join(dir, 'tmp')};
	const other = await writeTar(join(dir, 'other.tar'), {'a.txt': 'a'});
	await t.throwsAsync(openArchive(other, options), {code: 'ERR_LAYOUT_INVALID', message: /is no image archive/});
	await t.throwsAsync(openOciArchive(other, options), {code: 'ERR_LAYOUT_INVALID'});
	await t.throwsAsync(openDockerArchive(other, options), {code: 'ERR_LAYOUT_INVALID'});
	await t.throwsAsync(openArchive(join(dir, 'none.tar'), options), {code: 'ERR_IO', message: /does not exist/});
	await t.throwsAsync(openArchive(dir, options), {code: 'ERR_IO', message: /folder/});
	writeFileSync(join(dir, 'text'), 'This is no archive at all, but it is long enough.'.repeat(100));
	await t.throwsAsync(openArchive(join(dir, 'text'), options), {code: 'ERR_TAR_FORMAT'});
	writeFileSync(join(dir, 'empty'), '');
	await t.throwsAsync(openArchive(join(dir, 'empty'), options), {code: 'ERR_TAR_FORMAT'});
	const whole = await writeTar(join(dir, 'cut.tar'), dockerMembers(['a:1'], ['x'.repeat(100_000)]));
	truncateSync(whole, 60_000);
	await t.throwsAsync(openArchive(whole, options), {code: 'ERR_TAR_FORMAT'});
	t.false(readdirSync(dir).includes('tmp') && readdirSync(join(dir, 'tmp')).length > 0);
});

test('refuses an OCI archive of a newer version, or with a damaged index', async t => {
	const dir = tempDir(t);
	const options = {tempDir: join(dir, 'tmp')};
	const layout = '{"imageLayoutVersion":"1.0.0"}';
	const newer = await writeTar(join(dir, 'a.tar'), {
		'oci-layout': '{"imageLayoutVersion":"2.0.0"}',
		'index.json': '{}',
	});
	await t.throwsAsync(openArchive(newer, options), {code: 'ERR_LAYOUT_INVALID', message: /version "2\.0\.0"/});
	const damaged = await writeTar(join(dir, 'b.tar'), {'oci-layout': layout, 'index.json': '{"manifests":7}'});
	await t.throwsAsync(openArchive(damaged, options), {code: 'ERR_STORE_DAMAGED'});
	const digest = `sha256:${'a'.repeat(64)}`;
	const entry = {mediaType: mediaTypes.manifest, digest, size: 7};
	const hollow = await writeTar(join(dir, 'c.tar'), {
		'oci-layout': layout,
		'index.json': JSON.stringify({schemaVersion: 2, manifests: [entry]}),
		[`blobs/sha256/${'a'.repeat(64)}`]: 'other!!',
	});
	const archive = await openArchive(hollow, options);
	const store = await openStore(join(dir, 'store'));
	await t.throwsAsync(copy(archive, '', store, {as: 'a'}), {code: 'ERR_CONTENT_DIGEST'});
	t.deepEqual(await store.list(), []);
});
