import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import type {EmbedImage, EmbedLayer} from '../../../lib/oci/embedded.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import type {Store} from '../../../lib/oci/store/store.js';
import {divide} from '../../../lib/registry/embed/divide.js';
import {embedEntries} from '../../../lib/registry/embed/layer.js';
import type {LowerRegistry} from '../../../lib/registry/embed/lower.js';
import {planEmbed} from '../../../lib/registry/embed/plan.js';
import {makeImage, makeIndex, makeStore, put} from '../../helpers/cluster-images.js';

function embed(store: Store, name: string, ...chain: readonly Descriptor[]): EmbedImage {
	return {name, chain, content: store};
}

/** Paths below `registry/docker/registry/v2/`, digests shortened to the names given. */
function tree(layer: EmbedLayer, store: Store, names: Readonly<Record<string, Descriptor>>): string[] {
	const short = (text: string): string =>
		Object.entries(names).reduce(
			(result, [name, {digest}]) =>
				result.replaceAll(`${digest.slice(7, 9)}/${digest.slice(7)}`, name).replaceAll(digest.slice(7), name),
			text,
		);
	return embedEntries(layer, store)
		.filter(entry => entry.header.type === 'file')
		.map(({header, content}) => {
			const path = short(header.path.slice('registry/docker/registry/v2/'.length));
			return content?.kind === 'bytes' ? `${path} = ${short(Buffer.from(content.bytes).toString())}` : path;
		});
}

async function pause(t: ExecutionContext): Promise<{store: Store; names: Record<string, Descriptor>}> {
	const store = await makeStore(t);
	const [layer, other] = [
		describe(mediaTypes.layer, Buffer.from('layer')),
		describe(mediaTypes.layer, Buffer.from('arm')),
	];
	const manifest = await makeImage(store, {layers: ['layer']});
	const arm = await makeImage(store, {layers: ['arm'], platform: 'linux/arm64'});
	const index = await makeIndex(store, [manifest, arm]);
	const document = JSON.parse(await text(store, manifest)) as {config: Descriptor};
	return {store, names: {index, manifest, arm, layer, other, config: document.config}};
}

async function text(store: Store, descriptor: Descriptor): Promise<string> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of await store.fetch(descriptor)) chunks.push(chunk);
	return Buffer.concat(chunks).toString();
}

test('an image is embedded in the layout of the stock registry, with and without its domain', async t => {
	const {store, names} = await pause(t);
	const {layers, warnings} = await planEmbed([embed(store, 'registry.k8s.io/pause:3.9', names.manifest!)]);
	t.deepEqual(warnings, []);
	t.is(layers.length, 1);
	t.is(layers[0]!.title, 'registry.k8s.io/pause:3.9');
	const repository = (name: string): string[] => [
		`repositories/${name}/_layers/sha256/config/link = sha256:config`,
		`repositories/${name}/_layers/sha256/layer/link = sha256:layer`,
		`repositories/${name}/_manifests/revisions/sha256/manifest/link = sha256:manifest`,
		`repositories/${name}/_manifests/tags/3.9/current/link = sha256:manifest`,
		`repositories/${name}/_manifests/tags/3.9/index/sha256/manifest/link = sha256:manifest`,
	];
	t.deepEqual(
		tree(layers[0]!, store, names).sort(),
		[
			'blobs/sha256/config/data',
			'blobs/sha256/layer/data',
			'blobs/sha256/manifest/data',
			...repository('pause'),
			...repository('registry.k8s.io/pause'),
		].sort(),
	);
});

test('of an index the bytes are kept and only the own platform comes along', async t => {
	const {store, names} = await pause(t);
	const {layers} = await planEmbed([embed(store, 'redis:7', names.index!, names.manifest!)]);
	const files = tree(layers[0]!, store, names);
	t.deepEqual(
		files.filter(path => path.startsWith('blobs/')).sort(),
		['config', 'index', 'layer', 'manifest'].map(name => `blobs/sha256/${name}/data`),
	);
	t.true(files.includes('repositories/library/redis/_manifests/tags/7/current/link = sha256:index'));
	t.true(files.includes('repositories/library/redis/_manifests/revisions/sha256/index/link = sha256:index'));
	t.true(files.includes('repositories/library/redis/_manifests/revisions/sha256/manifest/link = sha256:manifest'));
	t.true(files.includes('repositories/docker.io/library/redis/_layers/sha256/config/link = sha256:config'));
	t.false(files.some(path => path.includes('arm')));
});

test('an image by digest has revisions and no tag', async t => {
	const {store, names} = await pause(t);
	const name = `quay.io/a/b@${names.index!.digest}`;
	const {layers} = await planEmbed([embed(store, name, names.index!, names.manifest!)]);
	const files = tree(layers[0]!, store, names);
	t.true(files.includes('repositories/quay.io/a/b/_manifests/revisions/sha256/index/link = sha256:index'));
	t.false(files.some(path => path.includes('/tags/')));
});

test('entries are folders 0755 and files 0644 of root, parents first, in byte order, at the given time', async t => {
	const {store, names} = await pause(t);
	const {layers} = await planEmbed([embed(store, 'pause:1', names.manifest!)], {mtime: 1_700_000_000});
	const entries = embedEntries(layers[0]!, store);
	const seen = new Set(['']);
	for (const {header} of entries) {
		t.true(seen.has(header.path.slice(0, Math.max(0, header.path.lastIndexOf('/')))), header.path);
		seen.add(header.path);
		t.deepEqual(
			[header.mode, header.uid, header.gid, header.mtime],
			[header.type === 'file' ? 0o644 : 0o755, 0, 0, 1_700_000_000],
		);
	}
	const order = entries.map(({header}) => header.path.split('/').join('\0'));
	t.deepEqual(order, order.toSorted());
	t.is(seen.size, entries.length + 1);
	t.is(entries[0]?.header.path, 'registry');
});

test('a repository on a port or with capitals gets a name that registries accept', async t => {
	const {store, names} = await pause(t);
	const {layers} = await planEmbed([embed(store, 'Localhost:5000/x:1', names.manifest!)]);
	t.true(tree(layers[0]!, store, names).some(path => path.startsWith('repositories/localhost_5000/x/_manifests/')));
});

test('blobs that several images use lie in a layer of their own, before the images', async t => {
	const store = await makeStore(t);
	const one = await makeImage(store, {layers: ['base', 'one']});
	const two = await makeImage(store, {layers: ['base', 'two']});
	const three = await makeImage(store, {layers: ['alone']});
	const {layers} = await planEmbed([
		embed(store, 'three:1', three),
		embed(store, 'one:1', one),
		embed(store, 'two:1', two),
	]);
	t.deepEqual(
		layers.map(layer => [layer.title, layer.blobs.length, layer.links.length > 0]),
		[
			['blobs shared by one:1, two:1', 1, false],
			['one:1', 3, true],
			['three:1', 3, true],
			['two:1', 3, true],
		],
	);
});

test('two names of one image share its layer', async t => {
	const {store, names} = await pause(t);
	const {layers} = await planEmbed([embed(store, 'a:1', names.manifest!), embed(store, 'a:2', names.manifest!)]);
	t.is(layers.length, 1);
	t.is(layers[0]?.links.filter(link => link.path.endsWith('/current/link')).length, 4);
});

test('a plain name that two registries would fill differently goes to neither, with a warning', async t => {
	const store = await makeStore(t);
	const one = await makeImage(store, {layers: ['one']});
	const two = await makeImage(store, {layers: ['two']});
	const {layers, warnings} = await planEmbed([
		embed(store, 'quay.io/coreos/etcd:1', one),
		embed(store, 'coreos/etcd:1', two),
		embed(store, 'quay.io/coreos/etcd:2', two),
	]);
	const tags = layers
		.flatMap(layer => layer.links.map(link => link.path))
		.filter(path => path.endsWith('/current/link'));
	t.deepEqual(
		tags.map(path => path.slice('registry/docker/registry/v2/repositories/'.length, -'/current/link'.length)).sort(),
		[
			'coreos/etcd/_manifests/tags/2',
			'docker.io/coreos/etcd/_manifests/tags/1',
			'quay.io/coreos/etcd/_manifests/tags/1',
			'quay.io/coreos/etcd/_manifests/tags/2',
		],
	);
	t.is(warnings.length, 1);
	t.like(warnings[0], {code: 'EmbedAliasCollision'});
	t.regex(warnings[0]!.message, /docker\.io\/coreos\/etcd:1 and quay\.io\/coreos\/etcd:1 would be coreos\/etcd:1/);
});

test('the same image under two registries shares the plain name', async t => {
	const {store, names} = await pause(t);
	const {warnings, layers} = await planEmbed([
		embed(store, 'quay.io/x/y:1', names.manifest!),
		embed(store, 'ghcr.io/x/y:1', names.manifest!),
	]);
	t.deepEqual(warnings, []);
	t.true(layers[0]!.links.some(link => link.path.includes('/repositories/x/y/_manifests/tags/1/current/')));
});

test('what lower layers hold is not repeated', async t => {
	const {store, names} = await pause(t);
	const below = await planEmbed([embed(store, 'a:1', names.index!, names.manifest!)]);
	const paths = new Set(below.layers.flatMap(layer => embedEntries(layer, store).map(entry => entry.header.path)));
	const lower: LowerRegistry = {
		has: path => paths.has(path),
		tag: (repository, tag) => (repository.endsWith('a') && tag === '1' ? names.index!.digest : undefined),
	};
	const same = await planEmbed([embed(store, 'a:1', names.index!, names.manifest!)], {lower});
	t.deepEqual(same.layers, []);
	const moved = await planEmbed([embed(store, 'a:1', names.manifest!)], {lower});
	t.is(moved.layers.length, 1);
	t.deepEqual(moved.layers[0]!.blobs, []);
	t.true(moved.layers[0]!.links.some(link => link.path.endsWith('library/a/_manifests/tags/1/current/link')));
});

test('a plain name that a base image uses for another image stays as it is', async t => {
	const {store, names} = await pause(t);
	const lower: LowerRegistry = {
		has: () => false,
		tag: repository => (repository === 'pause' ? names.index!.digest : undefined),
	};
	const {layers, warnings} = await planEmbed([embed(store, 'quay.io/pause:1', names.manifest!)], {lower});
	t.false(layers[0]!.links.some(link => link.path.includes('/repositories/pause/')));
	t.regex(warnings[0]!.message, /which a base image uses for another image/);
});

test('one name for two images is refused', async t => {
	const store = await makeStore(t);
	const [one, two] = [await makeImage(store, {layers: ['one']}), await makeImage(store, {layers: ['two']})];
	await t.throwsAsync(planEmbed([embed(store, 'a:1', one), embed(store, 'docker.io/library/a:1', two)]), {
		code: 'ERR_EMBED_CONFLICT',
	});
});

test('images in the schema 1 format are refused with the way out', async t => {
	const store = await makeStore(t);
	const old = await put(
		store,
		'application/vnd.docker.distribution.manifest.v1+prettyjws',
		Buffer.from('{"schemaVersion":1}'),
	);
	const error = await t.throwsAsync(planEmbed([embed(store, 'old:1', old)]));
	t.like(error, {code: 'ERR_MANIFEST_INVALID'});
	t.regex((error as {hint?: string}).hint ?? '', /v2s2/);
});

test('a manifest without its media type is kept; a docker one will be served under another type and is a warning', async t => {
	const store = await makeStore(t);
	const oci = await makeImage(store, {layers: ['x'], mediaTypeField: false});
	t.deepEqual((await planEmbed([embed(store, 'a:1', oci)])).warnings, []);
	const docker = {...oci, mediaType: mediaTypes.dockerManifest};
	t.like((await planEmbed([embed(store, 'a:1', docker)])).warnings[0], {code: 'EmbedMediaType'});
});

test('an index that does not list the manifest of the chain is refused', async t => {
	const {store, names} = await pause(t);
	const other = await makeImage(store, {layers: ['stranger']});
	await t.throwsAsync(planEmbed([embed(store, 'a:1', names.index!, other)]), {code: 'ERR_MANIFEST_INVALID'});
});

test('layers that may not be distributed are left out, with a warning', async t => {
	const store = await makeStore(t);
	const image = await makeImage(store, {layers: ['own', 'foreign']});
	const document = JSON.parse(await text(store, image)) as {layers: Array<{mediaType: string}>};
	document.layers[1]!.mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
	const changed = await put(store, mediaTypes.manifest, Buffer.from(JSON.stringify(document)));
	const {layers, warnings} = await planEmbed([embed(store, 'windows:1', changed)]);
	t.is(layers[0]!.blobs.length, 3);
	t.like(warnings[0], {code: 'EmbedForeignLayer'});
});

test('empty blobs have no content', async t => {
	const store = await makeStore(t);
	const image = await makeImage(store, {layers: ['']});
	const {layers} = await planEmbed([embed(store, 'a:1', image)]);
	const empty = embedEntries(layers[0]!, store).find(({header}) => header.type === 'file' && header.size === 0);
	t.false('content' in empty!);
});

test('the order of images does not change the plan', async t => {
	const store = await makeStore(t);
	const images: EmbedImage[] = [];
	for (const name of ['a', 'b', 'c', 'd'])
		images.push(embed(store, `${name}:1`, await makeImage(store, {layers: ['base', name]})));
	const forward = await planEmbed(images);
	t.deepEqual(await planEmbed(images.toReversed()), forward);
	t.true(forward.sizeBytes > 0);
});

test('changing an image changes its own layers only', async t => {
	const store = await makeStore(t);
	const bases = ['base0', 'base1', 'base2'];
	const build = async (versions: readonly number[]): Promise<string[][]> => {
		const images: EmbedImage[] = [];
		for (const [i, version] of versions.entries())
			images.push(
				embed(store, `image${i}:1`, await makeImage(store, {layers: [bases[i % 3]!, `own ${i} ${version}`]})),
			);
		const {layers} = await planEmbed(images);
		return layers.map(layer => [layer.title, layer.key]);
	};
	const before = await build([0, 0, 0, 0, 0, 0]);
	const after = await build([0, 0, 1, 0, 0, 0]);
	const changed = after.filter(
		([title, key]) => !before.some(([oldTitle, oldKey]) => oldTitle === title && oldKey === key),
	);
	t.deepEqual(
		changed.map(([title]) => title),
		['image2:1'],
	);
});

const blobs = fc.uniqueArray(fc.integer({min: 0, max: 30}), {maxLength: 6});
const imagesOf = (lists: readonly number[][]) =>
	lists.map((list, i) => ({
		id: `image${String(i).padStart(3, '0')}`,
		repository: `repository${i}`,
		blobs: list.map(n => ({digest: `sha256:${String(n).padStart(64, '0')}` as const, size: n})),
	}));

test('dividing puts every blob and every image in exactly one part, and never makes too many', t => {
	fc.assert(
		fc.property(fc.array(blobs, {maxLength: 40}), fc.integer({min: 2, max: 40}), (lists, maxParts) => {
			const images = imagesOf(lists);
			const parts = divide(images, maxParts);
			const placed = parts.flatMap(part => part.blobs.map(blob => blob.digest));
			t.is(new Set(placed).size, placed.length);
			const all = new Set<string>(images.flatMap(image => image.blobs.map(blob => blob.digest)));
			t.deepEqual(placed.sort(), [...all].sort());
			t.deepEqual(
				parts.flatMap(part => part.members).sort(),
				images.map(image => image.id),
			);
			t.true(parts.length <= maxParts);
		}),
	);
});

test('beyond the limit an image is bundled by its own name, whatever the others are', t => {
	const many = imagesOf(Array.from({length: 100}, (_, i) => [100 + i]));
	const bundleOf = (id: string, images: typeof many): string | undefined =>
		divide(images, 20)
			.find(part => part.members.includes(id))
			?.members.join();
	const fewer = many.filter(image => image.id !== 'image050');
	for (const {id} of fewer) {
		const before = bundleOf(id, many)
			?.split(',')
			.filter(member => member !== 'image050')
			.join();
		t.is(bundleOf(id, fewer), before);
	}
});
