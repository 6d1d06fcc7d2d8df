import {fork} from 'node:child_process';
import {existsSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {collectGarbage} from '../../../lib/oci/store/gc.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {describeText, put, putImage, putIndex, putMultiArch} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

function blobs(store: Store): readonly string[] {
	return readdirSync(join(store.root, 'blobs', 'sha256'));
}

test('removes what no name reaches and keeps the rest', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('a', await putMultiArch(store));
	await store.tag('b', await putIndex(store, [await putIndex(store, [await putImage(store, {layers: ['nested']})])]));
	const garbage = await put(store, 'x/y', Buffer.alloc(1000));
	await store.tag('c', await putImage(store, {layers: ['gone']}));
	await store.untag('c');
	await store.close();
	const before = blobs(store).length;
	const {blobs: removed, freedBytes, protectedBlobs, images} = await collectGarbage(store);
	t.is(removed.length, 4);
	t.true(removed.includes(garbage.digest));
	t.true(freedBytes > 1000);
	t.is(protectedBlobs, 0);
	t.deepEqual(images, []);
	t.is(blobs(store).length, before - 4);
	for (const name of ['a', 'b']) t.deepEqual((await verifyImage(store, name)).findings, []);
	t.deepEqual((await collectGarbage(store)).blobs, []);
});

test('a dry run removes nothing and tells the same', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag(image.digest, image);
	await store.close();
	const would = await collectGarbage(store, {unnamed: true, dryRun: true});
	t.is(would.images.length, 1);
	t.is(would.blobs.length, 3);
	t.is(blobs(store).length, 3);
	t.is((await store.list()).length, 1);
	const did = await collectGarbage(store, {unnamed: true});
	t.deepEqual(did, would);
	t.deepEqual(await store.list(), []);
	t.deepEqual(blobs(store), []);
});

test('images without a name are kept unless they are asked for', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag(image.digest, image);
	await store.close();
	t.deepEqual((await collectGarbage(store)).blobs, []);
});

test('artifacts that refer to a kept image are kept, with what refers to them', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag('a', image);
	const config = await put(store, mediaTypes.empty, Buffer.from('{}'));
	const referrer = async (subject: {digest: string}, text: string) =>
		await put(
			store,
			mediaTypes.manifest,
			Buffer.from(
				JSON.stringify({
					schemaVersion: 2,
					mediaType: mediaTypes.manifest,
					artifactType: text,
					config,
					layers: [],
					subject,
				}),
			),
		);
	const signature = await referrer(image, 'signature');
	const ofSignature = await referrer(signature, 'signature of a signature');
	const stray = await referrer(describeText('gone'), 'stray');
	await store.close();
	const {blobs: removed} = await collectGarbage(store);
	t.deepEqual(removed, [stray.digest]);
	t.true(await store.exists(ofSignature));
});

test('keeps what a running writer has stored or met, until it ends', async t => {
	const root = tempDir(t);
	const early = await openStore(root);
	const old = await put(early, 'x/y', Buffer.from('stored by another build'));
	await early.close();
	const writer = await openStore(root);
	t.true(await writer.exists(old));
	const fresh = await put(writer, 'x/y', Buffer.from('fresh'));
	const collector = await openStore(root);
	const {blobs: removed, protectedBlobs} = await collectGarbage(collector);
	t.deepEqual(removed, []);
	t.is(protectedBlobs, 2);
	await writer.close();
	await collector.close();
	t.deepEqual([...(await collectGarbage(collector)).blobs].toSorted(), [old.digest, fresh.digest].toSorted());
});

test('a store that is used again after its end protects what it meets anew', async t => {
	const store = await openStore(tempDir(t));
	const blob = await put(store, 'x/y', Buffer.from('met twice'));
	await store.close();
	await new Promise(resolve => setTimeout(resolve, 30));
	t.true(await store.exists(blob));
	t.is((await collectGarbage(store)).protectedBlobs, 1);
	t.true(await store.exists(blob));
	await store.close();
});

test('does not keep what a killed writer has left', async t => {
	const root = join(tempDir(t), 'store');
	const child = fork(join(process.cwd(), '.build/test/fixtures/processes/store-writer.js'), [root, 'a']);
	await new Promise(resolve => child.once('message', resolve));
	await new Promise(resolve => setTimeout(resolve, 200));
	child.kill('SIGKILL');
	await new Promise(resolve => child.once('exit', resolve));
	const store = await openStore(root);
	for (const {names} of await store.list({facts: false})) for (const name of names) await store.untag(name);
	await store.close();
	const {protectedBlobs} = await collectGarbage(store);
	t.is(protectedBlobs, 0);
	t.deepEqual(blobs(store), []);
});

test('leaves files of other tools alone, and counts no bytes for files with a second name', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'a'));
	const other = await openStore(join(dir, 'b'));
	const descriptor = await put(store, 'x/y', Buffer.alloc(5000));
	t.true(await other.adopt(descriptor, store.blobPath(descriptor.digest)));
	writeFileSync(join(store.root, 'blobs', 'sha256', 'notes'), 'x');
	await store.close();
	const {freedBytes} = await collectGarbage(store);
	t.is(freedBytes, 0);
	t.true(existsSync(join(store.root, 'blobs', 'sha256', 'notes')));
	t.true(await other.exists(descriptor));
});

test('removes nothing when a named image cannot be read', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag('a', image);
	await put(store, 'x/y', Buffer.from('garbage'));
	await store.close();
	rmSync(store.blobPath(image.digest));
	await t.throwsAsync(collectGarbage(store), {code: 'ERR_CONTENT_MISSING'});
	t.is(blobs(store).length, 3);
	await store.untag('a');
	await store.close();
	await collectGarbage(store);
	t.deepEqual(blobs(store), []);
});
