import test from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import type {SealEvent} from '../../../lib/core/events.js';
import type {RunConfig} from '../../../lib/oci/config.js';
import type {Descriptor} from '../../../lib/oci/descriptor.js';
import {loadImage} from '../../../lib/oci/image.js';
import {indexLayer} from '../../../lib/oci/layer/read.js';
import {whiteout} from '../../../lib/oci/layer/whiteout.js';
import {parsePlatform} from '../../../lib/oci/platform.js';
import type {Store} from '../../../lib/oci/store/store.js';
import {treeFiles} from '../../../lib/oci/tree/files.js';
import {applyLayer, emptyTree, type ImageTree} from '../../../lib/oci/tree/tree.js';
import {type EmbedLock, formatLock, parseLock} from '../../../lib/sealfile/embed/lock.js';
import {mergeImages} from '../../../lib/sealfile/merge/merge.js';
import {entriesOf, makeImage, makeIndex, makeStore} from '../../helpers/cluster-images.js';

/** Text files of an image by path. */
async function filesOf(store: Store, root: Descriptor, platform = 'linux/amd64'): Promise<Record<string, string>> {
	const {manifest} = await loadImage(store, root, parsePlatform(platform));
	let tree: ImageTree = emptyTree;
	for (const layer of manifest.layers) tree = applyLayer(tree, await indexLayer(store, layer), layer);
	const files = treeFiles(tree, store);
	const texts: Record<string, string> = {};
	for await (const {path, bytes} of files.read((await files.list('')).map(file => file.path)))
		texts[path] = Buffer.from(bytes).toString();
	return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function configOf(store: Store, root: Descriptor): Promise<RunConfig> {
	return (await loadImage(store, root, parsePlatform('linux/amd64'))).config.config ?? {};
}

async function layerCount(store: Store, root: Descriptor): Promise<number> {
	return (await loadImage(store, root, parsePlatform('linux/amd64'))).manifest.layers.length;
}

test('the result has the files of all images and no more layers than they have', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{'etc/a': 'A', same: 'x'}]});
	await makeImage(store, {name: 'b', trees: [{'etc/b': 'B', same: 'x'}]});
	const {descriptor, conflicts} = await mergeImages(store, ['a', 'b'], {as: 'ab:1'});
	t.deepEqual(await filesOf(store, descriptor), {'etc/a': 'A', 'etc/b': 'B', same: 'x'});
	t.deepEqual(conflicts, []);
	t.is(await layerCount(store, descriptor), 2);
	t.is((await store.resolve('ab:1')).digest, descriptor.digest);
});

test('layers that images share are taken once', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{base: '1'}, {a: '1'}]});
	await makeImage(store, {name: 'b', trees: [{base: '1'}, {b: '1'}]});
	const {descriptor} = await mergeImages(store, ['a', 'b']);
	t.is(await layerCount(store, descriptor), 3);
	t.deepEqual(await filesOf(store, descriptor), {a: '1', b: '1', base: '1'});
});

test('a file that two images change differently is a conflict, named with its images', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{'etc/x': 'one'}]});
	await makeImage(store, {name: 'b', trees: [{'etc/x': 'two'}]});
	const error = await t.throwsAsync(mergeImages(store, ['a', 'b'], {as: 'ab'}), {code: 'ERR_MERGE_CONFLICT'});
	t.regex(error.message, /file etc\/x: a, b/);
	await t.throwsAsync(store.resolve('ab'), {code: 'ERR_IMAGE_UNKNOWN'});
	const first = await mergeImages(store, ['a', 'b'], {onConflict: 'first'});
	t.deepEqual(await filesOf(store, first.descriptor), {'etc/x': 'one'});
	t.deepEqual(first.conflicts, [{kind: 'file', name: 'etc/x', images: ['a', 'b']}]);
	const last = await mergeImages(store, ['a', 'b'], {onConflict: 'last'});
	t.deepEqual(await filesOf(store, last.descriptor), {'etc/x': 'two'});
	t.is(await layerCount(store, last.descriptor), 2);
});

test('what one image changes of a common base wins over what the other inherits', async t => {
	const store = await makeStore(t);
	const base = {'etc/x': 'base', 'etc/y': 'base', gone: 'base'};
	await makeImage(store, {name: 'a', trees: [base, {'etc/x': 'by a'}]});
	await makeImage(store, {name: 'b', trees: [base, {'etc/y': 'by b'}, [whiteout('gone')]]});
	const {descriptor, conflicts} = await mergeImages(store, ['a', 'b']);
	t.deepEqual(conflicts, []);
	t.deepEqual(await filesOf(store, descriptor), {'etc/x': 'by a', 'etc/y': 'by b'});
});

test('a whiteout of one image does not hide files of another', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{'etc/x': 'keep', 'etc/z': 'z'}]});
	await makeImage(store, {name: 'b', trees: [{'etc/x': 'mine', 'etc/b': 'b'}, [whiteout('etc/x')]]});
	const {descriptor} = await mergeImages(store, ['a', 'b']);
	t.deepEqual(await filesOf(store, descriptor), {'etc/b': 'b', 'etc/x': 'keep', 'etc/z': 'z'});
});

test('a file against a folder is a conflict; the winner stands alone', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{'x/y': 'in folder'}]});
	await makeImage(store, {name: 'b', trees: [{x: 'file'}]});
	await t.throwsAsync(mergeImages(store, ['a', 'b']), {code: 'ERR_MERGE_CONFLICT'});
	t.deepEqual(await filesOf(store, (await mergeImages(store, ['a', 'b'], {onConflict: 'first'})).descriptor), {
		'x/y': 'in folder',
	});
	t.deepEqual(await filesOf(store, (await mergeImages(store, ['a', 'b'], {onConflict: 'last'})).descriptor), {
		x: 'file',
	});
});

test('files of another mode differ', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{'run.sh*': 'x'}]});
	await makeImage(store, {name: 'b', trees: [{'run.sh': 'x'}]});
	await t.throwsAsync(mergeImages(store, ['a', 'b']), {code: 'ERR_MERGE_CONFLICT'});
});

test('labels, variables and commands of all images are there, commands one after the other', async t => {
	const store = await makeStore(t);
	await makeImage(store, {
		name: 'a',
		trees: [{a: '1'}],
		config: {
			Env: ['A=1', 'BOTH=x'],
			Labels: {a: '1', both: 'x'},
			Cmd: ['/bin/sh', '-c', 'helm upgrade a'],
			Entrypoint: ['prepare'],
		},
	});
	await makeImage(store, {
		name: 'b',
		trees: [{b: '1'}],
		config: {
			Env: ['B=2', 'BOTH=x'],
			Labels: {b: '2', both: 'x'},
			Cmd: ['kubectl apply -f b', 'echo done'],
			Volumes: {'/v': {}},
		},
	});
	const {descriptor} = await mergeImages(store, ['a', 'b']);
	t.deepEqual(await configOf(store, descriptor), {
		Env: ['A=1', 'BOTH=x', 'B=2'],
		Entrypoint: ['prepare'],
		Cmd: ['helm upgrade a', 'kubectl apply -f b', 'echo done'],
		Volumes: {'/v': {}},
		Labels: {a: '1', b: '2', both: 'x'},
	});
});

test('labels, variables and settings that differ are conflicts, all told at once', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [{a: '1'}], config: {Env: ['X=1'], Labels: {x: '1'}, User: 'root'}});
	await makeImage(store, {name: 'b', trees: [{b: '1'}], config: {Env: ['X=2'], Labels: {x: '2'}, User: 'me'}});
	const error = await t.throwsAsync(mergeImages(store, ['a', 'b']), {code: 'ERR_MERGE_CONFLICT'});
	for (const line of ['label x: a, b', 'env X: a, b', 'setting User: a, b']) t.true(error.message.includes(line), line);
	const {descriptor} = await mergeImages(store, ['a', 'b'], {onConflict: 'last'});
	t.deepEqual(await configOf(store, descriptor), {User: 'me', Env: ['X=2'], Labels: {x: '2'}});
});

test('one rootfs makes the result a rootfs, and hooks of others do not become its own', async t => {
	const store = await makeStore(t);
	await makeImage(store, {
		name: 'app',
		trees: [{a: '1'}],
		config: {Labels: {'sealos.io.type': 'application', init: 'evil.sh', version: '9', mine: 'x'}},
	});
	await makeImage(store, {
		name: 'rootfs',
		trees: [{b: '1'}],
		config: {
			Labels: {'sealos.io.type': 'rootfs', 'sealos.io.version': 'v1beta1', version: 'v1.30.0', check: 'check.sh'},
		},
	});
	const {descriptor} = await mergeImages(store, ['app', 'rootfs']);
	t.deepEqual((await configOf(store, descriptor)).Labels, {
		check: 'check.sh',
		mine: 'x',
		'sealos.io.type': 'rootfs',
		'sealos.io.version': 'v1beta1',
		version: 'v1.30.0',
	});
});

test('two rootfs images are refused, whatever is chosen for conflicts', async t => {
	const store = await makeStore(t);
	for (const name of ['a', 'b'])
		await makeImage(store, {name, trees: [{[name]: '1'}], config: {Labels: {'sealimage.io/type': 'rootfs'}}});
	const error = await t.throwsAsync(mergeImages(store, ['a', 'b'], {onConflict: 'last'}), {code: 'ERR_MERGE_CONFLICT'});
	t.regex(error.message, /a and b are rootfs images/);
});

test('locks are merged, embedded registries are united', async t => {
	const store = await makeStore(t);
	const lock = (reference: string): string => {
		const document = {mediaType: 'm', digest: `sha256:${'1'.repeat(64)}` as const, size: 1};
		const value: EmbedLock = {
			schemaVersion: 1,
			images: [
				{
					reference: `docker.io/library/${reference}`,
					...document,
					platforms: {'linux/amd64': document},
					foundIn: [],
					source: 's',
				},
			],
		};
		return formatLock(value).toString();
	};
	const registry = 'registry/docker/registry/v2';
	await makeImage(store, {
		name: 'a',
		trees: [
			{
				'images/lock.json': lock('one:1'),
				[`${registry}/blobs/sha256/aa/aa/data`]: 'blob',
				[`${registry}/repositories/one/_manifests/tags/1/current/link`]: 'x',
			},
		],
	});
	await makeImage(store, {
		name: 'b',
		trees: [
			{
				'images/lock.json': lock('two:1'),
				[`${registry}/blobs/sha256/aa/aa/data`]: 'blob',
				[`${registry}/repositories/two/_manifests/tags/1/current/link`]: 'y',
			},
		],
	});
	const {descriptor} = await mergeImages(store, ['a', 'b']);
	const files = await filesOf(store, descriptor);
	t.deepEqual(
		parseLock(Buffer.from(files['images/lock.json']!), 'lock').images.map(image => image.reference),
		['docker.io/library/one:1', 'docker.io/library/two:1'],
	);
	t.deepEqual(Object.keys(files).filter(path => path.startsWith(registry)).length, 3);
});

test('the result has the platforms that all images have, and says what is left out', async t => {
	const store = await makeStore(t);
	const make = async (name: string, platforms: readonly string[]): Promise<void> => {
		const manifests: Descriptor[] = [];
		for (const platform of platforms) manifests.push(await makeImage(store, {platform, trees: [{[name]: platform}]}));
		await makeIndex(store, manifests, name);
	};
	await make('a', ['linux/amd64', 'linux/arm64', 'linux/riscv64']);
	await make('b', ['linux/arm64', 'linux/amd64']);
	await make('c', ['linux/s390x']);
	const events: SealEvent[] = [];
	const {descriptor, platforms} = await mergeImages(store, ['a', 'b'], {onEvent: event => events.push(event)});
	t.deepEqual(
		platforms.map(platform => platform.architecture),
		['amd64', 'arm64'],
	);
	t.deepEqual(await filesOf(store, descriptor, 'linux/arm64'), {a: 'linux/arm64', b: 'linux/arm64'});
	t.true(events.some(event => event.type === 'warning' && event.code === 'MergePlatforms'));
	await t.throwsAsync(mergeImages(store, ['a', 'c']), {code: 'ERR_PLATFORM'});
	const one = await mergeImages(store, ['a', 'b'], {platforms: [parsePlatform('linux/arm64')]});
	t.false((await collect(await store.fetch(one.descriptor), 10_000)).toString().includes('"manifests"'));
});

test('the same images give the same digest', async t => {
	const store = await makeStore(t);
	await makeImage(store, {name: 'a', trees: [entriesOf({'etc/x': 'one', 'etc/y': 'y'})]});
	await makeImage(store, {name: 'b', trees: [{'etc/x': 'two'}]});
	const first = await mergeImages(store, ['a', 'b'], {onConflict: 'first'});
	const again = await mergeImages(store, ['a', 'b'], {onConflict: 'first'});
	t.is(again.descriptor.digest, first.descriptor.digest);
});

test('an image that is not there, or nothing at all, cannot be merged', async t => {
	const store = await makeStore(t);
	await t.throwsAsync(mergeImages(store, ['nope']), {code: 'ERR_IMAGE_UNKNOWN'});
	await t.throwsAsync(mergeImages(store, []), {instanceOf: TypeError});
});
