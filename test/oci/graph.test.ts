import {rmSync} from 'node:fs';
import test from 'ava';
import {type GraphNode, walkGraph} from '../../lib/oci/graph.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore} from '../../lib/oci/store/store.js';
import {describeText, put, putImage, putIndex, putMultiArch} from '../helpers/images.js';
import {tempDir} from '../helpers/temp-dir.js';

async function all(nodes: AsyncIterable<GraphNode>): Promise<readonly GraphNode[]> {
	const found: GraphNode[] = [];
	for await (const node of nodes) found.push(node);
	return found;
}

test('gives every blob once, parents before children', async t => {
	const store = await openStore(tempDir(t));
	const index = await putMultiArch(store);
	const nodes = await all(walkGraph(store, await putIndex(store, [index, index])));
	const digests = nodes.map(({descriptor}) => descriptor.digest);
	t.is(digests.length, 9);
	t.is(new Set(digests).size, 9);
	for (const {descriptor, parent} of nodes) {
		if (parent !== undefined) t.true(digests.indexOf(parent.digest) < digests.indexOf(descriptor.digest));
	}
});

test('goes on over roots with one set of what was seen', async t => {
	const store = await openStore(tempDir(t));
	const seen = new Set<never>();
	const image = await putImage(store);
	t.is((await all(walkGraph(store, image, {seen}))).length, 3);
	t.is((await all(walkGraph(store, image, {seen}))).length, 0);
});

test('children of an index may be missing, a root may not', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	const index = await putIndex(store, [image]);
	rmSync(store.blobPath(image.digest));
	const nodes = await all(walkGraph(store, index));
	t.deepEqual(
		nodes.map(({document}) => document !== undefined),
		[true, false],
	);
	await t.throwsAsync(all(walkGraph(store, image)), {code: 'ERR_CONTENT_MISSING'});
	t.is((await all(walkGraph(store, image, {tolerant: true}))).length, 1);
});

test('follows subjects, and stops at an abort', async t => {
	const store = await openStore(tempDir(t));
	const subject = await putImage(store);
	const config = await put(store, mediaTypes.empty, Buffer.from('{}'));
	const artifact = {schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [], subject};
	const root = await put(store, mediaTypes.manifest, Buffer.from(JSON.stringify(artifact)));
	t.is((await all(walkGraph(store, root))).length, 5);
	const reason = new Error('enough');
	t.is(await t.throwsAsync(all(walkGraph(store, root, {signal: AbortSignal.abort(reason)}))), reason);
	t.is((await all(walkGraph(store, describeText('layer', mediaTypes.layer)))).length, 1);
});
