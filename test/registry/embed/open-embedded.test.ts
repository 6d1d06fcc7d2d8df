import {readFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import type {EmbedImage} from '../../../lib/oci/embedded.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import type {Store} from '../../../lib/oci/store/store.js';
import type {TreeFiles} from '../../../lib/oci/tree/files.js';
import {embedEntries} from '../../../lib/registry/embed/layer.js';
import {openEmbedded} from '../../../lib/registry/embed/open-embedded.js';
import {planEmbed} from '../../../lib/registry/embed/plan.js';
import {makeImage, makeIndex, makeStore} from '../../helpers/cluster-images.js';
import {memoryFiles} from '../../helpers/memory-files.js';

async function filesWith(
	store: Store,
	images: readonly EmbedImage[],
	change: (files: Record<string, Uint8Array>) => void = () => undefined,
): Promise<TreeFiles> {
	const {layers} = await planEmbed(images);
	const files: Record<string, Uint8Array> = {};
	for (const {header, content} of layers.flatMap(layer => embedEntries(layer, store))) {
		if (header.type !== 'file') continue;
		files[header.path] =
			content?.kind === 'bytes'
				? content.bytes
				: content?.kind === 'file'
					? readFileSync(content.path)
					: Buffer.alloc(0);
	}
	change(files);
	return memoryFiles(files);
}

async function example(t: ExecutionContext): Promise<{store: Store; images: EmbedImage[]}> {
	const store = await makeStore(t);
	const amd = await makeImage(store, {layers: ['amd']});
	const arm = await makeImage(store, {layers: ['arm'], platform: 'linux/arm64'});
	const index = await makeIndex(store, [amd, arm]);
	const plain = await makeImage(store, {layers: ['plain'], mediaTypeField: false});
	return {
		store,
		images: [
			{name: 'registry.k8s.io/pause:3.9', chain: [index, amd], content: store},
			{name: 'redis:7', chain: [plain], content: store},
			{name: `quay.io/x/y@${index.digest}`, chain: [index, amd], content: store},
		],
	};
}

test('what was embedded is found again by name, tag and digest', async t => {
	const {store, images} = await example(t);
	const embedded = await openEmbedded(await filesWith(store, images));
	for (const {name, chain} of images) {
		const {digest, size} = await embedded.resolve(name);
		t.deepEqual([digest, size], [chain[0]!.digest, chain[0]!.size], name);
		t.deepEqual(
			await collect(await embedded.fetch(chain[0]!), 10_000),
			await collect(await store.fetch(chain[0]!), 10_000),
		);
		t.true(await embedded.exists(chain.at(-1)!));
	}
	t.is((await embedded.resolve('redis:7')).mediaType, mediaTypes.manifest);
	t.deepEqual([...embedded.repositories.keys()].sort(), [
		'docker.io/library/redis',
		'library/redis',
		'pause',
		'quay.io/x/y',
		'registry.k8s.io/pause',
		'x/y',
	]);
	t.is(embedded.tag('library/redis', '7'), images[1]!.chain[0]!.digest);
});

test('what is not there is unknown', async t => {
	const {store, images} = await example(t);
	const embedded = await openEmbedded(await filesWith(store, images));
	for (const name of ['redis:8', 'ghcr.io/pause:3.9', `redis@${images[0]!.chain[0]!.digest}`, 'gone:1'])
		await t.throwsAsync(embedded.resolve(name), {code: 'ERR_IMAGE_UNKNOWN'}, name);
});

test('an image that sealos made is found by its plain names', async t => {
	const {store, images} = await example(t);
	const files = await filesWith(store, images, all => {
		for (const path of Object.keys(all))
			if (/\/repositories\/(?:registry\.k8s\.io|docker\.io|quay\.io)\//.test(path)) delete all[path];
	});
	const embedded = await openEmbedded(files);
	t.is((await embedded.resolve('registry.k8s.io/pause:3.9')).digest, images[0]!.chain[0]!.digest);
	t.is((await embedded.resolve('redis:7')).digest, images[1]!.chain[0]!.digest);
});

test('damaged links and documents count as absent', async t => {
	const {store, images} = await example(t);
	const files = await filesWith(store, images, all => {
		for (const path of Object.keys(all))
			if (path.includes('/tags/7/current/')) all[path] = Buffer.from('sha256:nonsense\n');
		const document = `registry/docker/registry/v2/blobs/sha256/${images[0]!.chain[0]!.digest.slice(7, 9)}/${images[0]!.chain[0]!.digest.slice(7)}/data`;
		all[document] = Buffer.from('{"forged": true}');
	});
	const embedded = await openEmbedded(files);
	await t.throwsAsync(embedded.resolve('redis:7'), {code: 'ERR_IMAGE_UNKNOWN'});
	await t.throwsAsync(embedded.resolve('registry.k8s.io/pause:3.9'), {code: 'ERR_IMAGE_UNKNOWN'});
	await t.throwsAsync(embedded.fetch(images[0]!.chain[0]!), {code: 'ERR_CONTENT_DIGEST'});
});

test('a plan on top of what is embedded already is empty', async t => {
	const {store, images} = await example(t);
	const embedded = await openEmbedded(await filesWith(store, images));
	t.deepEqual((await planEmbed(images, {lower: embedded})).layers, []);
});

test('an image without a registry has nothing', async t => {
	const embedded = await openEmbedded(memoryFiles({}));
	t.is(embedded.repositories.size, 0);
	await t.throwsAsync(embedded.fetch({mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 1}), {
		code: 'ERR_CONTENT_MISSING',
	});
});
