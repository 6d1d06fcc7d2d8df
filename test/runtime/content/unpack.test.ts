import {existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {readXattrs} from '../../../lib/oci/disk/xattrs.js';
import {opaque, whiteout} from '../../../lib/oci/layer/whiteout.js';
import {readTar} from '../../../lib/oci/tar/read.js';
import {blobFile} from '../../../lib/registry/embed/layout.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {file, folder, header, link} from '../../helpers/entries.js';
import {embedded, install, layerOf, requestOf, testLayer} from '../../helpers/host-content.js';
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

test('the folder may be a link to another disk', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'disk'));
	symlinkSync('disk', join(dir, 'link'));
	const layer = await testLayer([...embedded('registry.k8s.io/pause', '3.9', 'pause'), file('a', 'a')]);
	const content = openHostContent(join(dir, 'link/not/yet'), {durability: 'none'});
	t.true((await content.freeBytes()) > 0);
	const {path} = await install(content, 'x', [layer]);
	t.true(path.startsWith(join(dir, 'disk/not/yet/trees/')));
	t.true(existsSync(join(dir, 'disk/not/yet', blobFile(digestOf('pause')))));
});

const isRoot = process.getuid?.() === 0;

test('pipes, devices, owners, setuid bits, attributes and holes are those of the image', async t => {
	const content = openHostContent(tempDir(t), {durability: 'none'});
	const xattrs = {'user.note': Buffer.from('kept')};
	const special = await testLayer([
		folder('dir', {mode: 0o1777, uid: 7, gid: 8, xattrs}),
		file('dir/program', 'text', {mode: 0o6755, uid: 1234, gid: 5678, mtime: 1_500_000_000, xattrs}),
		{header: header('null', {type: 'character', mode: 0o666, devmajor: 1, devminor: 3})},
		{header: header('pipe', {type: 'fifo', mode: 0o640})},
	]);
	const bytes = readFileSync('test/fixtures/tar/sparse-pax-1.0.tar');
	const sparse = layerOf(bytes, digestOf(bytes));
	const {path} = await install(content, 'special', [special, sparse]);
	const program = lstatSync(join(path, 'dir/program'));
	t.is(program.mode & 0o7777, 0o6755);
	t.is(program.mtimeMs, 1_500_000_000_000);
	t.true(lstatSync(join(path, 'pipe')).isFIFO());
	t.is(lstatSync(join(path, 'dir')).mode & 0o7777, 0o1777);
	if (isRoot) {
		t.deepEqual([program.uid, program.gid], [1234, 5678]);
		t.deepEqual([lstatSync(join(path, 'dir')).uid, lstatSync(join(path, 'dir')).gid], [7, 8]);
		t.is(lstatSync(join(path, 'null')).rdev, (1 << 8) + 3);
	}
	const holed = lstatSync(join(path, 'sparse'));
	t.is(holed.size, 65_536);
	const filled: Uint8Array[] = [];
	for await (const entry of readTar(oneChunk(bytes))) for await (const chunk of entry.content) filled.push(chunk);
	t.true(readFileSync(join(path, 'sparse')).equals(Buffer.concat(filled)));
	const found = await readXattrs(path, ['dir', 'dir/program']);
	if (found.complete) t.deepEqual([...found.xattrs.values()], [xattrs, xattrs]);
	t.deepEqual((await content.verify()).damaged, []);
	t.is((await content.unpack(requestOf('special', [special, sparse]))).unpacked, 0);
});
