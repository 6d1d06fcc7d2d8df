import {
	chmodSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import type {SealError} from '../../../lib/core/errors.js';
import type {Digest} from '../../../lib/oci/digest.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {chunks, describeText, put, putImage, putIndex, putMultiArch, textOf} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

function filesIn(store: Store): readonly string[] {
	return readdirSync(store.root, {recursive: true, withFileTypes: true})
		.filter(entry => entry.isFile() && entry.name !== '.owner')
		.map(entry => entry.name)
		.toSorted();
}

test('a new store is an empty OCI image layout', async t => {
	const root = join(tempDir(t), 'deep', 'store');
	await openStore(root);
	t.is(readFileSync(join(root, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}');
	t.deepEqual(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')), {
		schemaVersion: 2,
		mediaType: 'application/vnd.oci.image.index.v1+json',
		manifests: [],
	});
	t.true(statSync(join(root, 'blobs', 'sha256')).isDirectory());
});

test('opening again changes nothing', async t => {
	const root = tempDir(t);
	const store = await openStore(root);
	await store.tag('a', await putImage(store));
	const before = readFileSync(join(root, 'index.json'), 'utf8');
	await openStore(root);
	t.is(readFileSync(join(root, 'index.json'), 'utf8'), before);
});

test('a store that died while it was being made is finished by the next', async t => {
	const root = tempDir(t);
	mkdirSync(join(root, '.sealimage'));
	mkdirSync(join(root, 'blobs'));
	const store = await openStore(root);
	await store.tag('a', await putImage(store));
	t.is((await store.list()).length, 1);
});

const refusesRoot = test.macro({
	async exec(t, prepare: (root: string) => void, code: string, message: RegExp) {
		const root = join(tempDir(t), 'root');
		prepare(root);
		const error = (await t.throwsAsync(openStore(root))) as SealError;
		t.is(error.code, code as never);
		t.regex(error.message, message);
	},
	title: title => `refuses ${title}`,
});

test(
	'a file as root',
	refusesRoot,
	root => writeFileSync(root, ''),
	'ERR_LAYOUT_INVALID',
	/is a file, expected a folder/,
);
test(
	'a folder with other files',
	refusesRoot,
	root => {
		mkdirSync(root);
		writeFileSync(join(root, 'notes.txt'), '');
	},
	'ERR_LAYOUT_INVALID',
	/holds other files \(notes\.txt\)/,
);
test(
	'a layout of a newer version',
	refusesRoot,
	root => {
		mkdirSync(root);
		writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
	},
	'ERR_LAYOUT_INVALID',
	/version "2\.0\.0", this program reads 1\.0\.0/,
);
test(
	'a damaged oci-layout file',
	refusesRoot,
	root => {
		mkdirSync(root);
		writeFileSync(join(root, 'oci-layout'), '{');
	},
	'ERR_LAYOUT_INVALID',
	/damaged/,
);
test(
	'a path below a file',
	refusesRoot,
	root => {
		writeFileSync(root, '');
		rmSync(root);
		writeFileSync(root, '');
	},
	'ERR_LAYOUT_INVALID',
	/is a file/,
);

test('does not make a folder when it is told not to', async t => {
	const root = join(tempDir(t), 'none');
	await t.throwsAsync(openStore(root, {create: false}), {code: 'ERR_LAYOUT_INVALID'});
	t.false(existsSync(root));
});

test('reports a damaged index.json', async t => {
	const store = await openStore(tempDir(t));
	for (const text of ['{"schemaVersion":2,"manif', '{"manifests":{}}', '{"manifests":[{"digest":"x"}]}']) {
		writeFileSync(join(store.root, 'index.json'), text);
		await t.throwsAsync(store.list(), {code: 'ERR_STORE_DAMAGED', message: /index\.json is damaged/});
	}
	rmSync(join(store.root, 'index.json'));
	await t.throwsAsync(store.resolve('a'), {code: 'ERR_STORE_DAMAGED', message: /there is no index\.json/});
});

test('stores content once and gives it back verified, from any offset', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = describeText('hello world');
	t.false(await store.exists(descriptor));
	await store.push(descriptor, chunks('hello ', 'world'));
	await store.push(descriptor, chunks('hello ', 'world'));
	t.true(await store.exists(descriptor));
	t.is(await textOf(await store.fetch(descriptor)), 'hello world');
	t.is(await textOf(await store.fetch(descriptor, {offset: 6})), 'world');
	t.is(await textOf(await store.fetch(descriptor, {offset: 11})), '');
	t.is(statSync(store.blobPath(descriptor.digest)).mode & 0o777, 0o444);
	await t.throwsAsync(store.fetch(descriptor, {offset: 12}), {instanceOf: RangeError});
});

test('stores empty content, and sha512 in its own folder', async t => {
	const store = await openStore(tempDir(t));
	const empty = describeText('');
	await store.push(empty, chunks());
	t.is(await textOf(await store.fetch(empty)), '');
	const digest: Digest =
		'sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043';
	const hello = {mediaType: 'text/plain', digest, size: 5};
	await store.push(hello, chunks('hello'));
	t.is(await textOf(await store.fetch(hello)), 'hello');
	t.true(existsSync(join(store.root, 'blobs', 'sha512', digest.slice(7))));
});

test('refuses content that is longer, shorter, endless or other, and keeps nothing of it', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = describeText('hello');
	await t.throwsAsync(store.push(descriptor, chunks('hell')), {code: 'ERR_CONTENT_SIZE', message: /shorter/});
	await t.throwsAsync(store.push(descriptor, chunks('hello', '!')), {code: 'ERR_CONTENT_SIZE', message: /longer/});
	await t.throwsAsync(store.push(descriptor, chunks('hellO')), {
		code: 'ERR_CONTENT_DIGEST',
		message: /expected sha256:2cf2/,
	});
	let given = 0;
	const endless = async function* (): AsyncGenerator<Uint8Array> {
		for (;;) {
			given++;
			yield Buffer.alloc(1000);
		}
	};
	await t.throwsAsync(store.push(descriptor, endless()), {code: 'ERR_CONTENT_SIZE'});
	t.is(given, 1);
	t.false(await store.exists(descriptor));
	t.deepEqual(filesIn(store), ['index.json', 'oci-layout']);
});

test('a stream that fails or is aborted leaves nothing', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = describeText('hello');
	const failing = async function* (): AsyncGenerator<Uint8Array> {
		yield Buffer.from('hel');
		throw new Error('cut');
	};
	await t.throwsAsync(store.push(descriptor, failing()), {message: 'cut'});
	const controller = new AbortController();
	const reason = new Error('enough');
	const aborting = async function* (): AsyncGenerator<Uint8Array> {
		yield Buffer.from('hel');
		controller.abort(reason);
		yield Buffer.from('lo');
	};
	t.is(await t.throwsAsync(store.push(descriptor, aborting(), {signal: controller.signal})), reason);
	t.deepEqual(filesIn(store), ['index.json', 'oci-layout']);
});

test('lets go of a stream that it does not need', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = await put(store, 'text/plain', Buffer.from('x'));
	let ended = false;
	const stream = {
		[Symbol.asyncIterator]: () => ({
			next: async () => ({done: true as const, value: undefined}),
			return: async () => {
				ended = true;
				return {done: true as const, value: undefined};
			},
		}),
	};
	await store.push(descriptor, stream);
	t.true(ended);
});

test('notices damage on the disk, and mends it when the content is pushed again', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = await put(store, 'text/plain', Buffer.from('hello'));
	const path = store.blobPath(descriptor.digest);
	chmodSync(path, 0o644);
	writeFileSync(path, 'hellO');
	await t.throwsAsync(async () => textOf(await store.fetch(descriptor)), {code: 'ERR_CONTENT_DIGEST'});
	truncateSync(path, 2);
	await t.throwsAsync(store.fetch(descriptor), {code: 'ERR_CONTENT_SIZE', message: /has 5 bytes, found 2/});
	const fresh = await openStore(store.root);
	t.false(await fresh.exists(descriptor));
	await fresh.push(descriptor, chunks('hello'));
	t.is(await textOf(await fresh.fetch(descriptor)), 'hello');
	rmSync(path);
	await t.throwsAsync(store.fetch(descriptor), {code: 'ERR_CONTENT_MISSING'});
});

test('an ingest becomes visible when it is committed, under the digest of what was written', async t => {
	const store = await openStore(tempDir(t));
	const descriptor = describeText('abcdef');
	const ingest = await store.ingest();
	const chunk = Buffer.from('abc');
	await ingest.write(chunk);
	chunk.fill(0);
	await ingest.write(Buffer.from('def'));
	t.false(await store.exists(descriptor));
	await ingest.commit(descriptor.digest);
	await ingest.abort();
	t.is(await textOf(await store.fetch(descriptor)), 'abcdef');
	const again = await store.ingest();
	await again.write(Buffer.from('abcdef'));
	await again.commit(descriptor.digest);
	await t.throwsAsync(again.write(chunk), {instanceOf: TypeError});
	const dropped = await store.ingest();
	await dropped.write(chunk);
	await dropped.abort();
	await dropped.abort();
	t.is(filesIn(store).length, 3);
});

test('names are stored whole and found in any spelling', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag('redis:v7', image);
	const index = JSON.parse(readFileSync(join(store.root, 'index.json'), 'utf8')) as {manifests: unknown[]};
	t.deepEqual(index.manifests, [
		{
			...image,
			annotations: {
				'org.opencontainers.image.ref.name': 'docker.io/library/redis:v7',
				'io.containerd.image.name': 'docker.io/library/redis:v7',
			},
		},
	]);
	for (const name of [
		'redis:v7',
		'docker.io/redis:v7',
		'docker.io/library/redis:v7',
		'index.docker.io/library/redis:v7',
	]) {
		t.deepEqual(await store.resolve(name), image, name);
	}
	await t.throwsAsync(store.resolve('redis'), {code: 'ERR_IMAGE_UNKNOWN', message: /No image "redis" in the store/});
	await t.throwsAsync(store.resolve('Redis'), {code: 'ERR_REFERENCE_INVALID'});
	await t.throwsAsync(store.tag('Bad Name', image), {code: 'ERR_REFERENCE_INVALID'});
});

test('an unknown tag of a known repository hints at what there is', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('redis:v7', await putImage(store));
	const error = (await t.throwsAsync(store.resolve('redis:v8'))) as SealError;
	t.is(error.hint, 'Use redis:v7, or see the list of images.');
});

test('images are found by digest, name@digest, image id and the children of an index by digest', async t => {
	const store = await openStore(tempDir(t));
	const index = await putMultiArch(store);
	const other = await putImage(store, {layers: ['other']});
	await store.tag('multi', index);
	await store.tag('other', other);
	t.is((await store.resolve(index.digest)).digest, index.digest);
	t.is((await store.resolve(`multi@${index.digest}`)).digest, index.digest);
	t.is((await store.resolve(`multi:latest@${index.digest}`)).digest, index.digest);
	t.is((await store.resolve(index.digest.slice(7, 13))).digest, index.digest);
	t.is((await store.resolve(index.digest.slice(0, 19))).digest, index.digest);
	t.is((await store.resolve(index.digest.slice(7))).digest, index.digest);
	const document = JSON.parse(await textOf(await store.fetch(index))) as {manifests: {digest: Digest}[]};
	const child = document.manifests[1]!.digest;
	t.is((await store.resolve(child)).mediaType, 'application/vnd.oci.image.manifest.v1+json');
	await t.throwsAsync(store.resolve(index.digest.slice(7, 12)), {code: 'ERR_IMAGE_UNKNOWN'});
	await t.throwsAsync(store.resolve(`sha256:${'0'.repeat(64)}`), {code: 'ERR_IMAGE_UNKNOWN'});
	await t.throwsAsync(store.resolve('0'.repeat(64)), {code: 'ERR_IMAGE_UNKNOWN'});
});

test('an image id that begins several digests is refused with their list', async t => {
	const store = await openStore(tempDir(t));
	const entries = ['a', 'b'].map(end => ({
		mediaType: 'application/vnd.oci.image.manifest.v1+json',
		digest: `sha256:abcdef${'0'.repeat(57)}${end}`,
		size: 1,
	}));
	writeFileSync(join(store.root, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: entries}));
	const error = (await t.throwsAsync(store.resolve('abcdef'))) as SealError;
	t.regex(error.message, /begins the digests of 2 images/);
	t.is((await store.resolve(`abcdef${'0'.repeat(57)}b`)).digest, entries[1]!.digest as Digest);
});

test('a tag moves, a second name stays, and untag gives what the name pointed to', async t => {
	const store = await openStore(tempDir(t));
	const one = await putImage(store, {layers: ['1']});
	const two = await putImage(store, {layers: ['2']});
	await store.tag('a:1', one);
	await store.tag('b:1', one);
	await store.tag('a:1', two);
	t.deepEqual(
		(await store.list()).map(image => [image.names, image.descriptor.digest]),
		[
			[['docker.io/library/a:1'], two.digest],
			[['docker.io/library/b:1'], one.digest],
		],
	);
	t.is((await store.untag('docker.io/a:1')).digest, two.digest);
	await t.throwsAsync(store.untag('a:1'), {code: 'ERR_IMAGE_UNKNOWN'});
	t.is((await store.list()).length, 1);
});

test('an image can be kept without a name until it gets one', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag(image.digest, image);
	await store.tag(image.digest, image);
	t.deepEqual(
		(await store.list()).map(({names}) => names),
		[[]],
	);
	await store.tag('a', image);
	t.deepEqual(
		(await store.list()).map(({names}) => names),
		[['docker.io/library/a:latest']],
	);
});

test('a name cannot point to content that is not there', async t => {
	const store = await openStore(tempDir(t));
	await t.throwsAsync(store.tag('a', describeText('nothing')), {code: 'ERR_CONTENT_MISSING'});
	t.deepEqual(await store.list(), []);
});

test('a listing tells platforms, size and age, each blob counted once', async t => {
	const store = await openStore(tempDir(t));
	const old = await putImage(store, {created: '2020-01-01T00:00:00Z', layers: ['shared', 'one']});
	const young = await putImage(store, {
		created: '2024-01-01T00:00:00Z',
		layers: ['shared'],
		platform: {os: 'linux', architecture: 'arm64', variant: 'v8'},
	});
	const attestation = await putImage(store, {platform: {os: 'unknown', architecture: 'unknown'}, layers: []});
	const index = await putIndex(store, [old, young, attestation]);
	await store.tag('a:1', index);
	await store.tag('a:2', index);
	const [image, ...rest] = await store.list();
	t.deepEqual(rest, []);
	t.deepEqual(image?.names, ['docker.io/library/a:1', 'docker.io/library/a:2']);
	t.is(image?.created, '2024-01-01T00:00:00Z');
	t.deepEqual(image?.platforms, [
		{os: 'linux', architecture: 'amd64'},
		{os: 'linux', architecture: 'arm64'},
	]);
	const sizes = readdirSync(join(store.root, 'blobs', 'sha256')).map(
		name => statSync(join(store.root, 'blobs', 'sha256', name)).size,
	);
	t.is(
		image?.sizeBytes,
		sizes.reduce((a, b) => a + b, 0),
	);
	t.deepEqual((await store.list({facts: false}))[0]?.platforms, []);
});

test('a damaged image is listed with the reason, and the others stay usable', async t => {
	const store = await openStore(tempDir(t));
	const broken = await putImage(store, {layers: ['broken']});
	await store.tag('broken', broken);
	await store.tag('good', await putImage(store, {layers: ['good']}));
	rmSync(store.blobPath(broken.digest));
	const images = await store.list();
	t.regex(images[0]?.damage ?? '', /is not in the store/);
	t.is(images[1]?.damage, undefined);
});

test('entries and annotations of other tools are kept', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	const entry = {...image, annotations: {'org.opencontainers.image.ref.name': 'v1', 'x.y': 'kept'}};
	const foreign = {schemaVersion: 2, manifests: [entry], annotations: {other: 'tool'}};
	writeFileSync(join(store.root, 'index.json'), JSON.stringify(foreign));
	t.deepEqual(await store.resolve('v1'), {...image, annotations: {'x.y': 'kept'}});
	await store.tag('b', image);
	const index = JSON.parse(readFileSync(join(store.root, 'index.json'), 'utf8')) as typeof foreign;
	t.deepEqual(index.annotations, {other: 'tool'});
	t.deepEqual(index.manifests[0], entry);
	t.is(index.manifests.length, 2);
});

test('many operations at once in one process keep every name', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await Promise.all(Array.from({length: 30}, (_, i) => store.tag(`a:${i}`, image)));
	t.is((await store.list())[0]?.names.length, 30);
});

test('the same content pushed twice at once is stored once', async t => {
	const store = await openStore(tempDir(t));
	const bytes = Buffer.alloc(3_000_000, 7);
	const descriptor = describeText(bytes.toString('latin1'));
	await Promise.all([1, 2, 3].map(() => store.push(descriptor, oneChunk(bytes))));
	t.deepEqual(
		filesIn(store).filter(name => name.length === 64),
		[descriptor.digest.slice(7)],
	);
});

test('the end of the store removes its session folder', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('a', await putImage(store));
	t.is(readdirSync(store.tempDir).length, 1);
	await store.close();
	await store.close();
	t.deepEqual(readdirSync(store.tempDir), []);
});

test('adopts a file by a hard link after checking it', async t => {
	const from = await openStore(join(tempDir(t), 'from'));
	const to = await openStore(join(tempDir(t), 'to'));
	const descriptor = await put(from, 'text/plain', Buffer.from('hello'));
	t.true(await to.adopt(descriptor, from.blobPath(descriptor.digest)));
	t.is(statSync(to.blobPath(descriptor.digest)).ino, statSync(from.blobPath(descriptor.digest)).ino);
	const wrong = describeText('hellO');
	await t.throwsAsync(to.adopt(wrong, from.blobPath(descriptor.digest)), {code: 'ERR_CONTENT_DIGEST'});
	const longer = {...describeText('hell'), size: 4};
	await t.throwsAsync(to.adopt(longer, from.blobPath(descriptor.digest)), {code: 'ERR_CONTENT_SIZE'});
	t.false(await to.adopt(describeText('none'), join(from.root, 'none')));
	t.is(readdirSync(join(to.root, 'blobs', 'sha256')).length, 1);
});

test('a name with a digest is kept as it is, unless the digest is that of something else', async t => {
	const store = await openStore(tempDir(t));
	const image = await putImage(store);
	await store.tag(`redis@${image.digest}`, image);
	await store.tag(`redis:7@${image.digest}`, image);
	const names = [`docker.io/library/redis:7@${image.digest}`, `docker.io/library/redis@${image.digest}`];
	t.deepEqual((await store.list())[0]?.names, names);
	for (const name of names) t.is((await store.resolve(name)).digest, image.digest);
	const other = await putImage(store, {layers: ['other']});
	await store.tag(`redis@${image.digest}`, other);
	t.deepEqual(
		(await store.list()).map(one => one.names.length),
		[2, 0],
	);
});
