import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {unpackTree} from '../../../lib/oci/disk/unpack.js';
import type {LayerEntry} from '../../../lib/oci/entry.js';
import {compareLayerPaths, opaque} from '../../../lib/oci/layer/whiteout.js';
import {writeLayer} from '../../../lib/oci/layer/write.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {applyLayer, emptyTree, type ImageTree} from '../../../lib/oci/tree/tree.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {install, type TestLayer, testLayer} from '../../helpers/host-content.js';
import {layerOf, type Wish, wish} from '../../helpers/layer-wishes.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {compareTrees, readTree} from '../../interop/disk-tree.js';

/** Folders whose lower content a layer hides as well. */
const layer = fc.record({wishes: fc.array(wish, {maxLength: 12}), opaque: fc.boolean()});

function entriesOf({
	wishes,
	opaque: hides,
}: {
	readonly wishes: readonly Wish[];
	readonly opaque: boolean;
}): LayerEntry[] {
	const entries = layerOf(wishes);
	const folder = entries.find(({header}) => header.type === 'directory');
	const all = hides && folder !== undefined ? [...entries, opaque(folder.header.path)] : entries;
	return all.sort((a, b) => compareLayerPaths(a.header.path, b.header.path));
}

test('a tree of links is what applying the layers one after the other gives', async t => {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'), {durability: 'none'});
	t.teardown(() => store.close());
	const content = openHostContent(join(dir, 'content'), {durability: 'none'});
	let number = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(layer, {minLength: 1, maxLength: 4}), async specs => {
			let tree: ImageTree = emptyTree;
			const layers: TestLayer[] = [];
			for (const [index, spec] of specs.entries()) {
				const compression = index % 2 === 0 ? ({algorithm: 'none'} as const) : ({algorithm: 'gzip', level: 1} as const);
				const made = await testLayer(entriesOf(spec), compression);
				const stored = await writeLayer(entriesOf(spec), store, {compression});
				tree = applyLayer(tree, stored.index, stored.descriptor);
				layers.push(made);
			}
			const target = join(dir, `t${++number}`);
			await unpackTree(tree, store, target);
			const image = await install(content, `image${number}`, layers);
			t.deepEqual(compareTrees(readTree(target), readTree(image.path)), []);
		}),
		{numRuns: 40},
	);
	t.deepEqual((await content.verify()).damaged, []);
	await content.gc({keep: []});
	t.deepEqual(readTree(join(dir, 'content/layers/sha256')), new Map());
});
