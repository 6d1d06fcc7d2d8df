import {lstatSync, readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {compareNames, decodeName} from '../../../lib/core/name.js';
import {diskPath} from '../../../lib/oci/disk/path.js';
import {unpackTree} from '../../../lib/oci/disk/unpack.js';
import type {EntryHeader, LayerEntry} from '../../../lib/oci/entry.js';
import {compareLayerPaths, whiteout} from '../../../lib/oci/layer/whiteout.js';
import {writeLayer} from '../../../lib/oci/layer/write.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {applyLayer, emptyTree, type ImageTree, walkTree} from '../../../lib/oci/tree/tree.js';
import {tempDir} from '../../helpers/temp-dir.js';

/** Few names, so that layers meet each other; some that are long, not ASCII or not UTF-8. */
const name = fc.constantFrom('a', 'b', 'c.d', 'é', '\udcff!', 'n'.repeat(120), '-', ' ');
const path = fc.array(name, {minLength: 1, maxLength: 3}).map(parts => parts.join('/'));
const mtime = fc.constantFrom(-86_401, 0, 1_000_000_000, 4_102_444_800);
const content = fc.oneof(
	fc.string(),
	fc.integer({min: 0, max: 70_000}).map(size => 'x'.repeat(size)),
);

interface Wish {
	readonly kind: 'directory' | 'file' | 'link' | 'remove' | 'symlink';
	readonly path: string;
	readonly mode: number;
	readonly mtime: number;
	readonly text: string;
}

const mode = fc.integer({min: 0, max: 0o7777});
const wish: fc.Arbitrary<Wish> = fc.record({
	kind: fc.constantFrom('directory', 'file', 'link', 'remove', 'symlink'),
	...{path, mode, mtime, text: content},
});

/** Turns wishes into a layer that is allowed: one entry for each path, parents that are directories, sorted. */
function layerOf(wishes: readonly Wish[]): LayerEntry[] {
	const entries = new Map<string, LayerEntry>();
	const files: string[] = [];
	for (const one of wishes) {
		const parts = one.path.split('/');
		const parents = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
		const taken = [...entries.keys()].some(other => other === one.path || other.startsWith(`${one.path}/`));
		if (taken || parents.some(parent => (entries.get(parent)?.header.type ?? 'directory') !== 'directory')) continue;
		for (const parent of parents) if (!entries.has(parent)) entries.set(parent, directory(parent, 0o755, 0));
		// A hard link comes after its target in a layer.
		const target = files.find(file => compareLayerPaths(file, one.path) < 0);
		if (one.kind === 'link' && target === undefined) continue;
		entries.set(one.path, entryOf(one, target));
		if (one.kind === 'file') files.push(one.path);
	}
	return [...entries.values()].sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
}

function entryOf(one: Wish, target: string | undefined): LayerEntry {
	const header: EntryHeader = {path: one.path, type: 'file', mode: one.mode, uid: 0, gid: 0, size: 0, mtime: one.mtime};
	if (one.kind === 'remove') return whiteout(one.path);
	// An ordinary user who runs this has to be able to look into it.
	if (one.kind === 'directory') return directory(one.path, one.mode | 0o700, one.mtime);
	if (one.kind === 'link') return {header: {...header, type: 'hardlink', linkname: target as string}};
	if (one.kind === 'symlink')
		return {
			header: {...header, type: 'symlink', mode: 0o777, linkname: `../${one.text.replaceAll('\0', '').slice(0, 50)}x`},
		};
	const bytes = Buffer.from(one.text);
	if (bytes.length === 0) return {header};
	return {header: {...header, size: bytes.length}, content: {kind: 'bytes', bytes}};
}

function directory(of: string, bits: number, time: number): LayerEntry {
	return {header: {path: of, type: 'directory', mode: bits, uid: 0, gid: 0, size: 0, mtime: time}};
}

/** One line for each name, as the tree has it. */
function expected(tree: ImageTree): string[] {
	return [...walkTree(tree)].map(({header}) =>
		line(header.path, header.type, header.mode, header.mtime, header.type === 'file' ? header.size : header.linkname),
	);
}

/** The same lines, as the disk has it. */
function found(root: string): string[] {
	const lines: string[] = [];
	const visit = (of: string): void => {
		const full = diskPath(root, of);
		const stats = lstatSync(full);
		const type = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'file';
		const bits = type === 'symlink' ? 0o777 : stats.mode & 0o7777;
		const more = type === 'file' ? stats.size : type === 'symlink' ? readlinkSync(full, 'utf8') : undefined;
		lines.push(line(of, type, bits, stats.mtimeMs / 1000, more));
		if (type !== 'directory') return;
		const names = readdirSync(full, {encoding: 'buffer'}).map(decodeName);
		for (const child of names.sort(compareNames)) visit(of === '' ? child : `${of}/${child}`);
	};
	visit('');
	return lines;
}

function line(of: string, type: string, bits: number, time: number, more: number | string | undefined): string {
	return `${JSON.stringify(of)} ${type} ${bits.toString(8)} ${time} ${more ?? ''}`;
}

test('what is unpacked from layers is the tree that they make', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'), {durability: 'none'});
	t.teardown(() => store.close());
	let number = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(fc.array(wish, {maxLength: 12}), {maxLength: 3}), async wishes => {
			let tree: ImageTree = emptyTree;
			for (const [index, list] of wishes.entries()) {
				const compression = index % 2 === 0 ? ({algorithm: 'none'} as const) : undefined;
				const layer = await writeLayer(layerOf(list), store, compression === undefined ? {} : {compression});
				tree = applyLayer(tree, layer.index, layer.descriptor);
			}
			const target = join(dir, `t${++number}`);
			await unpackTree(tree, store, target, {owners: false});
			t.deepEqual(found(target), expected(tree));
		}),
		{numRuns: 60},
	);
});

test('contents come from the right places of plain and compressed layers', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'), {durability: 'none'});
	t.teardown(() => store.close());
	const text = (of: string, body: string): LayerEntry => ({
		header: {path: of, type: 'file', mode: 0o600, uid: 0, gid: 0, size: body.length, mtime: 0},
		content: {kind: 'bytes', bytes: Buffer.from(body)},
	});
	const lower = await writeLayer([text('a', 'lower a'), text('b', 'lower b'), text('c', 'c'.repeat(3_000_000))], store);
	const upper = await writeLayer([text('b', 'upper b')], store, {compression: {algorithm: 'none'}});
	let tree = applyLayer(emptyTree, lower.index, lower.descriptor);
	tree = applyLayer(tree, upper.index, upper.descriptor);
	const report = await unpackTree(tree, store, join(dir, 'target'), {owners: false});
	t.is(report.sizeBytes, 3_000_014);
	t.deepEqual(
		['a', 'b'].map(of => readFileSync(join(dir, 'target', of), 'utf8')),
		['lower a', 'upper b'],
	);
	t.true(readFileSync(join(dir, 'target/c')).equals(Buffer.alloc(3_000_000, 'c')));
});
