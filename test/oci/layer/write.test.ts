import {fork} from 'node:child_process';
import {once} from 'node:events';
import {appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {contentKeyOfBytes} from '../../../lib/core/content-key.js';
import {encodeName} from '../../../lib/core/name.js';
import {digestOf} from '../../../lib/oci/digest.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {indexLayer} from '../../../lib/oci/layer/read.js';
import {opaque, type WriteLayerOptions, whiteout, writeLayer} from '../../../lib/oci/layer/write.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {file, folder, header, link} from '../../helpers/entries.js';
import {memoryStore} from '../../helpers/memory-store.js';
import {installed} from '../../helpers/programs.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {readAll} from '../tar/fixture.js';

const plain: WriteLayerOptions = {compression: {algorithm: 'none'}};

/** The names in a layer as they stand in the archive. */
async function write(entries: readonly LayerEntry[], options: WriteLayerOptions = plain) {
	const store = memoryStore();
	const layer = await writeLayer(entries, store, options);
	return {...layer, store, blob: store.blobs.get(layer.descriptor.digest) as Buffer};
}

test('a plain layer is its own diffID', async t => {
	const {descriptor, diffID, sizeBytes, blob} = await write([folder('a'), file('a/b', 'hi')]);
	t.deepEqual(descriptor, {mediaType: mediaTypes.layer, digest: digestOf(blob), size: blob.length});
	t.is(diffID, descriptor.digest);
	t.is(sizeBytes, 512 + 512 + 512 + 1024);
});

test('a gzip layer has the digest of its blob and the diffID of its tar', async t => {
	const {descriptor, diffID, sizeBytes, blob} = await write([file('a', 'hi')], {});
	t.deepEqual(descriptor, {mediaType: mediaTypes.layerGzip, digest: digestOf(blob), size: blob.length});
	t.is(diffID, digestOf(gunzipSync(blob)));
	t.is(sizeBytes, gunzipSync(blob).length);
});

test("docker's media types are written on demand", async t => {
	t.is((await write([], {mediaTypes: 'docker'})).descriptor.mediaType, mediaTypes.dockerLayerGzip);
});

test('an empty layer is two blocks of zeros', async t => {
	const {blob} = await write([]);
	t.deepEqual(blob, Buffer.alloc(1024));
});

test('what is written is read again', async t => {
	const entries = [
		folder('', {mode: 0o700}),
		folder('d', {mode: 0o1777, uid: 5, gid: 6}),
		{header: header('d/null', {type: 'character', devmajor: 1, devminor: 3})},
		{header: header('d/pipe', {type: 'fifo'})},
		file('f', 'content', {mode: 0o4755, uid: 4_294_967_294, mtime: -5}),
		link('g', 'f', 'hardlink'),
		link('h', '../../etc'),
		file('ü', 'x', {xattrs: {'user.a': Buffer.from([0, 1, 10])}}),
	] as const;
	const {blob, index, sizeBytes} = await write(entries);
	const read = await readAll(oneChunk(blob));
	t.deepEqual(
		read.map(entry => entry.header),
		entries.map(entry => entry.header),
	);
	t.deepEqual(
		read.map(entry => entry.content.toString()).filter(text => text !== ''),
		['content', 'x'],
	);
	t.is(index.sizeBytes, sizeBytes);
	t.is(blob.toString('latin1', index.entries[4]?.offset, (index.entries[4]?.offset ?? 0) + 7), 'content');
});

test('contents of every size around the blocks are whole', async t => {
	const dir = tempDir(t);
	const mebibyte = 1024 * 1024;
	const sizes = [
		1,
		511,
		512,
		513,
		262_143,
		262_144,
		mebibyte - 512,
		mebibyte,
		mebibyte + 1,
		2 * mebibyte,
		3 * mebibyte + 5,
	];
	const entries = sizes.map((size, i) => {
		const path = join(dir, String(i));
		writeFileSync(path, Buffer.alloc(size, `content ${i}`));
		const content =
			i % 3 === 0
				? ({kind: 'bytes', bytes: Buffer.alloc(size, `content ${i}`)} as const)
				: ({kind: 'file', path} as const);
		return {header: header(`f${String.fromCharCode(97 + i)}`, {size}), content};
	});
	for (const compression of [{algorithm: 'none'}, {algorithm: 'gzip', level: 1}] as const) {
		const {descriptor, diffID, store, index} = await write(entries, {compression});
		t.deepEqual(await indexLayer(store, descriptor, {diffID}), index);
		const blob = store.blobs.get(descriptor.digest) as Buffer;
		const read = await readAll(oneChunk(compression.algorithm === 'none' ? blob : gunzipSync(blob)));
		t.true(read.every(({content}, i) => content.equals(Buffer.alloc(sizes[i] as number, `content ${i}`))));
	}
});

test('times are cut to whole seconds and foreign attributes left out', async t => {
	const xattrs = {
		'security.capability': Buffer.from('c'),
		'security.selinux': Buffer.from('s'),
		'system.nfs4_acl': Buffer.from('n'),
		'trusted.overlay.opaque': Buffer.from('y'),
		'user.overlay.origin': Buffer.from('o'),
		'user.note': Buffer.from('u'),
	};
	const {blob, index} = await write([file('a', 'x', {mtime: 7, mtimeNsec: 999_999_999, xattrs})]);
	const expected = header('a', {
		size: 1,
		mtime: 7,
		xattrs: {'security.capability': Buffer.from('c'), 'user.note': Buffer.from('u')},
	});
	t.deepEqual((await readAll(oneChunk(blob)))[0]?.header, expected);
	t.deepEqual(index.entries[0]?.header, expected);
});

test('whiteouts are empty files of mode 0 and come before their siblings', async t => {
	const {blob} = await write([folder('d'), opaque('d'), whiteout('d/gone'), file('d/!new'), file('e')]);
	t.deepEqual(
		(await readAll(oneChunk(blob))).map(entry => [entry.header.path, entry.header.mode]),
		[
			['d', 0o755],
			['d/.wh..wh..opq', 0],
			['d/.wh.gone', 0],
			['d/!new', 0o644],
			['e', 0o644],
		],
	);
	t.is(opaque('').header.path, '.wh..wh..opq');
	t.is(whiteout('a').header.path, '.wh.a');
});

const refuses = test.macro({
	async exec(t, entries: readonly LayerEntry[], message: RegExp) {
		const store = memoryStore();
		await t.throwsAsync(writeLayer(entries, store), {code: 'ERR_LAYER_ENTRY', message});
		t.is(store.open, 0);
		t.is(store.blobs.size, 0);
	},
	title: (title = '') => `${title} cannot be stored`,
});
test('an entry out of order', refuses, [file('b'), file('a')], /a comes after b/);
test('a file before a folder with a smaller name', refuses, [file('a.b'), folder('a')], /a comes after a\.b/);
test('a path that comes twice', refuses, [file('a'), file('a')], /a comes twice/);
test('an absolute path', refuses, [file('/a')], /no normal path/);
test('a path with ..', refuses, [file('a/../b')], /no normal path/);
test('a path with a slash at its end', refuses, [folder('a/')], /no normal path/);
test('a path with a NUL', refuses, [file('a\0b')], /no normal path/);
test('a root that is a file', refuses, [file('')], /The root is the root of the image but no directory/);
test('a bare .wh.', refuses, [file('d/.wh.')], /whiteout without a name/);
test('a whiteout with content', refuses, [file('.wh.a', 'x')], /no empty file/);
test('a whiteout that is a folder', refuses, [folder('.wh.a')], /no empty file/);
test('a whiteout of a whiteout', refuses, [file('.wh..wh.a')], /reserved whiteout/);
test('a file below a whiteout', refuses, [file('.wh.a/b')], /lies below a name/);
test('a symlink to nowhere', refuses, [{header: header('a', {type: 'symlink'})}], /symlink to nowhere/);
test(
	'a hard link before its target',
	refuses,
	[link('a', 'b', 'hardlink'), file('b')],
	/hard link to b, which comes after/,
);
test('a size without content', refuses, [{header: header('a', {size: 5})}], /size but no content/);
test('content of another size', refuses, [{...file('a', 'xyz'), header: header('a', {size: 2})}], /has 3 bytes/);
test('an owner that does not exist', refuses, [file('a', '', {uid: 2 ** 32})], /impossible owner/);
test('a mode with bits of the type', refuses, [file('a', '', {mode: 0o100644})], /impossible mode/);
test('a time that is no whole number', refuses, [file('a', '', {mtime: 1.5})], /impossible time/);
test('an attribute with =', refuses, [file('a', '', {xattrs: {'user.a=b': Buffer.from('x')}})], /tar cannot name/);

/** Runs a change of the file between listing and reading. */
async function refusesFile(t: ExecutionContext, change: (path: string) => void, message: RegExp, size = 100_000) {
	for (const compression of [{algorithm: 'none'}, {algorithm: 'gzip', level: 1}] as const) {
		const path = join(tempDir(t), 'file');
		writeFileSync(path, Buffer.alloc(size, 'x'));
		change(path);
		const store = memoryStore();
		const entry: LayerEntry = {header: header('a/name', {size}), content: {kind: 'file', path}};
		await t.throwsAsync(writeLayer([entry], store, {compression}), {code: 'ERR_LAYER_ENTRY', message});
		t.is(store.open, 0);
	}
}

test(
	'a file that grew is refused by name',
	refusesFileWith,
	(path: string) => appendFileSync(path, 'y'),
	/a\/name grew/,
);
test(
	'a file that became shorter is refused',
	refusesFileWith,
	(path: string) => truncateSync(path, 5),
	/became shorter/,
);
function refusesFileWith(t: ExecutionContext, change: (path: string) => void, message: RegExp): Promise<void> {
	return refusesFile(t, change, message);
}
test('a large file that became shorter is refused', async t => {
	await refusesFile(t, path => truncateSync(path, 2_500_000), /became shorter/, 4_000_000);
});
test('a file that was swapped for a link or a folder is refused', async t => {
	const {rmSync} = await import('node:fs');
	const swap = (make: (path: string) => void) => (path: string) => {
		rmSync(path);
		make(path);
	};
	await refusesFile(
		t,
		swap(path => symlinkSync('/etc/hostname', path)),
		/not the file any more/,
	);
	await refusesFile(
		t,
		swap(path => mkdirSync(path)),
		/not the file any more/,
	);
	await refusesFile(t, path => rmSync(path), /not the file any more/);
});

test('a part of a larger file is written', async t => {
	const path = join(tempDir(t), 'blob');
	writeFileSync(path, '0123456789');
	const {blob} = await write([{header: header('a', {size: 3}), content: {kind: 'file', path, offset: 4}}]);
	t.is(blob.toString('latin1', 512, 516), '456\0');
});

test('content keys are told for every file with content', async t => {
	const dir = tempDir(t);
	const contents = [
		Buffer.from('small'),
		Buffer.alloc(200_000, 'm'),
		Buffer.alloc(1024 * 1024),
		Buffer.alloc(2_500_000, 'x'),
	];
	const entries = contents.map((bytes, i) => {
		writeFileSync(join(dir, `${i}`), bytes);
		return {header: header(`f${i}`, {size: bytes.length}), content: {kind: 'file', path: join(dir, `${i}`)}} as const;
	});
	for (const compression of [{algorithm: 'none'}, {algorithm: 'gzip', level: 1}] as const) {
		const keys = new Map<string, string>();
		const onContent = (entry: LayerEntry, key: string): void => void keys.set(entry.header.path, key);
		await write([file('empty'), ...entries], {compression, onContent});
		t.deepEqual(
			[...keys].toSorted(),
			contents.map((bytes, i) => [`f${i}`, contentKeyOfBytes(bytes)]),
		);
	}
});

test('an abort leaves nothing behind', async t => {
	const store = memoryStore();
	const controller = new AbortController();
	const entries = async function* () {
		for (let i = 0; i < 100; i++) {
			if (i === 50) controller.abort(new Error('enough'));
			yield file(`f${String(i).padStart(3, '0')}`, Buffer.alloc(100_000, 'x'));
		}
	};
	await t.throwsAsync(writeLayer(entries(), store, {signal: controller.signal}), {message: 'enough'});
	t.is(store.open, 0);
	t.is(store.blobs.size, 0);
});

test('a store that fails ends the writing', async t => {
	for (const algorithm of ['none', 'gzip', ...(installed('zstd') ? (['zstd'] as const) : [])] as const) {
		let dropped = false;
		const store = {
			ingest: async () => ({
				write: async () => {
					throw new Error('disk full');
				},
				commit: async () => undefined,
				abort: async () => {
					dropped = true;
				},
			}),
		};
		const entries = Array.from({length: 60}, (_, i) =>
			file(`f${String(i).padStart(2, '0')}`, Buffer.alloc(1_000_000, 'x')),
		);
		await t.throwsAsync(writeLayer(entries, store, {compression: {algorithm}}), {message: 'disk full'});
		t.true(dropped);
	}
});

test('equal entries give equal bytes on any number of threads', async t => {
	const script = join(process.cwd(), '.build/test/fixtures/processes/layer-writer.js');
	const digests = new Set<string>();
	for (const threads of ['1', '3', '16']) {
		const child = fork(script, {env: {...process.env, UV_THREADPOOL_SIZE: threads}});
		const [digest] = (await once(child, 'message')) as [string];
		digests.add(digest);
	}
	t.is(digests.size, 1);
});

test('a file whose name is not UTF-8 is written', async t => {
	const path = join(tempDir(t), 'caf\udce9');
	writeFileSync(encodeName(path), 'hi');
	const {blob} = await write([{header: header('caf\udce9', {size: 2}), content: {kind: 'file', path}}]);
	const [entry] = await readAll(oneChunk(blob));
	t.deepEqual([entry?.header.path, entry?.content.toString()], ['caf\udce9', 'hi']);
});
