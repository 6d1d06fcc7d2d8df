import {execFileSync} from 'node:child_process';
import {existsSync, lstatSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {digestOf, hexOf} from '../../../lib/oci/digest.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {packTar, type TarInput} from '../../../lib/oci/tar/write.js';
import {blobFile} from '../../../lib/registry/embed/layout.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {file, folder, header, link} from '../../helpers/entries.js';
import {embedded, install, layerOf, requestOf, send, type TestLayer, testLayer} from '../../helpers/host-content.js';
import {tempDir} from '../../helpers/temp-dir.js';

/** A layer as no tool of ours would write it. */
async function rawLayer(inputs: readonly TarInput[]): Promise<TestLayer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of packTar(inputs)) chunks.push(chunk);
	const bytes = Buffer.concat(chunks);
	return layerOf(bytes, digestOf(bytes));
}

function input(path: string, text = ''): TarInput {
	return {header: header(path, {size: text.length}), content: Buffer.from(text)};
}

/** What is left of work: nothing but the lock folder of this boot, empty. */
function leftovers(root: string): string[] {
	return readdirSync(join(root, 'tmp'), {recursive: true, encoding: 'utf8'}).filter(name => name.includes('/'));
}

test('a layer that is not here is named before anything is unpacked', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const [here, absent] = [await testLayer([file('a', 'a')]), await testLayer([file('b', 'b')])];
	await send(content, here.bytes);
	await t.throwsAsync(content.unpack(requestOf('x', [here, absent])), {
		code: 'ERR_CONTENT_MISSING',
		message: new RegExp(`^${absent.blob} .* is not in `),
	});
	t.deepEqual(readdirSync(join(root, 'layers/sha256')), []);
	t.deepEqual(await content.images(), []);
});

test('a blob that was damaged on the disk is removed, and the next run completes', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	for (const compression of [{algorithm: 'none'}, {algorithm: 'gzip', level: 1}] as const) {
		const layer = await testLayer([file('a', `some ${compression.algorithm} text `.repeat(1000))], compression);
		await send(content, layer.bytes);
		const path = join(root, 'blobs/sha256', hexOf(layer.blob));
		const bytes = readFileSync(path);
		bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
		writeFileSync(path, bytes);
		await t.throwsAsync(content.unpack(requestOf('x', [layer])), {code: 'ERR_CONTENT_DIGEST'});
		t.is((await content.have([{blob: layer.blob, diffId: layer.diffId, partCount: 1}]))[0]?.state, 'absent');
		t.deepEqual(leftovers(root), []);
		t.is((await install(content, 'x', [layer])).unpacked, 1);
	}
});

test('a layer that is another one when uncompressed is refused, and nothing of it is kept but the blob', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const layer = await testLayer([file('a', 'a')], {algorithm: 'gzip', level: 1});
	const lying = {...layer, diffId: digestOf('another')};
	await t.throwsAsync(install(content, 'x', [lying]), {
		code: 'ERR_CONTENT_DIGEST',
		message: `The layer ${layer.blob} is ${layer.diffId} when uncompressed, the image promises ${lying.diffId}`,
	});
	t.deepEqual(readdirSync(join(root, 'layers/sha256')), []);
	t.deepEqual(readdirSync(join(root, 'blobs/sha256')), [hexOf(layer.blob)]);
	t.deepEqual(leftovers(root), []);
});

const hostile = test.macro<[readonly LayerEntry[] | readonly TarInput[], string]>({
	async exec(t, entries, code) {
		const dir = tempDir(t);
		const root = join(dir, 'root');
		writeFileSync(join(dir, 'outside'), 'untouched');
		const content = openHostContent(root, {durability: 'none'});
		const layer = await rawLayer(entries as readonly TarInput[]);
		await t.throwsAsync(install(content, 'x', [layer]), {code});
		t.deepEqual(leftovers(root), []);
		t.deepEqual(readdirSync(join(root, 'trees/sha256')), []);
		t.deepEqual(await content.images(), []);
		t.is(readFileSync(join(dir, 'outside'), 'utf8'), 'untouched');
		t.deepEqual(readdirSync(dir).toSorted(), ['outside', 'root']);
	},
	title: (given = '') => given,
});

test('a name that leaves the root is refused', hostile, [input('../outside', 'x')], 'ERR_UNSAFE_PATH');
test(
	'a hard link to nothing is refused',
	hostile,
	[{header: header('a', {type: 'hardlink', linkname: '../../outside'})}],
	'ERR_TAR_FORMAT',
);
test(
	'links in a circle are refused',
	hostile,
	[
		{header: header('a', {type: 'symlink', linkname: 'b'})},
		{header: header('b', {type: 'symlink', linkname: 'a'})},
		input('a/x', 'x'),
	],
	'ERR_SYMLINK_LOOP',
);
test('a whiteout without a name is refused', hostile, [input('.wh.')], 'ERR_TAR_FORMAT');

test('a link that leads out of the image is followed inside of it', async t => {
	const dir = tempDir(t);
	const content = openHostContent(join(dir, 'root'), {durability: 'none'});
	const layer = await rawLayer([
		{header: header('out', {type: 'symlink', linkname: `${dir}/elsewhere`})},
		input('out/file', 'text'),
	]);
	const {path} = await install(content, 'x', [layer]);
	t.false(existsSync(join(dir, 'elsewhere')));
	t.is(readFileSync(join(path, dir, 'elsewhere/file'), 'utf8'), 'text');
});

test('an image cannot put wrong blobs, or anything else, into the registry of the host', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const entries = embedded('a/b', 'v1', 'right');
	const wrong = entries.map(entry => (entry.header.path.endsWith('/data') ? file(entry.header.path, 'wrong') : entry));
	const codes: string[] = [];
	const layer = await testLayer([
		...wrong,
		folder('registry/.sealimage'),
		file('registry/.sealimage/key', 'x'),
		folder('registry/docker/registry/v2/repositories/a/b/_uploads'),
		file('registry/docker/registry/v2/repositories/a/b/_uploads/x', 'x'),
		link('registry/docker/registry/v2/repositories/c', '/etc'),
	]);
	await send(content, layer.bytes);
	const {path} = await content.unpack(requestOf('x', [layer]), {
		onEvent: event => void (event.type === 'warning' && codes.push(event.code)),
	});
	t.deepEqual(codes, ['EmbeddedBlobWrong']);
	t.deepEqual(readdirSync(join(root, 'registry/docker/registry/v2')), ['repositories']);
	t.deepEqual(readdirSync(join(root, 'registry')), ['docker']);
	t.deepEqual(readdirSync(join(root, 'registry/docker/registry/v2/repositories')), ['a']);
	t.deepEqual(readdirSync(join(root, 'registry/docker/registry/v2/repositories/a/b')), ['_layers', '_manifests']);
	// The tree is what the image says.
	t.true(existsSync(join(path, 'registry/.sealimage/key')));
	const right = await testLayer(entries);
	const image = await install(content, 'y', [right]);
	const blob = entries.find(entry => entry.header.path.endsWith('/data'))?.header.path ?? '';
	t.is(lstatSync(join(root, blob)).ino, lstatSync(join(image.path, blob)).ino);
});

test('nothing that others than root can reach on the host is more than a plain file of root', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const [blob, hidden, moved] = [blobFile(digestOf('blob')), blobFile(digestOf('hidden')), blobFile(digestOf('moved'))];
	const program = {mode: 0o6777, uid: 1000, gid: 1000};
	const layer = await rawLayer([
		{header: header(blob, {...program, size: 4}), content: Buffer.from('blob')},
		{header: header('bin/program', {...program, size: 6}), content: Buffer.from('hidden')},
		{header: header(hidden, {type: 'hardlink', linkname: 'bin/program'})},
		{header: header('side', {type: 'symlink', linkname: 'registry'})},
		{header: header(moved.replace('registry', 'side'), {...program, size: 5}), content: Buffer.from('moved')},
	]);
	const {path} = await install(content, 'x', [layer]);
	const facts = lstatSync(join(root, blob));
	t.is(facts.mode & 0o7777, 0o644);
	if (process.getuid?.() === 0) t.deepEqual([facts.uid, facts.gid], [0, 0]);
	t.is(lstatSync(join(path, 'bin/program')).mode & 0o7777, 0o6777);
	t.true(existsSync(join(path, moved)));
	t.deepEqual(
		[hidden, moved].map(each => existsSync(join(root, each))),
		[false, false],
	);
	for (const folder of ['blobs', 'layers', 'trees', 'partial', 'tmp'])
		t.is(lstatSync(join(root, folder)).mode & 0o077, 0);
});

test('an image that cannot fit is refused before a byte is written', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const layer = await testLayer([file('a', 'a')]);
	await send(content, layer.bytes);
	await t.throwsAsync(content.unpack(requestOf('big:v1', [{...layer, sizeBytes: 2 ** 50}])), {
		code: 'ERR_NO_SPACE',
		message: /^The disk of .* is too small for unpacking big:v1: it needs 1126 TB, .* are free$/,
	});
	t.deepEqual(leftovers(root), []);
});

const program = join(process.cwd(), '.build/test/fixtures/processes/limited-content.js');

test('a disk that fills up while parts come or a layer is unpacked leaves nothing behind', async t => {
	const root = tempDir(t);
	// A limit on the size of files (in KiB) fails writes as a full disk does, without one.
	const limited = (kibibytes: number, ...args: string[]): string =>
		execFileSync(
			'sh',
			['-c', 'ulimit -f "$0"; trap "" XFSZ; exec "$@"', String(kibibytes), process.execPath, program, root, ...args],
			{
				encoding: 'utf8',
			},
		).trim();
	t.regex(limited(64, 'send'), /^ERR_NO_SPACE: Cannot write /);
	t.deepEqual(readdirSync(join(root, 'partial')), []);
	t.deepEqual(readdirSync(join(root, 'blobs/sha256')), []);
	t.is(limited(1_000_000, 'send'), 'done');
	t.regex(limited(64, 'unpack'), /^ERR_NO_SPACE: Cannot unpack the layer into /);
	t.deepEqual(leftovers(root), []);
	t.deepEqual(readdirSync(join(root, 'layers/sha256')), []);
	t.is(limited(1_000_000, 'unpack'), 'done');
	t.deepEqual((await openHostContent(root, {durability: 'none'}).verify()).damaged, []);
});

test('an abort in the middle of an unpack leaves nothing behind', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const layer = await testLayer([file('a', 'x'.repeat(3_000_000)), file('b', 'y'.repeat(3_000_000))]);
	await send(content, layer.bytes);
	const stop = new AbortController();
	const running = content.unpack(requestOf('x', [layer]), {
		signal: stop.signal,
		onEvent: event => void (event.type === 'blob.progress' && stop.abort(new Error('enough'))),
	});
	await t.throwsAsync(running, {message: 'enough'});
	t.deepEqual(leftovers(root), []);
	t.deepEqual(await content.images(), []);
	t.is((await content.unpack(requestOf('x', [layer]))).unpacked, 1);
});
