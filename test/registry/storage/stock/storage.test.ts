import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collect, oneChunk} from '../../../../lib/core/bytes.js';
import {type Digest, digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import type {NewManifest, RegistryStorage} from '../../../../lib/registry/storage/storage.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const hello = Buffer.from('hello');

test('what is written has exactly the files of the stock layout', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, {create: true, durability: 'none'});
	const config = await upload(storage, 'a/b', Buffer.from('{}'));
	const manifest = manifestOf([config]);
	t.deepEqual(await storage.putManifest('a/b', manifest, ['v1']), []);
	const repository = join(root, 'docker/registry/v2/repositories/a/b');
	const hex = manifest.digest.slice(7);
	const links = [
		`_manifests/revisions/sha256/${hex}/link`,
		`_manifests/tags/v1/index/sha256/${hex}/link`,
		'_manifests/tags/v1/current/link',
	];
	for (const link of links) t.is(readFileSync(join(repository, link), 'latin1'), manifest.digest, link);
	t.is(readFileSync(join(repository, `_layers/sha256/${config.digest.slice(7)}/link`), 'latin1'), config.digest);
	const data = join(root, `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
	t.deepEqual(readFileSync(data), Buffer.from(manifest.bytes));
	t.false(existsSync(join(repository, `_layers/sha256/${hex}`)));
	await storage.close();
});

test('what was pushed is read by tag and by digest, and listed', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	const layer = await upload(storage, 'x', hello);
	const manifest = manifestOf([layer]);
	await storage.putManifest('x', manifest, ['b', 'a']);
	t.is(await storage.tag('x', 'a'), manifest.digest);
	t.deepEqual((await storage.manifest('x', manifest.digest))?.bytes, manifest.bytes);
	t.is((await storage.manifest('x', manifest.digest))?.mediaType, mediaTypes.manifest);
	t.deepEqual(await storage.tags('x', {}), ['a', 'b']);
	t.deepEqual(await storage.tags('x', {after: 'a'}), ['b']);
	t.deepEqual(await storage.tags('x', {limit: 1}), ['a']);
	t.deepEqual(await storage.repositories({}), ['x']);
	const blob = await storage.blob('x', layer.digest);
	t.deepEqual(await collect(await blob!.read({start: 1, end: 3}), 10), Buffer.from('el'));
	t.is(blob?.sizeBytes, 5);
	await storage.close();
});

test('a manifest is refused with what is missing, and nothing of it is stored', async t => {
	const storage = await openStockStorage(tempDir(t), {create: true, durability: 'none'});
	const absent = {mediaType: 'text/plain', digest: digestOf('absent'), size: 6};
	const manifest = manifestOf([absent]);
	t.deepEqual(await storage.putManifest('x', manifest, ['a']), [absent]);
	t.is(await storage.manifest('x', manifest.digest), undefined);
	t.is(await storage.tags('x', {}), undefined);
	await storage.close();
});

test('a folder with other content is no registry', async t => {
	const root = tempDir(t);
	mkdirSync(join(root, 'other'));
	await t.throwsAsync(openStockStorage(root), {code: 'ERR_REGISTRY_DIR'});
	await t.throwsAsync(openStockStorage(root, {create: true}), {code: 'ERR_REGISTRY_DIR'});
	await t.throwsAsync(openStockStorage(join(root, 'none')), {code: 'ERR_REGISTRY_DIR'});
});

interface Blob {
	readonly mediaType: string;
	readonly digest: Digest;
	readonly size: number;
}

async function upload(storage: RegistryStorage, repository: string, bytes: Buffer): Promise<Blob> {
	const {id} = await storage.uploads.start(repository);
	await storage.uploads.append(repository, id, oneChunk(bytes));
	const digest = digestOf(bytes);
	await storage.uploads.finish(repository, id, digest);
	return {mediaType: 'text/plain', digest, size: bytes.length};
}

function manifestOf(layers: readonly Blob[]): NewManifest {
	const mediaType = mediaTypes.manifest;
	const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType, layers}));
	return {digest: digestOf(bytes), mediaType, bytes, blobs: layers, manifests: []};
}
