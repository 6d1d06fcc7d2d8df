import {readdirSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import type {ImageSink, ImageSource} from '../../lib/oci/content.js';
import {ContentError} from '../../lib/oci/content-error.js';
import {copy} from '../../lib/oci/copy.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {readManifest} from '../../lib/oci/image.js';
import {emptyDescriptor, type ImageIndex} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore, type Store} from '../../lib/oci/store/store.js';
import {withFetch} from '../helpers/failing-source.js';
import {chunks, describeText, put, putImage, putIndex, putMultiArch, textOf} from '../helpers/images.js';
import {tempDir} from '../helpers/temp-dir.js';

async function twoStores(t: ExecutionContext): Promise<{from: Store; to: Store}> {
	const dir = tempDir(t);
	return {from: await openStore(join(dir, 'from')), to: await openStore(join(dir, 'to'))};
}

/** Without the files of the blobs a copy has to stream. */
function streaming(store: Store): ImageSource {
	return withFetch(store, () => undefined);
}

/** The store with another way to store: not resumable. */
function withPush(store: Store, push: ImageSink['push']): ImageSink {
	return Object.assign({}, store, {push, pushFrom: undefined});
}

const arm = {os: 'linux', architecture: 'arm64'};

test('copies everything an index reaches, byte for byte, and names it last', async t => {
	const {from, to} = await twoStores(t);
	const index = await putMultiArch(from);
	await from.tag('a:1', index);
	const order: string[] = [];
	const push: ImageSink['push'] = async (descriptor, bytes, options) => {
		await to.push(descriptor, bytes, options);
		order.push(descriptor.digest);
	};
	const watched: ImageSink = {
		...withPush(to, push),
		tag: async (name, descriptor) => {
			await to.tag(name, descriptor);
			order.push(name);
		},
	};
	const copied = await copy(streaming(from), 'a:1', watched);
	t.is(copied.digest, index.digest);
	t.deepEqual(order.slice(-2), [index.digest, 'a:1']);
	const blobs = (store: Store): string[] => readdirSync(join(store.root, 'blobs', 'sha256')).toSorted();
	t.deepEqual(blobs(to), blobs(from));
	const {manifests} = (await readManifest(to, index)) as ImageIndex;
	for (const child of manifests) t.true(order.indexOf(child.digest) < order.indexOf(index.digest));
});

test('takes another name, or none', async t => {
	const {from, to} = await twoStores(t);
	const image = await putImage(from);
	await from.tag('a:1', image);
	await copy(from, 'a:1', to, {as: 'b:2'});
	t.is((await to.resolve('b:2')).digest, image.digest);
	await t.throwsAsync(to.resolve('a:1'), {code: 'ERR_IMAGE_UNKNOWN'});
	const other = await putImage(from, {layers: ['other']});
	await copy(from, other.digest, to);
	t.deepEqual(
		(await to.list()).map(({names}) => names.length),
		[1, 0],
	);
});

test('skips what the sink has, and says so', async t => {
	const {from, to} = await twoStores(t);
	await from.tag('a:1', await putImage(from, {layers: ['1', '2']}));
	const events: SealEvent[] = [];
	await copy(streaming(from), 'a:1', to);
	await copy(streaming(from), 'a:1', to, {onEvent: event => events.push(event)});
	t.deepEqual(
		events.map(({type}) => type),
		['blob.skipped', 'blob.skipped', 'blob.skipped', 'blob.skipped'],
	);
});

test('chooses one platform', async t => {
	const {from, to} = await twoStores(t);
	await from.tag('a:1', await putMultiArch(from));
	const copied = await copy(from, 'a:1', to, {platform: arm});
	t.is(copied.mediaType, mediaTypes.manifest);
	t.deepEqual((await to.list())[0]?.platforms, [arm]);
	await t.throwsAsync(copy(from, 'a:1', to, {platform: {os: 'linux', architecture: 's390x'}}), {
		code: 'ERR_PLATFORM',
		message: /is for linux\/amd64, linux\/arm64, wanted linux\/s390x/,
	});
});

test('keeps the bytes of the index when it is asked to, with one child only', async t => {
	const {from, to} = await twoStores(t);
	const index = await putMultiArch(from);
	await from.tag('a:1', index);
	const copied = await copy(from, 'a:1', to, {platform: arm, keepIndex: true});
	t.is(copied.digest, index.digest);
	const {manifests} = (await readManifest(to, index)) as ImageIndex;
	t.deepEqual(await Promise.all(manifests.map(child => to.exists(child))), [false, true]);
	t.deepEqual((await to.list())[0]?.platforms, [arm]);
	await copy(to, 'a:1', to, {as: 'b:1', platform: arm});
	t.is((await to.resolve('b:1')).digest, manifests[1]!.digest);
});

test('a single image must be for the wanted platform', async t => {
	const {from, to} = await twoStores(t);
	await from.tag('a:1', await putImage(from, {platform: arm}));
	await copy(from, 'a:1', to, {platform: arm});
	await t.throwsAsync(copy(from, 'a:1', to, {platform: {os: 'linux', architecture: 'amd64'}}), {code: 'ERR_PLATFORM'});
});

test('keeps docker types, nested indexes, unknown types and artifacts as they are', async t => {
	const {from, to} = await twoStores(t);
	const docker = await putImage(from, {docker: true, gzip: true, layers: ['docker']});
	const inner = await putIndex(from, [docker], mediaTypes.dockerIndex);
	const unknown = await put(from, 'application/vnd.example.thing', Buffer.from('?'));
	await put(from, emptyDescriptor.mediaType, Buffer.from('{}'));
	const artifact = {
		schemaVersion: 2,
		mediaType: mediaTypes.manifest,
		artifactType: 'application/example',
		config: emptyDescriptor,
		layers: [unknown],
	};
	const artifactDescriptor = await put(from, mediaTypes.manifest, Buffer.from(JSON.stringify(artifact)));
	const index = await putIndex(from, [inner, unknown, artifactDescriptor]);
	await from.tag('a:1', index);
	const copied = await copy(streaming(from), 'a:1', to);
	t.is(copied.digest, index.digest);
	for (const descriptor of [docker, inner, unknown, artifactDescriptor]) t.true(await to.exists(descriptor));
	t.is((await to.resolve(docker.digest)).mediaType, mediaTypes.dockerManifest);
});

test('leaves out layers that may not be distributed and that nobody has', async t => {
	const {from, to} = await twoStores(t);
	const foreign = {
		...describeText('foreign', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
		urls: ['https://example.com/layer'],
	};
	const config = await put(from, mediaTypes.dockerConfig, Buffer.from('{}'));
	const manifest = {schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config, layers: [foreign]};
	await from.tag('a:1', await put(from, mediaTypes.dockerManifest, Buffer.from(JSON.stringify(manifest))));
	await copy(from, 'a:1', to);
	t.false(await to.exists(foreign));
});

test('links the files of another store instead of copying them', async t => {
	const {from, to} = await twoStores(t);
	const image = await putImage(from, {layers: ['a layer']});
	await from.tag('a:1', image);
	await copy(from, 'a:1', to);
	const layer = describeText('a layer', mediaTypes.layer);
	t.is(statSync(to.blobPath(layer.digest)).ino, statSync(from.blobPath(layer.digest)).ino);
});

const failsAt = test.macro({
	async exec(
		t,
		side: 'source' | 'sink',
		break_: (from: Store, to: Store, layer: Descriptor) => [ImageSource, ImageSink],
		code: string,
	) {
		const {from, to} = await twoStores(t);
		await from.tag('a:1', await putImage(from, {layers: ['the layer']}));
		const layer = describeText('the layer', mediaTypes.layer);
		const [source, sink] = break_(from, to, layer);
		const error = await t.throwsAsync(copy(source, 'a:1', sink), {instanceOf: ContentError});
		t.is(error?.side, side);
		t.is(error?.code, code as never);
		t.deepEqual(await to.list(), []);
		t.false(await to.exists(layer));
	},
	title: title => `says which side failed: ${title}`,
});

test(
	'the source has wrong bytes',
	failsAt,
	'source',
	(from, to, layer) => [
		withFetch(from, ({digest}) => (digest === layer.digest ? chunks('the lAyer') : undefined)),
		withPush(to, to.push),
	],
	'ERR_CONTENT_DIGEST',
);
test(
	'the source lacks a layer',
	failsAt,
	'source',
	(from, to, layer) => {
		rmSync(from.blobPath(layer.digest));
		return [from, to];
	},
	'ERR_CONTENT_MISSING',
);
test(
	'the sink has no space',
	failsAt,
	'sink',
	(from, to, layer) => {
		const full = Object.assign(new Error('ENOSPC'), {code: 'ENOSPC'});
		const push: ImageSink['push'] = async (descriptor, bytes, options) => {
			if (descriptor.digest === layer.digest) throw full;
			await to.push(descriptor, bytes, options);
		};
		return [streaming(from), withPush(to, push)];
	},
	'ERR_NO_SPACE',
);

test('an abort ends the copy with its reason and leaves no name', async t => {
	const {from, to} = await twoStores(t);
	await from.tag('a:1', await putImage(from));
	const controller = new AbortController();
	const reason = new Error('enough');
	const source = withFetch(from, () => {
		controller.abort(reason);
		return undefined;
	});
	t.is(await t.throwsAsync(copy(source, 'a:1', to, {signal: controller.signal})), reason);
	t.deepEqual(await to.list(), []);
});

test('copies at most as many blobs at once as allowed', async t => {
	const {from, to} = await twoStores(t);
	await from.tag('a:1', await putImage(from, {layers: Array.from({length: 12}, (_, i) => `layer ${i}`)}));
	let running = 0;
	let most = 0;
	let release = (): void => undefined;
	const three = new Promise<void>(resolve => {
		release = resolve;
	});
	const push: ImageSink['push'] = async (descriptor, bytes, options) => {
		most = Math.max(most, ++running);
		if (running === 3) release();
		await three;
		await to.push(descriptor, bytes, options);
		running--;
	};
	await copy(streaming(from), 'a:1', withPush(to, push), {concurrency: 3});
	t.is(most, 3);
	t.is((await textOf(await to.fetch(describeText('layer 7', mediaTypes.layer)))).length, 7);
});

test('refuses manifests that are too large, and claims that are none', async t => {
	const {from, to} = await twoStores(t);
	const large = {mediaType: mediaTypes.manifest, digest: `sha256:${'a'.repeat(64)}`, size: 5_000_000} as const;
	const source: ImageSource = {...streaming(from), resolve: async () => large};
	await t.throwsAsync(copy(source, 'a:1', to), {
		code: 'ERR_CONTENT_SIZE',
		message: /has 5000000 bytes, at most 4194304/,
	});
	const rubbish = await put(from, mediaTypes.manifest, Buffer.from('[]'));
	await from.tag('rubbish', rubbish);
	await t.throwsAsync(copy(from, 'rubbish', to), {code: 'ERR_MANIFEST_INVALID'});
});

test('an abort that ends a question to the sink before the manifest is read is the copy that fails, nothing else', async t => {
	const {from, to} = await twoStores(t);
	const slow = await putImage(from);
	const absent = {mediaType: mediaTypes.manifest, digest: `sha256:${'a'.repeat(64)}`, size: 10} as const;
	await from.tag('a:1', await putIndex(from, [slow, absent]));
	let end = (): void => undefined;
	const ended = new Promise<void>(resolve => {
		end = resolve;
	});
	const exists: ImageSink['exists'] = async (descriptor, {signal} = {}) => {
		if (descriptor.digest !== slow.digest) return false;
		return await new Promise((_, reject) => {
			signal?.addEventListener('abort', () => {
				reject(signal.reason as Error);
				// A rejection that nobody handles is reported before this.
				setImmediate(() => setImmediate(end));
			});
		});
	};
	const source: ImageSource = {
		...streaming(from),
		async fetch(descriptor, options) {
			if (descriptor.digest === slow.digest) await ended;
			return await from.fetch(descriptor, options);
		},
	};
	const sink: ImageSink = Object.assign({}, to, {exists, holdsWholeManifests: true});
	const reported: unknown[] = [];
	const report = (reason: unknown): unknown => reported.push(reason);
	process.on('unhandledRejection', report);
	t.teardown(() => process.off('unhandledRejection', report));
	await t.throwsAsync(copy(source, 'a:1', sink), {instanceOf: ContentError, code: 'ERR_CONTENT_MISSING'});
	t.deepEqual(reported, []);
});
