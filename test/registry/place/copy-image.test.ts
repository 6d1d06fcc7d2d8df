import {existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {verifyImage} from '../../../lib/oci/validate.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {type CopyImageOptions, copyImage} from '../../../lib/registry/place/copy-image.js';
import {parsePlace} from '../../../lib/registry/place/parse.js';
import {putImage, putMultiArch} from '../../helpers/images.js';
import {startRegistry} from '../../helpers/registry.js';
import {tempDir} from '../../helpers/temp-dir.js';

const arm64 = {os: 'linux', architecture: 'arm64'};

interface Setup {
	readonly dir: string;
	readonly store: Store;
	copy(from: string, to: string | readonly string[], options?: CopyImageOptions): ReturnType<typeof copyImage>;
}

/** A folder, a store with `single:1` and `multi:1`, and a copy between places of that folder. */
async function setUp(t: ExecutionContext): Promise<Setup> {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'));
	await store.tag('single:1', await putImage(store, {layers: ['one', 'two']}));
	await store.tag('multi:1', await putMultiArch(store));
	const registry = openRegistry();
	t.teardown(async () => {
		await registry.close();
		await store.close();
	});
	const copy: Setup['copy'] = async (from, to, options = {}) =>
		await copyImage(
			parsePlace(from),
			[to].flat().map(text => parsePlace(text)),
			{store, registry, base: dir, ...options},
		);
	return {dir, store, copy};
}

const goesRound = test.macro({
	async exec(t, place: string) {
		const {store, copy} = await setUp(t);
		const {digest} = await store.resolve('multi:1');
		t.is((await copy('multi:1', place)).descriptor.digest, digest);
		const back = await copy(place, 'back:1');
		t.is(back.descriptor.digest, digest);
		t.deepEqual((await verifyImage(store, 'back:1')).findings, []);
		t.is(back.tally.sent.blobs, 0, 'the store has it all');
		t.is(back.tally.skipped.blobs, 8);
	},
	title: (_given, place) => `an index of two platforms goes to ${place} and back with its digest`,
});

test(goesRound, 'oci:site:v1');
test(goesRound, 'oci:site');
test(goesRound, 'oci-archive:site.tar:v1');
test(goesRound, 'oci-archive:site.tar');
test(goesRound, 'oci-archive:a\\:b.tar:registry.example.com:5000/shop:v1');

test(goesRound, 'registry-dir:registry:shop:v1');
test(goesRound, 'registry-dir:registry:registry.k8s.io/pause:3.10');

test('the folder of a registry takes the name of the source when none is given', async t => {
	const {copy} = await setUp(t);
	const {targets} = await copy('multi:1', 'registry-dir:registry');
	t.deepEqual(targets, [{kind: 'registry-dir', path: 'registry', reference: 'multi:1'}]);
	await copy('registry-dir:registry:multi:1', 'oci:site:v1');
	const error = await t.throwsAsync(copy('oci:site:v1', 'registry-dir:registry'), {
		instanceOf: SealError,
		code: 'ERR_PLACE_INVALID',
	});
	t.regex(error.hint ?? '', /registry-dir:registry:app:1\.0/);
});

test('a second copy into a folder moves nothing', async t => {
	const {copy} = await setUp(t);
	const first = await copy('multi:1', 'oci:site:v1');
	t.is(first.tally.sent.blobs, 8);
	const second = await copy('multi:1', ['oci:site:v1', 'oci:site:v2']);
	t.deepEqual([second.tally.sent.blobs, second.tally.skipped.blobs], [0, 16]);
	t.is(second.tally.skipped.bytes, 2 * first.tally.sent.bytes);
});

test('a folder that holds images keeps their names when another is added', async t => {
	const {dir, copy} = await setUp(t);
	await copy('multi:1', 'oci:site:v1');
	await copy('single:1', 'oci:site:v2');
	const index = JSON.parse(readFileSync(join(dir, 'site/index.json'), 'utf8')) as {
		manifests: {annotations: Record<string, string>}[];
	};
	t.deepEqual(
		index.manifests.map(entry => entry.annotations['org.opencontainers.image.ref.name']),
		['v1', 'v2'],
	);
});

test('one platform comes along with the bytes of its index, into folders and archives', async t => {
	const {dir, store, copy} = await setUp(t);
	const {digest} = await store.resolve('multi:1');
	for (const place of ['oci:site:v1', 'oci-archive:site.tar:v1']) {
		const copied = await copy('multi:1', place, {platform: arm64});
		t.is(copied.descriptor.digest, digest);
		t.is(copied.tally.sent.blobs, 5, `${place}: index, manifest, config and two layers`);
		const other = await openStore(join(dir, place.slice(0, 6)));
		const back = await copy(place, 'part:1', {platform: arm64, store: other});
		t.is(back.descriptor.digest, digest);
		t.is((await verifyImage(other, 'part:1')).missingChildren.length, 1);
		const error = await t.throwsAsync(copy(place, 'whole:1', {store: await openStore(join(dir, 'third'))}), {
			instanceOf: SealError,
			code: 'ERR_CONTENT_MISSING',
		});
		t.regex(error.message, /holds only a part of its image: linux\/arm64/);
		t.regex(error.hint ?? '', /--platform linux\/arm64/);
		await other.close();
	}
});

test('without its index one platform has the digest of its manifest', async t => {
	const {store, copy} = await setUp(t);
	const {digest} = await store.resolve('multi:1');
	for (const place of ['oci:site:v1', 'oci-archive:site.tar:v1', 'docker-archive:docker.tar:shop:v1']) {
		const copied = await copy('multi:1', place, {platform: arm64, keepIndex: false});
		t.not(copied.descriptor.digest, digest);
		t.is((await copy(place, 'one:1')).descriptor.mediaType, 'application/vnd.oci.image.manifest.v1+json');
	}
});

test('a docker archive takes one platform, and says which there are', async t => {
	const {dir, copy} = await setUp(t);
	const error = await t.throwsAsync(copy('multi:1', 'docker-archive:a.tar:shop:v1'), {
		instanceOf: SealError,
		code: 'ERR_PLATFORM',
	});
	t.regex(error.message, /linux\/amd64, linux\/arm64/);
	t.false(existsSync(join(dir, 'a.tar')));
	await copy('multi:1', 'docker-archive:a.tar:shop:v1', {platform: arm64});
	await copy('docker-archive:a.tar:shop:v1', 'arm:1');
	t.pass();
});

test('an image of a registry goes straight into an archive', async t => {
	const {dir, copy} = await setUp(t);
	const registry = await startRegistry(t);
	const digest = registry.image('shop:v1', 'a layer');
	const copied = await copy(`docker://${registry.host}/shop:v1`, 'oci-archive:shop.tar:v1');
	t.is(copied.descriptor.digest, digest);
	t.is((await copy('oci-archive:shop.tar', 'shop:1')).descriptor.digest, digest);
	t.deepEqual(
		readdirSync(dir).filter(name => name.endsWith('.tmp')),
		[],
	);
});

test('the source as target is refused, also through a symbolic link', async t => {
	const {dir, copy} = await setUp(t);
	await copy('single:1', 'oci:site:v1');
	await copy('single:1', 'oci-archive:a.tar:v1');
	symlinkSync('site', join(dir, 'link'));
	const pairs = [
		['single:1', 'docker.io/library/single:1'],
		['oci:site:v1', 'oci:link:v1'],
		['oci-archive:a.tar', 'oci-archive:./a.tar:v2'],
		['docker://localhost:1/a', 'docker://localhost:1/a:latest'],
	] as const;
	for (const [from, to] of pairs) {
		await t.throwsAsync(copy(from, to), {instanceOf: SealError, code: 'ERR_SAME_PLACE'}, `${from} to ${to}`);
	}
	await copy('oci:site:v1', 'oci:site:v2');
});

test('a name that a file does not hold is answered with those that it holds', async t => {
	const {copy} = await setUp(t);
	await copy('single:1', 'oci:site:v1');
	await copy('multi:1', 'oci:site:v2');
	const wrong = await t.throwsAsync(copy('oci:site:v3', 'x:1'), {instanceOf: SealError, code: 'ERR_IMAGE_UNKNOWN'});
	t.regex(wrong.message, /holds no image "v3"/);
	t.deepEqual(wrong.details.images, ['v1', 'v2']);
	t.regex(wrong.hint ?? '', /oci:site:v1/);
	const none = await t.throwsAsync(copy('oci:site', 'x:1'), {instanceOf: SealError, code: 'ERR_IMAGE_UNKNOWN'});
	t.regex(none.message, /holds 2 images, and none is chosen/);
});

test('a folder that is no layout is refused, as source and as target', async t => {
	const {dir, copy} = await setUp(t);
	mkdirSync(join(dir, 'photos'));
	writeFileSync(join(dir, 'photos/a.jpg'), 'x');
	const from = await t.throwsAsync(copy('oci:photos', 'x:1'), {instanceOf: SealError, code: 'ERR_LAYOUT_INVALID'});
	t.regex(from.message, /no OCI image layout/);
	const to = await t.throwsAsync(copy('single:1', 'oci:photos:v1'), {
		instanceOf: SealError,
		code: 'ERR_LAYOUT_INVALID',
	});
	t.regex(to.message, /holds other files \(a\.jpg\)/);
});

test('a folder that is no registry is refused, as source and as target', async t => {
	const {dir, copy} = await setUp(t);
	mkdirSync(join(dir, 'photos'));
	writeFileSync(join(dir, 'photos/a.jpg'), 'x');
	for (const [from, to] of [
		['registry-dir:photos', 'x:1'],
		['single:1', 'registry-dir:photos'],
	] as const) {
		const error = await t.throwsAsync(copy(from, to), {instanceOf: SealError, code: 'ERR_REGISTRY_DIR'});
		t.regex(error.message, /photos is no registry folder/);
	}
});

test('a target that asks for another digest gets nothing', async t => {
	const {copy} = await setUp(t);
	const digest = `sha256:${'0'.repeat(64)}`;
	for (const place of [
		`docker://localhost:1/a@${digest}`,
		`store:a@${digest}`,
		`store:${digest}`,
		`oci:site:${digest}`,
	])
		await t.throwsAsync(copy('single:1', place), {instanceOf: SealError, code: 'ERR_CONTENT_DIGEST'}, place);
});
