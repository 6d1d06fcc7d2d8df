import {existsSync, lstatSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {digestOf} from '../../../lib/oci/digest.js';
import {opaque, whiteout} from '../../../lib/oci/layer/whiteout.js';
import {blobFile} from '../../../lib/registry/embed/layout.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {file, folder, link} from '../../helpers/entries.js';
import {embedded, install, requestOf, testLayer} from '../../helpers/host-content.js';
import {textOf} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('layers become one tree of links: whiteouts obeyed, folders updated, blobs gone', async t => {
	const root = tempDir(t);
	const content = openHostContent(root);
	const base = await testLayer([
		folder('bin', {mode: 0o755}),
		file('bin/tool', 'tool', {mode: 0o4755}),
		link('bin/zsame', 'bin/tool', 'hardlink'),
		file('bin/old', 'old'),
		folder('etc'),
		file('etc/a', 'a'),
		file('etc/b', 'b'),
	]);
	const top = await testLayer(
		[
			folder('bin', {mode: 0o700, mtime: 1000}),
			whiteout('bin/old'),
			folder('etc'),
			opaque('etc'),
			file('etc/c', ''),
			link('sbin', 'bin'),
		],
		{algorithm: 'gzip', level: 4},
	);
	const image = await install(content, 'docker.io/labring/kubernetes:v1.30', [base, top]);
	t.is(image.unpacked, 2);
	t.deepEqual({files: image.files, bytes: image.bytes}, {files: 3, bytes: 4});
	t.deepEqual(readdirSync(join(image.path, 'bin')), ['tool', 'zsame']);
	t.deepEqual(readdirSync(join(image.path, 'etc')), ['c']);
	t.is(readFileSync(join(image.path, 'bin/tool'), 'utf8'), 'tool');
	t.is(lstatSync(join(image.path, 'bin/tool')).mode & 0o7777, 0o4755);
	t.is(lstatSync(join(image.path, 'bin/tool')).ino, lstatSync(join(image.path, 'bin/zsame')).ino);
	t.is(lstatSync(join(image.path, 'bin')).mode & 0o7777, 0o700);
	t.is(lstatSync(join(image.path, 'bin')).mtimeMs, 1_000_000);
	t.deepEqual(readdirSync(join(root, 'blobs/sha256')), []);
	t.is(statSync(join(root, 'trees')).mode & 0o777, 0o700);
	const states = await content.have([
		{blob: base.blob, diffId: base.diffId, partCount: 1},
		{blob: top.blob, diffId: top.diffId, partCount: 1},
		{blob: top.blob, partCount: 1},
	]);
	t.deepEqual(
		states.map(state => state.state),
		['unpacked', 'unpacked', 'absent'],
	);
	t.deepEqual(
		(await content.images()).map(({name, path}) => ({name, path})),
		[{name: 'docker.io/labring/kubernetes:v1.30', path: image.path}],
	);
	t.deepEqual((await content.verify()).damaged, []);
	// Again: nothing is left to do.
	t.deepEqual(await content.unpack(requestOf('docker.io/labring/kubernetes:v1.30', [base, top])), {
		...image,
		unpacked: 0,
	});
});

test('embedded registries of images become one that a server reads, each blob once on the disk', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const first = await testLayer(embedded('registry.k8s.io/pause', '3.9', '{"schemaVersion":2,"layers":[]}'));
	const second = await testLayer([
		...embedded('quay.io/cni', 'v1', '{"schemaVersion":2,"layers":[]}'),
		file('other', 'x'),
	]);
	await install(content, 'one', [first]);
	const {path} = await install(content, 'two', [second]);
	const digest = digestOf('{"schemaVersion":2,"layers":[]}');
	const inodes = [join(root, blobFile(digest)), join(path, blobFile(digest))].map(each => lstatSync(each).ino);
	t.is(inodes[0], inodes[1]);
	// The layers of both images, their trees, and the registry.
	t.is(lstatSync(join(root, blobFile(digest))).nlink, 5);
	const storage = await openStockStorage(join(root, 'registry'));
	t.teardown(() => storage.close());
	t.deepEqual(await storage.repositories({}), ['quay.io/cni', 'registry.k8s.io/pause']);
	t.is(await storage.tag('quay.io/cni', 'v1'), digest);
	const blob = await storage.blob('registry.k8s.io/pause', digest);
	t.is(await textOf(await (blob as NonNullable<typeof blob>).read()), '{"schemaVersion":2,"layers":[]}');
	t.deepEqual((await content.verify()).damaged, []);
	const {removed} = await content.gc({keep: ['one']});
	t.is(removed, 3);
	t.deepEqual(await storage.repositories({}), ['registry.k8s.io/pause']);
	t.is(lstatSync(join(root, blobFile(digest))).nlink, 3);
	t.false(existsSync(path));
});
