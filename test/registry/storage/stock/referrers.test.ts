import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Descriptor} from '../../../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {blobFile, revisionLink, stockRoot} from '../../../../lib/registry/storage/stock/paths.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import type {NewManifest, RegistryStorage} from '../../../../lib/registry/storage/storage.js';
import {indexOf, manifestOf, pushBlob} from '../../../helpers/stock.js';
import {tempDir} from '../../../helpers/temp-dir.js';

interface Setting {
	readonly root: string;
	readonly storage: RegistryStorage;
	readonly layer: Descriptor;
	readonly image: NewManifest;
	readonly subject: Descriptor;
}

async function setUp(t: ExecutionContext): Promise<Setting> {
	const root = tempDir(t);
	const storage = await openStockStorage(root, {create: true, durability: 'none'});
	const layer = await pushBlob(storage, 'app', 'layer');
	const image = manifestOf([layer]);
	await storage.putManifest('app', image, ['1']);
	const subject = {mediaType: image.mediaType, digest: image.digest, size: image.bytes.length};
	return {root, storage, layer, image, subject};
}

/** Writes a manifest as the stock server does. */
function writeAsStock(root: string, repository: string, {digest, bytes}: NewManifest): void {
	for (const [path, content] of [
		[blobFile(digest), bytes],
		[revisionLink(repository, digest), digest],
	] as const) {
		const file = join(root, stockRoot, path);
		mkdirSync(dirname(file), {recursive: true});
		writeFileSync(file, content);
	}
}

test('a manifest with a subject is listed with its type and annotations', async t => {
	const {storage, layer, image, subject} = await setUp(t);
	const signature = manifestOf([layer], {by: 'me'}, {subject, artifactType: 'application/signature'});
	const plain = manifestOf([layer], {}, {subject});
	await storage.putManifest('app', signature, []);
	await storage.putManifest('app', plain, []);
	const found = await storage.referrers('app', image.digest);
	const expected = [
		{...descriptorOf(signature), artifactType: 'application/signature', annotations: {by: 'me'}},
		{...descriptorOf(plain), artifactType: mediaTypes.config, annotations: {}},
	];
	t.deepEqual(
		found,
		expected.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
	);
	t.deepEqual(await storage.referrers('other', image.digest), []);
	t.deepEqual(await storage.referrers('app', digestOf('no such')), []);
	await storage.close();
});

test('a referrer is gone when it is deleted, and back when it is pushed again', async t => {
	const {storage, layer, image, subject} = await setUp(t);
	const signature = manifestOf([layer], {}, {subject, artifactType: 'a/b'});
	await storage.putManifest('app', signature, []);
	t.is((await storage.referrers('app', image.digest)).length, 1);
	t.true(await storage.deleteManifest('app', signature.digest));
	t.deepEqual(await storage.referrers('app', image.digest), []);
	await storage.putManifest('app', signature, []);
	t.is((await storage.referrers('app', image.digest)).length, 1);
	await storage.close();
});

test('what another server wrote is found, at once and after it was deleted and came back', async t => {
	const {root, storage, layer, image, subject} = await setUp(t);
	t.deepEqual(await storage.referrers('app', image.digest), []);
	const theirs = manifestOf([layer], {}, {subject, artifactType: 'a/b'});
	writeAsStock(root, 'app', theirs);
	t.is((await storage.referrers('app', image.digest)).length, 1);
	const link = join(root, stockRoot, revisionLink('app', theirs.digest));
	rmSync(link);
	await new Promise(resolve => setTimeout(resolve, 1100));
	t.deepEqual(await storage.referrers('app', image.digest), []);
	// The stock server leaves the folder of the link: its parent does not change when it comes back.
	writeFileSync(link, theirs.digest);
	t.is((await storage.referrers('app', image.digest)).length, 1);
	await storage.close();
});

test('a revision whose manifest comes later is looked at again', async t => {
	const {root, storage, layer, image, subject} = await setUp(t);
	const theirs = manifestOf([layer], {}, {subject, artifactType: 'a/b'});
	mkdirSync(dirname(join(root, stockRoot, revisionLink('app', theirs.digest))), {recursive: true});
	await new Promise(resolve => setTimeout(resolve, 100));
	t.deepEqual(await storage.referrers('app', image.digest), []);
	t.deepEqual(await storage.referrers('app', image.digest), []);
	writeAsStock(root, 'app', theirs);
	t.is((await storage.referrers('app', image.digest)).length, 1);
	await storage.close();
});

test('what was found out is kept beside the registry, and found out again when that is lost or damaged', async t => {
	const {root, storage, layer, image, subject} = await setUp(t);
	const signature = manifestOf([layer], {}, {subject, artifactType: 'a/b'});
	await storage.putManifest('app', signature, []);
	const expected = await storage.referrers('app', image.digest);
	await storage.close();
	const kept = join(root, '.sealimage/referrers/app/_referrers.json');
	t.true(existsSync(kept));
	t.deepEqual(readdirSync(root).toSorted(), ['.sealimage', 'docker']);
	const state = JSON.parse(readFileSync(kept, 'utf8')) as {plain: Digest[]};
	for (const damage of [
		() => undefined,
		() => rmSync(kept),
		() => writeFileSync(kept, '{"version":1,'),
		() => writeFileSync(kept, JSON.stringify({...state, state: 'other'})),
		() => writeFileSync(kept, JSON.stringify({version: 1, plain: [], state: '', referrers: [{subject: 'x'}]})),
		() => rmSync(join(root, '.sealimage'), {recursive: true}),
	]) {
		damage();
		const again = await openStockStorage(root);
		t.deepEqual(await again.referrers('app', image.digest), expected);
		await again.close();
	}
});

test('referrers of clients that keep an index under a tag are listed too, when they are there', async t => {
	const {storage, layer, image} = await setUp(t);
	const listed = manifestOf([layer], {old: 'way'});
	const absent = {...descriptorOf(manifestOf([layer], {not: 'there'})), artifactType: 'a/absent'};
	await storage.putManifest('app', listed, []);
	const index = indexOf([{...descriptorOf(listed), artifactType: 'a/old'}, absent]);
	await storage.putManifest('app', {...index, manifests: []}, [image.digest.replace(':', '-')]);
	t.deepEqual(await storage.referrers('app', image.digest), [{...descriptorOf(listed), artifactType: 'a/old'}]);
	const long = digestOf('subject', 'sha512');
	await storage.putManifest('app', {...index, manifests: []}, [`sha512-${long.slice(7, 71)}`]);
	t.is((await storage.referrers('app', long)).length, 1);
	await storage.close();
});

function descriptorOf({mediaType, digest, bytes}: NewManifest): Descriptor {
	return {mediaType, digest, size: bytes.length};
}
