import {execFileSync} from 'node:child_process';
import {
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealError} from '../../../../lib/core/errors.js';
import {digestOf} from '../../../../lib/oci/digest.js';
import {blobFile, layerLink, revisionLink, stockRoot, tagLink} from '../../../../lib/registry/storage/stock/paths.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../../../lib/registry/storage/storage.js';
import {manifestOf, pushBlob} from '../../../helpers/stock.js';
import {tempDir} from '../../../helpers/temp-dir.js';

interface Setting {
	readonly base: string;
	readonly storage: RegistryStorage;
	readonly layer: Awaited<ReturnType<typeof pushBlob>>;
	readonly manifest: ReturnType<typeof manifestOf>;
}

/** A registry with one image, opened anew so that nothing of it is remembered. */
async function setUp(t: ExecutionContext): Promise<Setting> {
	const root = tempDir(t);
	const first = await openStockStorage(root, {create: true, durability: 'none'});
	const layer = await pushBlob(first, 'app', 'layer');
	const manifest = manifestOf([layer]);
	await first.putManifest('app', manifest, ['1']);
	await first.close();
	const storage = await openStockStorage(root, {durability: 'none'});
	t.teardown(() => storage.close());
	return {base: join(root, stockRoot), storage, layer, manifest};
}

const contents: Readonly<Record<string, string>> = {
	'cut short': `sha256:${'a'.repeat(20)}`,
	empty: '',
	'with a newline': `sha256:${'a'.repeat(64)}\n`,
	garbage: '\0\xff../../etc/passwd',
	'of an unknown algorithm': `md5:${'a'.repeat(32)}`,
	'of a megabyte': 'a'.repeat(1_000_000),
};

for (const [what, content] of Object.entries(contents)) {
	test(`a link that is ${what} is an error that names the file, and the next push mends it`, async t => {
		const {base, storage, layer, manifest} = await setUp(t);
		const paths = [tagLink('app', '1'), revisionLink('app', manifest.digest), layerLink('app', layer.digest)];
		const reads = [
			() => storage.tag('app', '1'),
			() => storage.manifest('app', manifest.digest),
			() => storage.blob('app', layer.digest),
		];
		for (const [i, path] of paths.entries()) {
			writeFileSync(join(base, path), content);
			const error = await t.throwsAsync<SealError>(reads[i]!(), {code: 'ERR_STORE_DAMAGED'});
			t.is(error?.details.path, join(base, path));
			t.true(error?.message.includes(join(base, path)));
		}
		await pushBlob(storage, 'app', 'layer');
		t.deepEqual(await storage.putManifest('app', manifest, ['1']), []);
		t.is(await storage.tag('app', '1'), manifest.digest);
		t.not(await storage.manifest('app', manifest.digest), undefined);
		t.not(await storage.blob('app', layer.digest), undefined);
	});
}

test('a link that is being written in place by another server is waited for', async t => {
	const {base, storage, manifest} = await setUp(t);
	const path = join(base, tagLink('app', '1'));
	writeFileSync(path, '');
	const reading = storage.tag('app', '1');
	setTimeout(() => writeFileSync(path, manifest.digest), 30);
	t.is(await reading, manifest.digest);
});

test('a manifest with other content is never served, and pushing it again mends it', async t => {
	const {base, storage, manifest} = await setUp(t);
	const path = join(base, blobFile(manifest.digest));
	const good = readFileSync(path);
	for (const bad of [
		Buffer.from(good).fill(0x20, 5, 6),
		good.subarray(0, 10),
		Buffer.alloc(0),
		Buffer.alloc(5_000_000, 0x20),
	]) {
		writeFileSync(path, bad);
		const again = await openStockStorage(join(base, '../../..'), {durability: 'none'});
		const error = await t.throwsAsync<SealError>(again.manifest('app', manifest.digest), {code: 'ERR_STORE_DAMAGED'});
		t.is(error?.details.path, path);
		t.deepEqual(await again.putManifest('app', manifest, []), []);
		t.deepEqual(readFileSync(path), good);
		await again.close();
	}
	t.deepEqual((await storage.manifest('app', manifest.digest))?.bytes, good);
});

test('a blob of another size is replaced by the next upload', async t => {
	const {base, storage, layer} = await setUp(t);
	const path = join(base, blobFile(layer.digest));
	truncateSync(path, 2);
	t.is((await storage.blob('app', layer.digest))?.sizeBytes, 2);
	await pushBlob(storage, 'app', 'layer');
	t.is(readFileSync(path, 'utf8'), 'layer');
	t.is((await storage.blob('app', layer.digest))?.sizeBytes, 5);
});

test('links and data that are symbolic links, pipes or folders are not read', async t => {
	const {base, storage, layer, manifest} = await setUp(t);
	const outside = join(tempDir(t), 'secret');
	const reads: Readonly<Record<string, () => Promise<unknown>>> = {
		[tagLink('app', '1')]: () => storage.tag('app', '1'),
		[revisionLink('app', manifest.digest)]: () => storage.manifest('app', manifest.digest),
		[layerLink('app', layer.digest)]: () => storage.blob('app', layer.digest),
	};
	for (const [path, read] of Object.entries(reads)) {
		const file = join(base, path);
		const good = readFileSync(file, 'utf8');
		writeFileSync(outside, good);
		for (const plant of [
			() => symlinkSync(outside, file),
			() => execFileSync('mkfifo', [file]),
			() => mkdirSync(file),
		]) {
			rmSync(file, {recursive: true});
			plant();
			await t.throwsAsync(read(), {code: 'ERR_STORE_DAMAGED'}, path);
		}
		rmSync(file, {recursive: true});
		writeFileSync(file, good);
	}
	const data = join(base, blobFile(layer.digest));
	rmSync(data);
	symlinkSync(outside, data);
	await t.throwsAsync(storage.blob('app', layer.digest), {code: 'ERR_STORE_DAMAGED'});
});

test('nothing is read or written through a folder that is a symbolic link', async t => {
	const {base, storage, layer, manifest} = await setUp(t);
	const outside = tempDir(t);
	// A blob that would show a file named "data" of the machine.
	const other = digestOf('other');
	mkdirSync(join(base, dirname(layerLink('app', other))), {recursive: true});
	writeFileSync(join(base, layerLink('app', other)), other);
	mkdirSync(join(base, dirname(dirname(blobFile(other)))), {recursive: true});
	writeFileSync(join(outside, 'data'), 'secret');
	symlinkSync(outside, join(base, dirname(blobFile(other))));
	await t.throwsAsync(storage.blob('app', other), {code: 'ERR_UNSAFE_PATH'});
	rmSync(join(outside, 'data'));

	symlinkSync(outside, join(base, 'repositories/evil'));
	await t.throwsAsync(storage.putManifest('evil', {...manifest, blobs: []}, ['1']), {code: 'ERR_UNSAFE_PATH'});
	await t.throwsAsync(storage.mount('evil/deeper', layer.digest, 'app'), {code: 'ERR_UNSAFE_PATH'});
	t.false((await storage.repositories({})).includes('evil'));
	t.deepEqual(readdirSync(outside), []);

	renameSync(join(base, 'repositories/app/_manifests/tags'), join(outside, 'tags'));
	symlinkSync(join(outside, 'tags'), join(base, 'repositories/app/_manifests/tags'));
	await t.throwsAsync(storage.tag('app', '1'), {code: 'ERR_UNSAFE_PATH'});
	await t.throwsAsync(storage.deleteTag('app', '1'), {code: 'ERR_UNSAFE_PATH'});
	t.deepEqual(readdirSync(join(outside, 'tags')), ['1']);
});

test('tags without a current link, and names that are no tags, are not listed', async t => {
	const {base, storage} = await setUp(t);
	for (const path of ['half/index/sha256', '.hidden/current', 'a b/current', `${'x'.repeat(129)}/current`])
		mkdirSync(join(base, 'repositories/app/_manifests/tags', path), {recursive: true});
	t.deepEqual(await storage.tags('app', {}), ['1']);
	t.deepEqual(await storage.tags('app', {after: '1', limit: 5}), []);
});

test('a folder whose own parts are links to elsewhere is not opened, and nothing is touched there', async t => {
	for (const [link, make] of [
		['docker', 'docker/registry/v2'],
		['.sealimage', 'tmp/precious'],
		['.sealimage/tmp', 'precious'],
		['.sealimage/uploads', 'precious'],
		['registry', 'docker/registry/v2'],
	] as const) {
		const [root, outside] = [tempDir(t), tempDir(t)];
		if (link !== 'docker' && link !== 'registry') mkdirSync(join(root, stockRoot), {recursive: true});
		mkdirSync(dirname(join(root, link)), {recursive: true});
		mkdirSync(join(outside, make), {recursive: true});
		const old = new Date(Date.now() - 3_600_000);
		utimesSync(join(outside, make), old, old);
		symlinkSync(link === 'docker' ? join(outside, 'docker') : outside, join(root, link));
		await t.throwsAsync(openStockStorage(root), {code: 'ERR_UNSAFE_PATH'}, link);
		t.deepEqual(readdirSync(join(outside, make)), []);
	}
	const [real, alias] = [join(tempDir(t), 'real'), join(tempDir(t), 'alias')];
	await (await openStockStorage(real, {create: true})).close();
	symlinkSync(real, alias);
	const storage = await openStockStorage(alias);
	t.deepEqual(await storage.repositories({}), []);
	await storage.close();
});

test('a folder in which nothing can be written is read all the same', async t => {
	const {base, storage, layer, manifest} = await setUp(t);
	const root = join(base, '../../..');
	rmSync(join(root, '.sealimage'), {recursive: true});
	// Stands for a folder without permission to write, which would not stop root.
	writeFileSync(join(root, '.sealimage'), '');
	const reader = await openStockStorage(root);
	t.is(await reader.tag('app', '1'), manifest.digest);
	t.not(await reader.manifest('app', manifest.digest), undefined);
	t.is((await reader.blob('app', layer.digest))?.sizeBytes, layer.size);
	t.deepEqual(await reader.referrers('app', manifest.digest), []);
	await t.throwsAsync(reader.deleteTag('app', '1'), {code: 'ERR_IO'});
	t.is(await reader.tag('app', '1'), manifest.digest);
	await reader.close();
	rmSync(join(root, '.sealimage'));
	t.is(await storage.tag('app', '1'), manifest.digest);
});
