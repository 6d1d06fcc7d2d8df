import {join} from 'node:path';
import test from 'ava';
import {openStore} from '../../../../lib/oci/store/store.js';
import {openStoreStorage} from '../../../../lib/registry/storage/layout/open.js';
import {put, putImage, putIndex, putMultiArch, textOf} from '../../../helpers/images.js';
import {tempDir} from '../../../helpers/temp-dir.js';

test('images of the store are repositories under the names that people write', async t => {
	const store = await openStore(tempDir(t));
	for (const name of ['redis:7', 'redis:8', 'registry.k8s.io/pause:3.9', 'host:5000/a/b', 'team/app:v1']) {
		await store.tag(name, await putImage(store, {layers: [name]}));
	}
	const storage = await openStoreStorage(store);
	t.deepEqual(await storage.repositories({}), ['host:5000/a/b', 'redis', 'registry.k8s.io/pause', 'team/app']);
	t.deepEqual(await storage.repositories({after: 'redis', limit: 1}), ['registry.k8s.io/pause']);
	t.deepEqual(await storage.tags('redis', {}), ['7', '8']);
	t.deepEqual(await storage.tags('library/redis', {}), ['7', '8']);
	t.deepEqual(await storage.tags('docker.io/redis', {}), ['7', '8']);
	t.deepEqual(await storage.tags('redis', {after: '7'}), ['8']);
	t.deepEqual(await storage.tags('redis', {limit: 0}), []);
	t.is(await storage.tags('other', {}), undefined);
	t.deepEqual(await storage.tags('host:5000/a/b', {}), ['latest']);
	t.is(await storage.tag('registry.k8s.io/pause', '3.9'), (await store.resolve('registry.k8s.io/pause:3.9')).digest);
	t.is(await storage.tag('pause', '3.9'), undefined);
});

test('manifests and blobs are read by every repository that reaches them, and by no other', async t => {
	const store = await openStore(tempDir(t));
	const index = await putMultiArch(store);
	const other = await putImage(store, {layers: ['other']});
	const loose = await put(store, 'x/y', Buffer.from('loose'));
	await store.tag('a:1', index);
	await store.tag('b:1', other);
	const storage = await openStoreStorage(store);
	const found = await storage.manifest('a', index.digest);
	t.is(found?.mediaType, index.mediaType);
	t.is(found?.bytes.length, index.size);
	const children = JSON.parse(Buffer.from(found!.bytes).toString()) as {manifests: {digest: typeof index.digest}[]};
	const child = await storage.manifest('a', children.manifests[1]!.digest);
	const {config, layers} = JSON.parse(Buffer.from(child!.bytes).toString()) as {
		config: {digest: typeof index.digest};
		layers: {digest: typeof index.digest; size: number}[];
	};
	const blob = await storage.blob('a', layers[1]!.digest);
	t.is(blob?.sizeBytes, layers[1]!.size);
	t.is(await textOf(await blob!.read()), 'shared');
	t.is(await textOf(await blob!.read({start: 1, end: 3})), 'ha');
	t.not(await storage.blob('a', config.digest), undefined);
	t.is(await storage.blob('b', layers[1]!.digest), undefined);
	t.is(await storage.manifest('b', index.digest), undefined);
	t.is(await storage.manifest('a', other.digest), undefined);
	t.is(await storage.manifest('a', layers[1]!.digest), undefined, 'a layer is no manifest');
	t.is(await storage.blob('a', loose.digest), undefined);
});

test('names that another process gives and takes count at once', async t => {
	const root = join(tempDir(t), 'store');
	const storage = await openStoreStorage(await openStore(root));
	t.deepEqual(await storage.repositories({}), []);
	const builder = await openStore(root);
	for (let i = 0; i < 50; i++) {
		const image = await putImage(builder, {layers: [`build ${i}`]});
		await builder.tag('app:v1', image);
		t.is(await storage.tag('app', 'v1'), image.digest);
		t.not(await storage.manifest('app', image.digest), undefined);
		await builder.tag(`n${i % 10}`, image);
		t.is(await storage.tag(`n${i % 10}`, 'latest'), image.digest);
		if (i % 2 === 0) continue;
		await builder.untag('app:v1');
		t.is(await storage.tag('app', 'v1'), undefined);
		t.is(await storage.manifest('app', image.digest), undefined);
	}
});

test('a child that a sparse index lacks is read once it is there', async t => {
	const root = join(tempDir(t), 'store');
	const store = await openStore(root);
	const other = await openStore(join(tempDir(t), 'other'));
	const [amd64, arm64] = [
		await putImage(store, {layers: ['x']}),
		await putImage(other, {platform: {os: 'linux', architecture: 'arm64'}, layers: ['y']}),
	];
	await store.tag('app:v1', await putIndex(store, [amd64, arm64]));
	const storage = await openStoreStorage(store);
	t.not(await storage.manifest('app', amd64.digest), undefined);
	t.is(await storage.manifest('app', arm64.digest), undefined);
	await putImage(store, {platform: {os: 'linux', architecture: 'arm64'}, layers: ['y']});
	t.not(await storage.manifest('app', arm64.digest), undefined);
});
