import {existsSync, mkdirSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collect, oneChunk} from '../../../../lib/core/bytes.js';
import type {SealEvent} from '../../../../lib/core/events.js';
import type {ImageSource} from '../../../../lib/oci/content.js';
import {copy} from '../../../../lib/oci/copy.js';
import {digestOf} from '../../../../lib/oci/digest.js';
import {readManifest} from '../../../../lib/oci/image.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {openStore} from '../../../../lib/oci/store/store.js';
import {openRegistryDir} from '../../../../lib/registry/storage/stock/registry-dir.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import {putImage, putIndex, putMultiArch} from '../../../helpers/images.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const options = {create: true, durability: 'none'} as const;

test('an image that is copied into a folder is served from it, and copied back', async t => {
	const root = tempDir(t);
	const source = await openStore(tempDir(t), {durability: 'none'});
	const index = await putMultiArch(source);
	await source.tag('quay.io/org/app:1', index);
	const folder = await openRegistryDir(root, options);
	await copy(source, 'quay.io/org/app:1', folder);
	await folder.close();

	const storage = await openStockStorage(root);
	t.deepEqual(await storage.repositories({}), ['quay.io/org/app']);
	t.is(await storage.tag('quay.io/org/app', '1'), index.digest);
	const again = await openRegistryDir(root);
	const back = await openStore(tempDir(t), {durability: 'none'});
	t.is((await copy(again, 'quay.io/org/app:1', back)).digest, index.digest);
	for (const child of [index, ...(await childrenOf(back, index))])
		t.not(await storage.manifest('quay.io/org/app', child.digest), undefined);
	await again.close();
	await storage.close();
});

test('nothing is seen of an image before it has a name', async t => {
	const folder = await openRegistryDir(tempDir(t), options);
	const image = await putImage(folder);
	t.deepEqual(await folder.repositories(), []);
	t.true(await folder.exists(image));
	await t.throwsAsync(folder.tag(image.digest, image), {code: 'ERR_REFERENCE_INVALID'});
	await folder.tag('app:1', image);
	t.deepEqual(await folder.repositories(), ['app']);
	t.is((await folder.resolve('app:1')).digest, image.digest);
	t.is((await folder.resolve('docker.io/library/app:1')).digest, image.digest);
	t.is((await folder.resolve('')).digest, image.digest);
	t.is((await folder.resolve(image.digest)).mediaType, mediaTypes.manifest);
	await folder.close();
});

const named = test.macro({
	exec: async (t, written: string, repository: string) => {
		const folder = await openRegistryDir(tempDir(t), options);
		const image = await putImage(folder);
		await folder.tag(written, image);
		t.deepEqual(await folder.repositories(), [repository]);
		t.is((await folder.resolve(written)).digest, image.digest);
		await folder.close();
	},
	title: (_, written, repository) => `${written} is written to the repository ${repository}`,
});

test(named, 'pause:3.9', 'pause');
test(named, 'library/redis', 'library/redis');
test(named, 'docker.io/library/redis:7', 'docker.io/library/redis');
test(named, 'registry.k8s.io/pause:3.9', 'registry.k8s.io/pause');
test(named, 'localhost:5000/x:1', 'localhost_5000/x');
test(named, 'index.docker.io/library/redis:7', 'docker.io/library/redis');

test('a plain name is not taken for an image of another registry', async t => {
	const folder = await openRegistryDir(tempDir(t), options);
	const image = await putImage(folder);
	await folder.tag('coreos/etcd:1', image);
	t.is((await folder.resolve('quay.io/coreos/etcd:1')).digest, image.digest);
	await folder.tag('quay.io/coreos/etcd:1', image);
	await t.throwsAsync(folder.resolve('ghcr.io/coreos/etcd:1'), {code: 'ERR_IMAGE_UNKNOWN'});
	t.is((await folder.resolve('coreos/etcd:1')).digest, image.digest);
	await folder.close();
});

test('blobs are shared with the local store by hard links, in both directions', async t => {
	const [root, home] = [tempDir(t), tempDir(t)];
	const store = await openStore(home, {durability: 'none'});
	const folder = await openRegistryDir(root, options);
	await store.tag('app:1', await putImage(store, {layers: ['from the store']}));
	await copy(store, 'app:1', folder, {as: 'app:1'});
	const first = digestOf('from the store');
	t.is(statSync(folder.blobPath(first)).ino, statSync(store.blobPath(first)).ino);

	await folder.tag('other:1', await putImage(folder, {layers: ['from the folder']}));
	await copy(folder, 'other:1', store);
	const second = digestOf('from the folder');
	t.is(statSync(folder.blobPath(second)).ino, statSync(store.blobPath(second)).ino);
	await folder.close();
	await store.close();
});

test('a damaged file is not taken over, and leaves nothing behind', async t => {
	const [root, home] = [tempDir(t), tempDir(t)];
	const folder = await openRegistryDir(root, options);
	const other = await openRegistryDir(home, options);
	const image = await putImage(other, {layers: ['whole']});
	const {layers} = (await readManifest(other, image)) as {layers: readonly (typeof image)[]};
	const wrong = {...layers[0]!, digest: digestOf('whale')};
	const path = other.blobPath(layers[0]!.digest);
	await t.throwsAsync(folder.adopt(wrong, path), {code: 'ERR_CONTENT_DIGEST'});
	t.false(existsSync(folder.blobPath(wrong.digest)));
	t.is(readFileSync(path, 'utf8'), 'whole');
	await folder.close();
	await other.close();
});

test('an index whose children did not all come along keeps its bytes', async t => {
	const source = await openStore(tempDir(t), {durability: 'none'});
	const index = await putMultiArch(source);
	await source.tag('app:1', index);
	const folder = await openRegistryDir(tempDir(t), options);
	await copy(source, 'app:1', folder, {platform: {os: 'linux', architecture: 'arm64'}, keepIndex: true});
	t.is((await folder.resolve('app:1')).digest, index.digest);
	const {manifests} = (await readManifest(folder, index)) as {manifests: readonly (typeof index)[]};
	t.deepEqual(await Promise.all(manifests.map(child => folder.exists(child))), [false, true]);
	await folder.close();
});

test('a name is refused while content of its image is missing', async t => {
	const folder = await openRegistryDir(tempDir(t), options);
	const absent = {mediaType: mediaTypes.layer, digest: digestOf('absent'), size: 6};
	const bytes = Buffer.from(
		JSON.stringify({schemaVersion: 2, mediaType: mediaTypes.manifest, config: absent, layers: []}),
	);
	const manifest = {mediaType: mediaTypes.manifest, digest: digestOf(bytes), size: bytes.length};
	await folder.push(manifest, oneChunk(bytes));
	await t.throwsAsync(folder.tag('app:1', manifest), {code: 'ERR_CONTENT_MISSING'});
	t.deepEqual(await folder.repositories(), []);
	await folder.close();
});

test('a repository of a folder lists its tags and referrers, and forgets images', async t => {
	const folder = await openRegistryDir(tempDir(t), options);
	const image = await putImage(folder);
	await folder.tag('app:2', image);
	await folder.tag('app:1', image);
	const repository = await folder.repository('app');
	t.deepEqual(await repository.tags(), ['1', '2']);
	t.is((await repository.resolve('1')).digest, image.digest);
	await repository.delete('1');
	t.deepEqual(await repository.tags(), ['2']);
	await t.throwsAsync(repository.delete('1'), {code: 'ERR_IMAGE_UNKNOWN'});
	await repository.delete(image.digest);
	t.deepEqual(await repository.tags(), []);
	await t.throwsAsync(repository.resolve(image.digest), {code: 'ERR_IMAGE_UNKNOWN'});
	await t.throwsAsync(folder.repository('none'), {code: 'ERR_IMAGE_UNKNOWN'});
	await folder.close();
});

test('the folder of a cluster image is found below its registry folder', async t => {
	const tree = tempDir(t);
	mkdirSync(join(tree, 'registry'));
	mkdirSync(join(tree, 'bin'));
	const inner = await openRegistryDir(join(tree, 'registry'), options);
	await inner.tag('app:1', await putImage(inner));
	await inner.close();
	const outer = await openRegistryDir(tree);
	t.deepEqual(
		(await outer.images()).map(image => image.names),
		[['app:1']],
	);
	await outer.close();
});

test('bytes are verified when they come in and when they go out', async t => {
	const folder = await openRegistryDir(tempDir(t), options);
	const source = await openStore(tempDir(t), {durability: 'none'});
	const index = await putIndex(source, [await putImage(source)]);
	const lie = {...index, digest: digestOf('other')};
	await t.throwsAsync(folder.push(lie, await source.fetch(index)), {code: 'ERR_CONTENT_DIGEST'});
	t.false(await folder.exists(lie));
	await folder.push(index, await source.fetch(index));
	t.is((await collect(await folder.fetch(index), 10_000)).length, index.size);
	await t.throwsAsync(folder.fetch({...index, size: 1}), {code: 'ERR_CONTENT_SIZE'});
	await t.throwsAsync(folder.fetch(lie), {code: 'ERR_CONTENT_MISSING'});
	await folder.close();
});

async function childrenOf(store: ImageSource, index: Parameters<typeof readManifest>[1]) {
	return ((await readManifest(store, index)) as {manifests: readonly (typeof index)[]}).manifests;
}

test('a digest of something that is no manifest is no image', async t => {
	const folder = await openRegistryDir(tempDir(t), options);
	const image = await putImage(folder, {layers: ['{}']});
	const {config, layers} = (await readManifest(folder, image)) as {
		config: typeof image;
		layers: readonly (typeof image)[];
	};
	for (const {digest} of [config, ...layers]) await t.throwsAsync(folder.resolve(digest), {code: 'ERR_IMAGE_UNKNOWN'});
	t.is((await folder.resolve(image.digest)).size, image.size);
	await folder.close();
});

test('a document that does not name its media type is stored with a warning', async t => {
	const events: SealEvent[] = [];
	const root = tempDir(t);
	const folder = await openRegistryDir(root, {...options, onEvent: event => events.push(event)});
	const image = await putImage(folder, {docker: true});
	const {mediaType: _, ...document} = await readManifest(folder, image);
	const bytes = Buffer.from(JSON.stringify(document));
	const bare = {mediaType: mediaTypes.dockerManifest, digest: digestOf(bytes), size: bytes.length};
	await folder.push(bare, oneChunk(bytes));
	await folder.tag('named:1', image);
	t.deepEqual(events, []);
	await folder.tag('bare:1', bare);
	t.like(events[0], {type: 'warning', code: 'RegistryMediaType'});
	t.is(events.length, 1);
	await folder.close();
	t.deepEqual(readdirSync(root), ['docker']);
});
