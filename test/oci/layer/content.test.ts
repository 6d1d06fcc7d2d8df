import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {closeSync, mkdirSync, openSync, readdirSync, readSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import type {Compression} from '../../../lib/oci/compress/compression.js';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import type {Digest} from '../../../lib/oci/digest.js';
import type {EntryContent, LayerEntry} from '../../../lib/oci/entry.js';
import {type LayerSource, locateContents, readContents, streamContents} from '../../../lib/oci/layer/content.js';
import {indexLayer, readLayer} from '../../../lib/oci/layer/read.js';
import {writeLayer} from '../../../lib/oci/layer/write.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {applyLayer, emptyTree, type TreeNode, walkTree} from '../../../lib/oci/tree/tree.js';
import {file, header, link} from '../../helpers/entries.js';
import {type MemoryStore, memoryStore} from '../../helpers/memory-store.js';
import {installed} from '../../helpers/programs.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {fixture} from '../tar/fixture.js';

const noise = randomBytes(1_300_000);
const contents: Readonly<Record<string, Buffer>> = {
	a: Buffer.from('first'),
	b: Buffer.alloc(300_000, 'text of b '),
	c: noise,
	d: Buffer.from('d'),
};
const entries = [
	...Object.entries(contents).map(([path, bytes]) => file(path, bytes)),
	file('e'),
	link('f', 'b', 'hardlink'),
];
const expected = (node: LayerEntry): Buffer =>
	contents[node.header.path === 'f' ? 'b' : node.header.path] ?? Buffer.alloc(0);

interface Built {
	readonly store: LayerSource;
	readonly layer: Descriptor;
	readonly nodes: TreeNode[];
}

async function build(t: ExecutionContext, compression: Compression, onDisk: boolean): Promise<Built> {
	const store = onDisk ? await openStore(join(tempDir(t), 'store')) : memoryStore();
	const {descriptor, index} = await writeLayer(entries, store, {compression});
	const nodes = [...walkTree(applyLayer(emptyTree, index, descriptor))].slice(1);
	return {store, layer: descriptor, nodes};
}

function readPlace(content: EntryContent | undefined, size: number): Buffer {
	if (content?.kind !== 'file') throw new Error(`not located: ${content?.kind}`);
	const handle = openSync(content.path, 'r');
	const bytes = Buffer.alloc(size);
	readSync(handle, bytes, 0, size, content.offset ?? 0);
	closeSync(handle);
	return bytes;
}

const algorithms = (['none', 'gzip', 'zstd'] as const).filter(name => name !== 'zstd' || installed('zstd'));

for (const algorithm of algorithms) {
	for (const onDisk of [false, true]) {
		const where = `${algorithm} layers ${onDisk ? 'in a store on disk' : 'behind a stream'}`;

		test(`contents of ${where} are located`, async t => {
			const {store, nodes} = await build(t, {algorithm}, onDisk);
			const scratch = tempDir(t);
			const located = await locateContents(nodes.toReversed(), store, scratch);
			t.deepEqual(
				located.map(entry => entry.header.path),
				['f', 'e', 'd', 'c', 'b', 'a'],
			);
			for (const entry of located) {
				if (entry.content === undefined) t.is(entry.header.path, 'e');
				else t.true(readPlace(entry.content, entry.header.size).equals(expected(entry)), entry.header.path);
			}
			t.is(readdirSync(scratch).length, algorithm === 'none' && onDisk ? 0 : 1);
		});

		test(`contents of ${where} are read`, async t => {
			const {store, nodes} = await build(t, {algorithm}, onDisk);
			const read = await readContents(nodes, store, 2_000_000);
			t.is(read.size, 6);
			for (const [node, bytes] of read) t.true(bytes.equals(expected(node)), node.header.path);
		});

		test(`contents of ${where} are streamed, and may be left unread`, async t => {
			const {store, nodes} = await build(t, {algorithm}, onDisk);
			const seen: string[] = [];
			for await (const {entry, bytes} of streamContents(nodes, store)) {
				seen.push(entry.header.path);
				if (entry.header.path === 'b') continue;
				t.true((await collect(bytes, 2_000_000)).equals(expected(entry)));
			}
			t.deepEqual(seen.toSorted(), ['a', 'b', 'c', 'd', 'f']);
		});
	}
}

test('located contents can be written to another layer', async t => {
	const {store, nodes} = await build(t, {algorithm: 'gzip', level: 1}, false);
	const files = nodes.filter(node => node.header.path !== 'f');
	const located = await locateContents(
		files.map(({header: h, content}) => (content ? {header: h, content} : {header: h})),
		store,
		tempDir(t),
	);
	const again = await writeLayer(located, memoryStore(), {compression: {algorithm: 'none'}});
	const direct = await writeLayer(entries.slice(0, 5), memoryStore(), {compression: {algorithm: 'none'}});
	t.is(again.diffID, direct.diffID);
});

test('contents that lie in no layer are left as they are, and read', async t => {
	const path = join(tempDir(t), 'file');
	writeFileSync(path, '0123456789');
	const list: LayerEntry[] = [
		file('bytes', 'abc'),
		{header: header('part', {size: 3}), content: {kind: 'file', path, offset: 5}},
		{header: header('whole', {size: 10}), content: {kind: 'file', path}},
	];
	t.deepEqual(await locateContents(list, memoryStore(), tempDir(t)), list);
	const read = await readContents(list, memoryStore(), 100);
	t.deepEqual([...read.values()].map(String), ['abc', '567', '0123456789']);
});

test('a file that ends early is an error', async t => {
	const path = join(tempDir(t), 'file');
	writeFileSync(path, '0123456789');
	const entry: LayerEntry = {header: header('x', {size: 11}), content: {kind: 'file', path}};
	await t.throwsAsync(readContents([entry], memoryStore(), 100), {code: 'ERR_CONTENT_SIZE'});
});

test('a file above the limit is refused before anything is read', async t => {
	const {store, nodes} = await build(t, {algorithm: 'none'}, false);
	await t.throwsAsync(readContents(nodes, store, 1000), {code: 'ERR_CONTENT_SIZE', message: /b has 300000 bytes/});
	t.is((store as MemoryStore).fetchedBytes, 0);
});

/** A layer whose last byte of the blob is wrong: everything wanted of it comes before. */
async function damaged(t: ExecutionContext, algorithm: 'none' | 'gzip'): Promise<Built> {
	const built = await build(t, {algorithm}, false);
	const {blobs} = built.store as MemoryStore;
	const blob = blobs.get(built.layer.digest) as Buffer;
	blob[blob.length - 1] = (blob.at(-1) as number) ^ 1;
	return built;
}

for (const algorithm of ['none', 'gzip'] as const) {
	test(`a damaged ${algorithm} layer is found out although nothing of its end is wanted`, async t => {
		const {store, nodes} = await damaged(t, algorithm);
		const scratch = tempDir(t);
		await t.throwsAsync(locateContents(nodes.slice(0, 1), store, scratch), {code: 'ERR_CONTENT_DIGEST'});
		t.deepEqual(readdirSync(scratch), []);
		await t.throwsAsync(readContents(nodes.slice(0, 1), store, 2_000_000), {code: 'ERR_CONTENT_DIGEST'});
	});

	test(`a ${algorithm} layer that was verified before is not read to its end again`, async t => {
		const {store, layer, nodes} = await build(t, {algorithm}, false);
		const verified = new Set<Digest>();
		await readContents(nodes.slice(0, 1), store, 2_000_000, {verified});
		t.deepEqual([...verified], [layer.digest]);
		const before = (store as MemoryStore).fetchedBytes;
		t.true(before >= layer.size);
		await readContents(nodes.slice(0, 1), store, 2_000_000, {verified});
		t.true((store as MemoryStore).fetchedBytes - before < layer.size / 2);
	});
}

test('sparse files are located and read as whole files', async t => {
	for (const blob of [fixture('sparse-pax-1.0'), gzipSync(fixture('sparse-pax-1.0'))]) {
		const store = await openStore(join(tempDir(t), 'store'));
		const layer = describe(mediaTypes.layer, blob);
		await store.push(layer, oneChunk(blob));
		const nodes = [...walkTree(applyLayer(emptyTree, await indexLayer(store, layer), layer))].slice(1);
		const whole = Buffer.alloc(65_536);
		whole.fill('A', 8192, 12_288);
		whole.fill('B', 32_768, 32_868);
		t.true((await readContents(nodes, store, 100_000)).get(nodes[0] as TreeNode)?.equals(whole));
		const [located] = await locateContents(nodes, store, tempDir(t));
		t.true(readPlace(located?.content, 65_536).equals(whole));
	}
});

test('a large content that many names share is streamed to each', async t => {
	const big = Buffer.alloc(17 * 1024 * 1024, 'big ');
	const store = memoryStore(1024 * 1024);
	const {descriptor, index} = await writeLayer([file('a', big), link('b', 'a', 'hardlink'), file('c', 'c')], store, {
		compression: {algorithm: 'gzip', level: 1},
	});
	const nodes = [...walkTree(applyLayer(emptyTree, index, descriptor))].slice(1);
	const read = await readContents(nodes, store, 20_000_000);
	t.deepEqual(
		[...read.values()].map(bytes => bytes.length),
		[big.length, big.length, 1],
	);
});

test('an abort ends the reading and removes the spool file', async t => {
	const {store, nodes} = await build(t, {algorithm: 'gzip', level: 1}, false);
	const scratch = tempDir(t);
	const signal = AbortSignal.abort(new Error('enough'));
	await t.throwsAsync(locateContents(nodes, store, scratch, {signal}), {message: 'enough'});
	await t.throwsAsync(readContents(nodes, store, 2_000_000, {signal}), {message: 'enough'});
	t.deepEqual(readdirSync(scratch), []);
});

test('a layer is indexed whatever its compression is', async t => {
	const plain = fixture('links');
	for (const command of ['cat', 'gzip', 'bzip2', 'xz', 'zstd'].filter(installed)) {
		const blob = execFileSync(command, command === 'cat' ? [] : ['-c'], {input: plain});
		const store = memoryStore();
		const layer = describe(mediaTypes.layer, blob);
		store.blobs.set(layer.digest, blob);
		const index = await indexLayer(store, layer);
		t.is(index.sizeBytes, plain.length);
		t.deepEqual(
			index.entries.map(entry => [entry.header.path, entry.offset]),
			[
				['a', 512],
				['b', 1536],
				['c', 2048],
			],
		);
		t.is(index.diffID, describe('', plain).digest);
	}
});

test('a layer with another diffID than promised is refused', async t => {
	const store = memoryStore();
	const layer = describe(mediaTypes.layer, fixture('links'));
	store.blobs.set(layer.digest, fixture('links'));
	const diffID = describe('', Buffer.from('other')).digest;
	await t.throwsAsync(indexLayer(store, layer, {diffID}), {code: 'ERR_CONTENT_DIGEST', message: /promises sha256:/});
});

test('a layer is read entry by entry', async t => {
	const names: string[] = [];
	for await (const entry of readLayer(oneChunk(gzipSync(fixture('links'))))) names.push(entry.header.path);
	t.deepEqual(names, ['a', 'b', 'c']);
});

test('a missing scratch folder is an error with its path', async t => {
	const {store, nodes} = await build(t, {algorithm: 'gzip', level: 1}, false);
	const missing = join(tempDir(t), 'none');
	await t.throwsAsync(locateContents(nodes, store, missing), {code: 'ERR_IO', message: /none/});
	mkdirSync(missing);
	t.is((await locateContents(nodes, store, missing)).length, nodes.length);
});
