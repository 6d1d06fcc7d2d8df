import {existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {withLock} from '../../../lib/core/lock.js';
import {describe} from '../../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../../lib/oci/digest.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {collectGarbage} from '../../../lib/oci/store/gc.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {openStoreStorage} from '../../../lib/registry/storage/layout/open.js';
import {verifyRegistry} from '../../../lib/registry/upkeep/verify.js';
import {describeText} from '../../helpers/images.js';
import {openTestRegistry, type StorageKind, storageKinds} from '../../helpers/inventories.js';
import {descriptorOf, newIndex, newManifest, pushImage, uploadBlob} from '../../helpers/storage-content.js';
import {tempDir} from '../../helpers/temp-dir.js';

const both = (title: string, run: (t: ExecutionContext, kind: StorageKind) => Promise<void>): void => {
	for (const kind of storageKinds) test(`${kind}: ${title}`, t => run(t, kind));
};

both('what no manifest names goes when it is old, and what is young stays', async (t, kind) => {
	const {storage, inventory, age, file} = await openTestRegistry(t, kind);
	const image = await pushImage(storage, 'app', ['v1'], ['kept']);
	const lost = await uploadBlob(storage, 'app', 'lost');
	age();
	const young = await uploadBlob(storage, 'app', 'young');
	const would = await inventory.collect({dryRun: true});
	t.deepEqual(would.blobs, [lost.digest]);
	t.true(existsSync(file(lost.digest)));
	const {blobs, freedBytes, untagged} = await inventory.collect({});
	t.deepEqual([blobs, freedBytes, untagged], [[lost.digest], 4, []]);
	t.false(existsSync(file(lost.digest)));
	t.is(await storage.blob('app', lost.digest), undefined);
	t.not(await storage.blob('app', young.digest), undefined);
	for (const {digest} of image.blobs) t.not(await storage.blob('app', digest), undefined);
	age();
	t.deepEqual((await inventory.collect({})).blobs, [young.digest]);
	t.deepEqual((await inventory.collect({})).blobs, []);
});

both('children of a tagged index and referrers of what is kept stay, with --untagged too', async (t, kind) => {
	const {storage, inventory, age} = await openTestRegistry(t, kind);
	const children = [
		await pushImage(storage, 'app', [], ['amd64', 'shared']),
		await pushImage(storage, 'app', [], ['arm64', 'shared']),
	];
	const index = newIndex(children.map(descriptorOf));
	await storage.putManifest('app', index, ['v1']);
	const nested = newIndex([descriptorOf(index)]);
	await storage.putManifest('app', nested, ['nested']);
	const signature = await pushImage(storage, 'app', [], ['sig'], {subject: descriptorOf(index)});
	const ofChild = await pushImage(storage, 'app', [], ['sbom'], {subject: descriptorOf(children[0]!)});
	const ofSignature = await pushImage(storage, 'app', [], ['sig of sig'], {subject: descriptorOf(signature)});
	const loose = await pushImage(storage, 'app', [], ['loose']);
	const ofLoose = await pushImage(storage, 'app', [], ['sig of loose'], {subject: descriptorOf(loose)});
	age();
	t.deepEqual((await inventory.collect({})).blobs, [], 'without --untagged everything is kept');
	const {untagged} = await inventory.collect({untagged: true});
	t.deepEqual(untagged.map(({digest}) => digest).toSorted(), [loose.digest, ofLoose.digest].toSorted());
	for (const manifest of [...children, index, nested, signature, ofChild, ofSignature]) {
		t.not(await storage.manifest('app', manifest.digest), undefined);
		for (const {digest} of manifest.blobs) t.not(await storage.blob('app', digest), undefined);
	}
	t.is((await storage.referrers('app', index.digest)).length, 1);
});

both('manifests without a tag are given up only when they are old', async (t, kind) => {
	const {storage, inventory, age} = await openTestRegistry(t, kind);
	const first = await pushImage(storage, 'app', ['v1'], ['first']);
	const second = await pushImage(storage, 'app', ['v1'], ['second']);
	t.deepEqual((await inventory.collect({untagged: true})).untagged, []);
	t.not(await storage.manifest('app', first.digest), undefined);
	age();
	t.deepEqual((await inventory.collect({untagged: true, dryRun: true})).untagged, [
		{repository: 'app', digest: first.digest},
	]);
	await inventory.collect({untagged: true});
	await new Promise(resolve => setTimeout(resolve, 1100));
	t.is(await storage.manifest('app', first.digest), undefined);
	t.is(await storage.blob('app', first.blobs[1]!.digest), undefined);
	t.is(await storage.tag('app', 'v1'), second.digest);
	t.not(await storage.blob('app', second.blobs[1]!.digest), undefined);
});

both('a blob that one repository gave up stays readable in the other', async (t, kind) => {
	const {storage, inventory, age} = await openTestRegistry(t, kind);
	const image = await pushImage(storage, 'a', ['v1'], ['shared']);
	const layer = image.blobs[1]!;
	t.true(await storage.mount('b', layer.digest, 'a'));
	age();
	t.deepEqual((await inventory.collect({})).blobs, []);
	await new Promise(resolve => setTimeout(resolve, 1100));
	t.not(await storage.blob('a', layer.digest), undefined);
	t.is(await storage.blob('b', layer.digest), undefined, 'nothing in b names it');
});

both('a push that relies on old content keeps it from the collector', async (t, kind) => {
	const {storage, inventory, age} = await openTestRegistry(t, kind);
	const layer = await uploadBlob(storage, 'app', 'old layer');
	const config = await uploadBlob(storage, 'app', '{}');
	const child = newManifest({config, layers: [layer]});
	await storage.putManifest('app', child, []);
	age();
	// The collector has looked already: what it found to go is named again before it removes it.
	t.deepEqual(await storage.putManifest('app', newIndex([descriptorOf(child)]), ['v1']), []);
	t.deepEqual((await inventory.collect({untagged: true})).untagged, []);
	t.not(await storage.blob('app', layer.digest), undefined);
	t.not(await storage.manifest('app', child.digest), undefined);
});

both('uploads that nobody goes on with are dropped', async (t, kind) => {
	const {storage, inventory, age} = await openTestRegistry(t, kind);
	const {id} = await storage.uploads.start('app');
	await storage.uploads.append('app', id, oneChunk(Buffer.from('begun')));
	t.is((await inventory.collect({})).uploads, 0);
	age();
	t.is((await inventory.collect({uploadIdleMs: 60_000})).uploads, 1);
	t.is(await storage.uploads.status('app', id), undefined);
});

test('stock folder: what a push names between the look of a collector and its sweep is not swept', async t => {
	const {root, storage, inventory, age} = await openTestRegistry(t, 'stock folder');
	const layer = await uploadBlob(storage, 'app', 'forgotten layer');
	const config = await uploadBlob(storage, 'app', '{}');
	const mounted = await uploadBlob(storage, 'app', 'forgotten and mounted');
	const lost = await uploadBlob(storage, 'app', 'forgotten');
	age();
	let release = (): void => {};
	const held = new Promise<void>(resolve => {
		release = resolve;
	});
	const sweepStops = withLock(join(root, '.sealimage/collector'), () => held);
	const collecting = inventory.collect({});
	await new Promise(resolve => setTimeout(resolve, 300));
	const manifest = newManifest({config, layers: [layer]});
	const putting = storage.putManifest('app', manifest, ['v1']);
	const mounting = storage.mount('other', mounted.digest, 'app');
	const uploading = uploadBlob(storage, 'third', 'forgotten and mounted');
	await new Promise(resolve => setTimeout(resolve, 100));
	release();
	await sweepStops;
	t.deepEqual((await collecting).blobs, [lost.digest]);
	t.deepEqual(await putting, []);
	t.true(await mounting);
	await uploading;
	for (const {digest} of [layer, config]) t.not(await storage.blob('app', digest), undefined);
	for (const name of ['other', 'third']) t.not(await storage.blob(name, mounted.digest), undefined);
	t.deepEqual((await verifyRegistry(inventory)).findings, []);
});

both('content that is named as a manifest and is none does not stop the collector', async (t, kind) => {
	const {storage, inventory, age} = await openTestRegistry(t, kind);
	const config = await uploadBlob(storage, 'app', '{}');
	const large = Buffer.alloc(5 * 1024 * 1024, 'x');
	const texts = ['no manifest', '[]', 'null', '{"schemaVersion":2,"manifests":[null,7,{"digest":"x"}],"layers":{}}'];
	const children = texts.map(text => describeText(text, mediaTypes.manifest));
	const child = newManifest({config, layers: [config]});
	await storage.putManifest('app', child, []);
	const index = newIndex([descriptorOf(child), ...children, describe(mediaTypes.index, large)]);
	t.deepEqual(await storage.putManifest('app', {...index, manifests: []}, ['v1']), []);
	for (const text of [...texts, large]) await uploadBlob(storage, 'app', text);
	const lost = await uploadBlob(storage, 'app', 'lost');
	age();
	const {blobs} = await inventory.collect({});
	t.true(blobs.includes(lost.digest));
	t.not(await storage.manifest('app', child.digest), undefined);
	t.not(await storage.blob('app', config.digest), undefined);
});

test('stock folder: a repository behind a symbolic link stops the collector', async t => {
	const {root, storage, inventory, age, file} = await openTestRegistry(t, 'stock folder');
	const {digest} = await pushImage(storage, 'team/app', ['v1']);
	age();
	const repository = join(root, 'docker/registry/v2/repositories/team/app');
	renameSync(repository, join(root, 'elsewhere'));
	symlinkSync('../../../../../elsewhere', repository);
	await t.throwsAsync(inventory.collect({}), {code: 'ERR_UNSAFE_PATH'});
	t.true(existsSync(file(digest)));
});

test('stock folder: content that docker-registry keeps under another digest stays', async t => {
	const {root, storage, inventory, age, file} = await openTestRegistry(t, 'stock folder');
	const layer = await uploadBlob(storage, 'app', 'layer');
	const config = await uploadBlob(storage, 'app', '{}');
	const long = {...layer, digest: digestOf('layer', 'sha512')};
	const repository = join(root, 'docker/registry/v2/repositories/app');
	const alias = (kind: string, digest: Digest, target: Digest): void => {
		mkdirSync(join(repository, kind, 'sha512', digest.slice(7)), {recursive: true});
		writeFileSync(join(repository, kind, 'sha512', digest.slice(7), 'link'), target);
	};
	alias('_layers', long.digest, layer.digest);
	const manifest = newManifest({config, layers: [long]});
	t.deepEqual(await storage.putManifest('app', manifest, []), []);
	const hex = digestOf(manifest.bytes, 'sha512');
	alias('_manifests/revisions', hex, manifest.digest);
	rmSync(join(repository, '_manifests/revisions/sha256'), {recursive: true});
	age();
	t.deepEqual((await inventory.collect({})).blobs, []);
	for (const {digest} of [layer, config, manifest]) t.true(existsSync(file(digest)));
});

test('stock folder: a damaged manifest that is kept stops the collector before it removes anything', async t => {
	const {storage, inventory, age, file} = await openTestRegistry(t, 'stock folder');
	const {digest} = await pushImage(storage, 'app', ['v1']);
	const lost = await uploadBlob(storage, 'app', 'lost');
	writeFileSync(file(digest), '{"schemaVersion":2,"layers":[]}');
	age();
	await t.throwsAsync(inventory.collect({}), {code: 'ERR_STORE_DAMAGED'});
	t.true(existsSync(file(lost.digest)));
});

test('store: a damaged manifest without a tag stops the collector before it removes anything', async t => {
	const {storage, inventory, age, file} = await openTestRegistry(t, 'store');
	const {digest, blobs} = await pushImage(storage, 'app', [], ['layer']);
	age();
	rmSync(file(digest));
	writeFileSync(file(digest), '{"schemaVersion":2,"layers":[]}');
	age();
	await t.throwsAsync(inventory.collect({}), {code: 'ERR_CONTENT_DIGEST'});
	t.true(existsSync(file(blobs[1]!.digest)));
});

test('store: removing the last name of what was pushed frees it at once, its children and signatures too', async t => {
	const {root, storage, age} = await openTestRegistry(t, 'store');
	const child = await pushImage(storage, 'app', [], ['layer']);
	await storage.putManifest('app', newIndex([descriptorOf(child)]), ['v1']);
	await pushImage(storage, 'app', [], ['sig'], {subject: descriptorOf(child)});
	const kept = await pushImage(storage, 'app', [], ['pushed by digest']);
	age();
	const store = await openStore(root);
	await store.untag('app:v1');
	await collectGarbage(store);
	t.is(await storage.manifest('app', child.digest), undefined);
	t.not(await storage.manifest('app', kept.digest), undefined);
	const left = await collectGarbage(store, {unnamed: true});
	t.is(left.untagged.length, 1);
	t.deepEqual((await store.list()).length, 0);
	t.deepEqual(await storage.repositories({}), []);
});

test('store: two servers and a collector see each other', async t => {
	const root = tempDir(t);
	const [a, b] = [await openStoreStorage(await openStore(root)), await openStoreStorage(await openStore(root))];
	const image = await pushImage(a, 'app', ['v1'], ['one']);
	t.is(await b.tag('app', 'v1'), image.digest);
	const second = await pushImage(b, 'app', ['v1'], ['two']);
	t.is(await a.tag('app', 'v1'), second.digest);
	t.not(await a.manifest('app', image.digest), undefined);
	const collector = await openStore(root);
	t.is((await collectGarbage(collector, {untagged: true, graceMs: 0})).untagged.length, 1);
	t.is(await a.manifest('app', image.digest), undefined);
	t.is(await b.manifest('app', image.digest), undefined);
	t.not(await b.manifest('app', second.digest), undefined);
});
