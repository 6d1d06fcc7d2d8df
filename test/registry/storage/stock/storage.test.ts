import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {collect} from '../../../../lib/core/bytes.js';
import {digestOf} from '../../../../lib/oci/digest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {stockRoot} from '../../../../lib/registry/storage/stock/paths.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import {indexOf, manifestOf, pushBlob} from '../../../helpers/stock.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const options = {create: true, durability: 'none'} as const;

test('what is written has exactly the files of the stock layout', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, options);
	const config = await pushBlob(storage, 'a/b', '{}');
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
	const storage = await openStockStorage(tempDir(t), options);
	const layer = await pushBlob(storage, 'x', 'hello');
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
	const storage = await openStockStorage(tempDir(t), options);
	const absent = {mediaType: 'text/plain', digest: digestOf('absent'), size: 6};
	const manifest = manifestOf([absent]);
	t.deepEqual(await storage.putManifest('x', manifest, ['a']), [absent]);
	t.is(await storage.manifest('x', manifest.digest), undefined);
	t.is(await storage.tags('x', {}), undefined);
	await storage.close();
});

test('a folder that another process is making, or had begun to make when it was killed, is taken', async t => {
	for (const begun of ['', 'docker', 'docker/registry', 'docker/registry/v2']) {
		const root = tempDir(t);
		mkdirSync(join(root, begun), {recursive: true});
		await (await openStockStorage(root, {create: true})).close();
	}
	const root = join(tempDir(t), 'new');
	const opened = await Promise.all(Array.from({length: 12}, () => openStockStorage(root, {create: true})));
	for (const storage of opened) await storage.close();
	const foreign = tempDir(t);
	mkdirSync(join(foreign, 'docker/registry/v3'), {recursive: true});
	await t.throwsAsync(openStockStorage(foreign, {create: true}), {code: 'ERR_REGISTRY_DIR'});
});

test('a folder with other content is no registry', async t => {
	const root = tempDir(t);
	mkdirSync(join(root, 'other'));
	await t.throwsAsync(openStockStorage(root), {code: 'ERR_REGISTRY_DIR'});
	await t.throwsAsync(openStockStorage(root, {create: true}), {code: 'ERR_REGISTRY_DIR'});
	await t.throwsAsync(openStockStorage(join(root, 'none')), {code: 'ERR_REGISTRY_DIR'});
});

test('a tag moves, and the index of the tag keeps all that it pointed at', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, options);
	const [one, two] = [await pushBlob(storage, 'x', '1'), await pushBlob(storage, 'x', '2')].map(blob =>
		manifestOf([blob]),
	);
	await storage.putManifest('x', one!, ['latest']);
	t.is(await storage.tag('x', 'latest'), one!.digest);
	await storage.putManifest('x', two!, ['latest']);
	t.is(await storage.tag('x', 'latest'), two!.digest);
	const index = join(root, stockRoot, 'repositories/x/_manifests/tags/latest/index/sha256');
	t.deepEqual(readdirSync(index).toSorted(), [one!, two!].map(({digest}) => digest.slice(7)).toSorted());
	await storage.close();
});

test('deleting a tag removes nothing else; deleting a manifest removes its tags', async t => {
	const storage = await openStockStorage(tempDir(t), options);
	const manifest = manifestOf([await pushBlob(storage, 'x', '1')]);
	await storage.putManifest('x', manifest, ['a', 'b', 'c']);
	t.true(await storage.deleteTag('x', 'a'));
	t.false(await storage.deleteTag('x', 'a'));
	t.not(await storage.manifest('x', manifest.digest), undefined);
	t.true(await storage.deleteManifest('x', manifest.digest));
	t.false(await storage.deleteManifest('x', manifest.digest));
	t.is(await storage.manifest('x', manifest.digest), undefined);
	t.is(await storage.tag('x', 'b'), undefined);
	t.deepEqual(await storage.tags('x', {}), []);
	t.deepEqual(await storage.repositories({}), ['x']);
	await storage.close();
});

test('a blob that is deleted in one repository stays in the other, and an open one stays readable', async t => {
	const storage = await openStockStorage(tempDir(t), options);
	const {digest} = await pushBlob(storage, 'x', 'shared');
	t.true(await storage.mount('y', digest, 'x'));
	const blob = await storage.blob('x', digest);
	const file = await open(blob!.path!);
	t.true(await storage.deleteBlob('x', digest));
	t.false(await storage.deleteBlob('x', digest));
	t.is(await storage.blob('x', digest), undefined);
	t.is((await storage.blob('y', digest))?.sizeBytes, 6);
	rmSync(blob!.path!);
	t.is((await file.readFile()).toString(), 'shared');
	await file.close();
	await storage.close();
});

test('a blob is mounted from where it is, named or not, and from nowhere else', async t => {
	const storage = await openStockStorage(tempDir(t), options);
	const {digest} = await pushBlob(storage, 'x', 'shared');
	t.false(await storage.mount('z', digest, 'y'));
	t.is(await storage.blob('z', digest), undefined);
	t.true(await storage.mount('y', digest, undefined));
	t.true(await storage.mount('z', digest, 'y'));
	t.is((await storage.blob('z', digest))?.sizeBytes, 6);
	t.false(await storage.mount('z', digestOf('none'), undefined));
	for (const name of ['x', 'y', 'z']) await storage.deleteBlob(name, digest);
	t.false(await storage.mount('w', digest, undefined));
	await storage.close();
});

test('the children of an index must be in the same repository', async t => {
	const storage = await openStockStorage(tempDir(t), options);
	const child = manifestOf([await pushBlob(storage, 'x', '1')]);
	await storage.putManifest('x', child, []);
	const index = indexOf([{mediaType: child.mediaType, digest: child.digest, size: child.bytes.length}]);
	t.deepEqual(await storage.putManifest('y', index, ['1']), index.manifests);
	t.deepEqual(await storage.putManifest('x', index, ['1']), []);
	t.is((await storage.manifest('x', index.digest))?.mediaType, mediaTypes.index);
	await storage.close();
});

test('a repository of indexes alone has the folder by which the stock server finds it', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, options);
	await storage.putManifest('only', indexOf([]), ['1']);
	t.deepEqual(readdirSync(join(root, stockRoot, 'repositories/only')).toSorted(), ['_layers', '_manifests']);
	await storage.close();
});

const typed = test.macro({
	exec: async (t, document: object, mediaType: string) => {
		const root = tempDir(t);
		const storage = await openStockStorage(root, options);
		const bytes = Buffer.from(JSON.stringify(document));
		const digest = digestOf(bytes);
		await storage.putManifest('x', {digest, bytes, mediaType: 'not kept', blobs: [], manifests: []}, []);
		const again = await openStockStorage(root);
		t.is((await again.manifest('x', digest))?.mediaType, mediaType);
		await storage.close();
		await again.close();
	},
	title: (_, document, mediaType) => `${JSON.stringify(document).slice(0, 80)} is read back as ${mediaType}`,
});

test(typed, {mediaType: mediaTypes.dockerManifest}, mediaTypes.dockerManifest);
test(typed, {mediaType: 'application/other+json'}, 'application/other+json');
test(typed, {schemaVersion: 2, manifests: []}, mediaTypes.index);
test(typed, {schemaVersion: 2, layers: []}, mediaTypes.manifest);
test(typed, {schemaVersion: 1}, 'application/vnd.docker.distribution.manifest.v1+prettyjws');

test('the same blob uploaded many times at once is stored once', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, options);
	const content = Buffer.alloc(3_000_000, 'same');
	const blobs = await Promise.all(Array.from({length: 8}, (_, i) => pushBlob(storage, `r${i % 3}`, content)));
	t.is(new Set(blobs.map(({digest}) => digest)).size, 1);
	for (const name of ['r0', 'r1', 'r2']) t.is((await storage.blob(name, blobs[0]!.digest))?.sizeBytes, content.length);
	const folder = join(root, stockRoot, 'blobs/sha256');
	t.is(readdirSync(folder).length, 1);
	t.deepEqual(readdirSync(join(root, '.sealimage/uploads')), []);
	await storage.close();
	t.deepEqual(readdirSync(join(root, '.sealimage/tmp')), []);
});

test('pushes and deletes of one tag at once end in one of both states, never between', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, options);
	const manifests = await Promise.all(
		Array.from({length: 10}, async (_, i) => manifestOf([await pushBlob(storage, 'x', `${i}`)])),
	);
	await Promise.all(
		manifests.flatMap(manifest => [
			storage.putManifest('x', manifest, ['tag', 'other']),
			storage.deleteTag('x', 'tag'),
			storage.tags('x', {}),
			storage.deleteManifest('x', manifest.digest),
		]),
	);
	for (const tag of (await storage.tags('x', {})) ?? []) {
		const digest = await storage.tag('x', tag);
		t.not(await storage.manifest('x', digest!), undefined);
	}
	t.deepEqual(await storage.putManifest('x', manifests[0]!, ['tag']), []);
	t.is(await storage.tag('x', 'tag'), manifests[0]!.digest);
	await storage.close();
});

test('all methods refuse names that lead out of their folder', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(join(root, 'registry'), options);
	const manifest = indexOf([]);
	for (const name of ['../../../../x', 'a/../b', '/etc', '_layers', 'a/_manifests', '']) {
		const refused = {code: 'ERR_REFERENCE_INVALID'};
		await t.throwsAsync(storage.tags(name, {}), refused);
		await t.throwsAsync(storage.tag(name, 'a'), refused);
		await t.throwsAsync(storage.manifest(name, manifest.digest), refused);
		await t.throwsAsync(storage.putManifest(name, manifest, []), refused);
		await t.throwsAsync(storage.deleteTag(name, 'a'), refused);
		await t.throwsAsync(storage.deleteManifest(name, manifest.digest), refused);
		await t.throwsAsync(storage.blob(name, manifest.digest), refused);
		await t.throwsAsync(storage.deleteBlob(name, manifest.digest), refused);
		await t.throwsAsync(storage.mount(name, manifest.digest, 'x'), refused);
		await t.throwsAsync(storage.mount('x', manifest.digest, name), refused);
		await t.throwsAsync(storage.referrers(name, manifest.digest), refused);
		await t.throwsAsync(storage.uploads.start(name), refused);
	}
	await t.throwsAsync(storage.tag('x', '../../x'), {code: 'ERR_REFERENCE_INVALID'});
	await t.throwsAsync(storage.putManifest('x', manifest, ['a/b']), {code: 'ERR_REFERENCE_INVALID'});
	await t.throwsAsync(storage.manifest('x', 'sha256:../../../etc/passwd' as typeof manifest.digest), {
		code: 'ERR_DIGEST_INVALID',
	});
	t.deepEqual(readdirSync(root), ['registry']);
	await storage.close();
});

test('the list of many tags is remembered, and right after every change of any process', async t => {
	const root = tempDir(t);
	const storage = await openStockStorage(root, options);
	const manifest = manifestOf([await pushBlob(storage, 'x', '1')]);
	const names = Array.from({length: 20}, (_, i) => `t${i + 10}`);
	await storage.putManifest('x', manifest, names);
	const other = await openStockStorage(root, options);
	for (let round = 0; round < 3; round++) {
		// Long enough for the time of the folder to count as settled.
		await new Promise(resolve => setTimeout(resolve, 80));
		t.deepEqual(await storage.tags('x', {}), names.toSorted());
		t.deepEqual(
			await storage.tags('x', {after: 't15', limit: 300}),
			names.toSorted().filter(name => name > 't15'),
		);
		t.true(await other.deleteTag('x', names.shift()!));
		t.deepEqual(await storage.tags('x', {}), names.toSorted());
		await other.putManifest('x', manifest, [`u${round}`]);
		names.push(`u${round}`);
		t.deepEqual(await storage.tags('x', {}), names.toSorted());
		const half = join(root, stockRoot, `repositories/x/_manifests/tags/v${round}`);
		mkdirSync(join(half, 'current'), {recursive: true});
		t.deepEqual(await storage.tags('x', {}), names.toSorted());
		await new Promise(resolve => setTimeout(resolve, 80));
		t.deepEqual(await storage.tags('x', {}), names.toSorted());
		writeFileSync(join(half, 'current/link'), manifest.digest);
		names.push(`v${round}`);
		t.deepEqual(await storage.tags('x', {}), names.toSorted());
	}
	await storage.close();
	await other.close();
});
