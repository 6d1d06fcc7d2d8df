import {lstatSync, readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {compareNames, decodeName} from '../../../lib/core/name.js';
import {diskPath} from '../../../lib/oci/disk/path.js';
import {unpackTree} from '../../../lib/oci/disk/unpack.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {writeLayer} from '../../../lib/oci/layer/write.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {applyLayer, emptyTree, type ImageTree, walkTree} from '../../../lib/oci/tree/tree.js';
import {layerOf, wish} from '../../helpers/layer-wishes.js';
import {tempDir} from '../../helpers/temp-dir.js';

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
