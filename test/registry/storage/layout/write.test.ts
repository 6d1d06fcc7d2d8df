import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {openStore, type Store} from '../../../../lib/oci/store/store.js';
import {verifyImage} from '../../../../lib/oci/validate.js';
import {openStoreStorage} from '../../../../lib/registry/storage/layout/open.js';
import type {RegistryStorage} from '../../../../lib/registry/storage/storage.js';
import {describeText, putImage} from '../../../helpers/images.js';
import {descriptorOf, newIndex, newManifest, pushImage, uploadBlob} from '../../../helpers/storage-content.js';
import {tempDir} from '../../../helpers/temp-dir.js';

async function open(t: ExecutionContext): Promise<{store: Store; storage: RegistryStorage}> {
	const store = await openStore(join(tempDir(t), 'store'));
	const storage = await openStoreStorage(store);
	t.teardown(() => storage.close());
	return {store, storage};
}

test('what is pushed is an image of the store under the name that people write', async t => {
	const {store, storage} = await open(t);
	const {digest} = await pushImage(storage, 'app', ['v1', 'v2'], ['one', 'two']);
	const [image] = await store.list();
	t.deepEqual(image?.names, ['docker.io/library/app:v1', 'docker.io/library/app:v2']);
	t.is(image?.descriptor.digest, digest);
	t.deepEqual(image?.platforms, [{os: 'linux', architecture: 'amd64'}]);
	t.deepEqual((await verifyImage(store, 'app:v1')).findings, []);
	t.deepEqual(await storage.tags('app', {}), ['v1', 'v2']);
	t.deepEqual(readdirSync(join(store.root, '.sealimage/registry/uploads')), []);
	const links = readdirSync(join(store.root, '.sealimage/registry/repositories'), {
		recursive: true,
		withFileTypes: true,
	});
	t.false(
		links.some(entry => entry.isFile()),
		'names keep it, no links',
	);
	t.deepEqual(readdirSync(store.root).toSorted(), ['.sealimage', 'blobs', 'index.json', 'oci-layout']);
});

test('a manifest is refused with what is not in its repository, though the store has it', async t => {
	const {storage} = await open(t);
	const mine = await pushImage(storage, 'private', ['v1'], ['secret']);
	const [config, layer] = mine.blobs;
	const theft = newManifest({config: config!, layers: [layer!]});
	t.deepEqual(await storage.putManifest('public', theft, ['v1']), [config, layer]);
	t.deepEqual(await storage.putManifest('public', newIndex([descriptorOf(mine)]), ['v1']), [descriptorOf(mine)]);
	t.is(await storage.tags('public', {}), undefined);
	t.is(await storage.blob('public', layer!.digest), undefined);
	const absent = describeText('nowhere');
	t.deepEqual(await storage.putManifest('private', newManifest({config: config!, layers: [absent]}), []), [absent]);
});

test('a layer of another repository does not become readable through a manifest that the server let pass', async t => {
	const {storage} = await open(t);
	const secret = await uploadBlob(storage, 'private', 'secret');
	const config = await uploadBlob(storage, 'public', '{}');
	const foreign = {...secret, urls: ['https://example.test/layer']};
	const manifest = {...newManifest({config, layers: [foreign]}), blobs: [config]};
	t.deepEqual(await storage.putManifest('public', manifest, ['v1']), []);
	t.deepEqual(await storage.putManifest('public', {...manifest}, []), []);
	t.is(await storage.blob('public', secret.digest), undefined);
	t.not(await storage.blob('public', config.digest), undefined);
	const attached = newManifest({config, subject: secret});
	t.deepEqual(await storage.putManifest('public', attached, ['attached']), []);
	t.is(await storage.blob('public', secret.digest), undefined, 'a subject gives no right');
	t.is((await storage.referrers('public', secret.digest)).length, 1);
	t.deepEqual(await storage.referrers('private', secret.digest), []);
	t.true(await storage.mount('public', secret.digest, 'private'));
	t.not(await storage.blob('public', secret.digest), undefined, 'it is pushed here by now');
});

test('what is named as a manifest and is none is refused: no collector could follow it', async t => {
	const {storage} = await open(t);
	const blob = await uploadBlob(storage, 'app', 'no manifest', mediaTypes.manifest);
	const config = await uploadBlob(storage, 'app', '{}');
	await t.throwsAsync(storage.putManifest('app', newManifest({config, layers: [blob]}), ['v1']), {
		code: 'ERR_MANIFEST_INVALID',
	});
	const bytes = Buffer.from('{"schemaVersion":2}');
	const broken = {digest: digestOf(bytes), mediaType: mediaTypes.manifest, bytes, blobs: [], manifests: []};
	await t.throwsAsync(storage.putManifest('app', broken, ['v1']), {code: 'ERR_MANIFEST_INVALID'});
	const wrong = {...newManifest({config}), digest: digestOf('x')};
	await t.throwsAsync(storage.putManifest('app', wrong, ['v1']), {code: 'ERR_CONTENT_DIGEST'});
	t.is(await storage.tags('app', {}), undefined);
});

test('a manifest pushed by digest is kept until an index with a tag takes it in, and after', async t => {
	const {store, storage} = await open(t);
	const children = [await pushImage(storage, 'app', [], ['a']), await pushImage(storage, 'app', [], ['b'])];
	t.deepEqual(await storage.tags('app', {}), []);
	t.deepEqual(await storage.repositories({}), ['app']);
	const index = newIndex(children.map(descriptorOf));
	t.deepEqual(await storage.putManifest('app', index, ['v1']), []);
	for (const {digest, mediaType} of [...children, index]) {
		t.is((await storage.manifest('app', digest))?.mediaType, mediaType);
	}
	t.true(await storage.deleteManifest('app', index.digest));
	t.is(await storage.manifest('app', index.digest), undefined);
	t.deepEqual(await storage.tags('app', {}), []);
	for (const {digest, blobs} of children) {
		t.not(await storage.manifest('app', digest), undefined, 'it was pushed by itself');
		t.not(await storage.blob('app', blobs[1]!.digest), undefined);
	}
	t.deepEqual(await store.list(), []);
});

test('a tag that moves or goes leaves its manifest in the repository', async t => {
	const {storage} = await open(t);
	const first = await pushImage(storage, 'app', ['latest', 'v1'], ['a']);
	const second = await pushImage(storage, 'app', ['latest'], ['b']);
	t.is(await storage.tag('app', 'latest'), second.digest);
	t.is(await storage.tag('app', 'v1'), first.digest);
	const third = await pushImage(storage, 'app', ['latest', 'v1'], ['c']);
	for (const {digest} of [first, second, third]) t.not(await storage.manifest('app', digest), undefined);
	t.true(await storage.deleteTag('app', 'v1'));
	t.false(await storage.deleteTag('app', 'v1'));
	t.true(await storage.deleteTag('app', 'latest'));
	t.deepEqual(await storage.tags('app', {}), []);
	const layer = third.blobs[1]!;
	t.not(await storage.manifest('app', third.digest), undefined);
	t.not(await storage.blob('app', layer.digest), undefined);
	t.true(await storage.deleteManifest('app', third.digest));
	t.false(await storage.deleteManifest('app', third.digest));
	t.is(await storage.manifest('app', third.digest), undefined);
});

test('a deleted blob is gone though manifests name it, until it is pushed or built again', async t => {
	const {store, storage} = await open(t);
	const image = await pushImage(storage, 'app', ['v1'], ['layer']);
	await pushImage(storage, 'app', [], ['layer', 'more']);
	const layer = image.blobs[1]!;
	t.true(await storage.deleteBlob('app', layer.digest));
	t.is(await storage.blob('app', layer.digest), undefined);
	t.false(await storage.deleteBlob('app', layer.digest));
	t.deepEqual(await storage.putManifest('app', image, ['v2']), [layer]);
	await uploadBlob(storage, 'app', 'layer');
	t.not(await storage.blob('app', layer.digest), undefined);
	t.true(await storage.deleteBlob('app', layer.digest));
	await store.tag('copy:v1', await store.resolve('app:v1'));
	t.not(await storage.blob('copy', layer.digest), undefined, 'another name has lost nothing');
	await store.tag('app:v1', descriptorOf(image));
	t.not(await storage.blob('app', layer.digest), undefined, 'a local name shows all it reaches');
	t.false(JSON.stringify(await store.resolve('app:v1')).includes('hidden'));
});

test('a child that is deleted is gone though its index stays', async t => {
	const {storage} = await open(t);
	const child = await pushImage(storage, 'app', [], ['a']);
	const other = await pushImage(storage, 'app', [], ['b']);
	const index = newIndex([child, other].map(descriptorOf));
	await storage.putManifest('app', index, ['v1']);
	t.true(await storage.deleteManifest('app', child.digest));
	t.is(await storage.manifest('app', child.digest), undefined);
	t.not(await storage.manifest('app', other.digest), undefined);
	t.is(await storage.tag('app', 'v1'), index.digest);
	t.deepEqual(await storage.putManifest('app', child, []), []);
	t.not(await storage.manifest('app', child.digest), undefined);
});

test('a mount needs a repository that may read the blob', async t => {
	const {store, storage} = await open(t);
	const {blobs} = await pushImage(storage, 'a', ['v1'], ['mounted']);
	const {digest} = blobs[1]!;
	t.false(await storage.mount('b', digest, 'c'));
	t.true(await storage.mount('b', digest, 'a'));
	t.not(await storage.blob('b', digest), undefined);
	t.true(await storage.mount('d/e', digest, undefined));
	t.not(await storage.blob('d/e', digest), undefined);
	t.false(await storage.mount('b', digestOf('nowhere'), undefined));
	const loose = await putImage(store, {layers: ['loose']});
	t.false(await storage.mount('b', loose.digest, undefined), 'no repository shows it');
});

test('referrers are listed from the moment they are pushed, before their subject too', async t => {
	const {store, storage} = await open(t);
	const image = await pushImage(storage, 'app', ['v1']);
	const subject = descriptorOf(image);
	const later = describeText('not yet', mediaTypes.manifest);
	const artifact = await pushImage(storage, 'app', [], ['sig'], {subject, artifactType: 'test/signature'});
	const early = await pushImage(storage, 'app', ['sig'], ['early'], {subject: later});
	t.deepEqual(await storage.referrers('app', image.digest), [
		{...descriptorOf(artifact), artifactType: 'test/signature'},
	]);
	t.deepEqual(
		(await storage.referrers('app', later.digest)).map(({digest, artifactType}) => [digest, artifactType]),
		[[early.digest, mediaTypes.config]],
	);
	t.deepEqual(await storage.referrers('other', image.digest), []);
	const listed = await pushImage(storage, 'app', [], ['listed by an older client']);
	const byTag = newIndex([{...descriptorOf(listed), artifactType: 'test/old'}, describeText('gone')]);
	const partial = {...byTag, manifests: [descriptorOf(listed)]};
	await storage.putManifest('app', partial, [image.digest.replace(':', '-')]);
	t.deepEqual(
		(await storage.referrers('app', image.digest)).map(({digest, artifactType}) => [digest, artifactType]).toSorted(),
		[
			[artifact.digest, 'test/signature'],
			[listed.digest, 'test/old'],
		].toSorted(),
	);
	await storage.deleteTag('app', image.digest.replace(':', '-'));
	await storage.deleteManifest('app', artifact.digest);
	t.deepEqual(await storage.referrers('app', image.digest), []);
	await store.untag('app:sig');
	t.deepEqual(await storage.referrers('app', later.digest), []);
});

test('an upload goes on after a restart', async t => {
	const {store, storage} = await open(t);
	const {id} = await storage.uploads.start('app');
	await storage.uploads.append('app', id, [Buffer.from('first ')] as never);
	await storage.close();
	const next = await openStoreStorage(store);
	t.is((await next.uploads.status('app', id))?.sizeBytes, 6);
	await next.uploads.append('app', id, [Buffer.from('second')] as never, {offset: 6});
	const digest = digestOf('first second');
	t.is((await next.uploads.finish('app', id, digest)).sizeBytes, 12);
	t.is((await next.blob('app', digest))?.sizeBytes, 12);
	t.is(await next.blob('other', digest), undefined);
	await next.close();
});

test('a name that no store can hold is refused when it is written, and unknown when it is read', async t => {
	const {storage} = await open(t);
	const name = 'x'.repeat(250);
	await t.throwsAsync(storage.uploads.start(name), {code: 'ERR_REFERENCE_INVALID'});
	await t.throwsAsync(storage.putManifest(name, newIndex([]), ['v1']), {code: 'ERR_REFERENCE_INVALID'});
	t.is(await storage.tags(name, {}), undefined);
	t.is(await storage.blob(name, digestOf('')), undefined);
	const hex = 'a'.repeat(64);
	await pushImage(storage, hex, ['v1']);
	t.deepEqual(await storage.tags(hex, {}), ['v1']);
});

test('changes that are written together fail and succeed each by itself', async t => {
	const {store, storage} = await open(t);
	const config = await uploadBlob(storage, 'app', '{}');
	const absent = describeText('nowhere');
	const stop = new AbortController();
	stop.abort(new Error('stopped'));
	const [first, missing, aborted, invalid, last] = await Promise.allSettled([
		storage.putManifest('app', newManifest({config}), ['v1']),
		storage.putManifest('app', newManifest({config, layers: [absent]}), ['v2']),
		storage.putManifest('app', newManifest({config, artifactType: 'a'}), ['v3'], {signal: stop.signal}),
		storage.putManifest('app', newManifest({config, layers: [{...config, mediaType: mediaTypes.index}]}), ['v4']),
		storage.putManifest('app', newManifest({config, artifactType: 'b'}), ['v5', 'v1']),
	]);
	t.like(first, {status: 'fulfilled', value: []});
	t.like(missing, {status: 'fulfilled', value: [absent]});
	t.like(aborted, {status: 'rejected', reason: {message: 'stopped'}});
	t.like(invalid, {status: 'rejected', reason: {code: 'ERR_MANIFEST_INVALID'}});
	t.like(last, {status: 'fulfilled', value: []});
	t.deepEqual(await storage.tags('app', {}), ['v1', 'v5']);
	const {digest} = newManifest({config, artifactType: 'b'});
	t.is(await storage.tag('app', 'v1'), digest, 'the later one counts');
	t.is((await storage.manifest('app', newManifest({config}).digest)) === undefined, false, 'its tag moved');
	t.is((await store.list()).length, 1);
	await Promise.all(Array.from({length: 100}, (_, i) => storage.putManifest('app', newManifest({config}), [`n${i}`])));
	t.is((await storage.tags('app', {}))?.length, 102);
});

test('many pushes and pulls at once in one process are all kept', async t => {
	const {store, storage} = await open(t);
	await Promise.all(
		Array.from({length: 24}, async (_, i) => {
			const {digest} = await pushImage(storage, `r${i % 4}`, [`t${i}`], ['shared', `own ${i}`]);
			t.is(await storage.tag(`r${i % 4}`, `t${i}`), digest);
		}),
	);
	t.is((await store.list()).flatMap(({names}) => names).length, 24);
});
