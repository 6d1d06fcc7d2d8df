import {rmSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {hasCode, SealError} from '../../../lib/core/errors.js';
import type {SealEvent} from '../../../lib/core/events.js';
import type {ImageSource} from '../../../lib/oci/content.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {parsePlatform} from '../../../lib/oci/platform.js';
import {normalizeReference} from '../../../lib/oci/reference.js';
import type {Store} from '../../../lib/oci/store/store.js';
import type {FoundImage} from '../../../lib/sealfile/discover/types.js';
import {createLock, formatLock, parseLock} from '../../../lib/sealfile/embed/lock.js';
import {
	type NamedSource,
	type ResolvedImage,
	type ResolveImagesOptions,
	resolveImages,
} from '../../../lib/sealfile/embed/resolve-images.js';
import {makeImage, makeIndex, makeStore, put} from '../../helpers/cluster-images.js';

const found = (...names: readonly string[]): FoundImage[] =>
	names.map(reference => ({
		reference,
		name: normalizeReference(reference),
		foundIn: [{path: 'images/shim/list', line: 1}],
	}));

function resolve(
	store: Store,
	images: readonly FoundImage[],
	sources: readonly NamedSource[],
	options: Partial<ResolveImagesOptions> = {},
): Promise<readonly ResolvedImage[]> {
	return resolveImages(images, {platform: parsePlatform('linux/amd64'), sources, store, ...options});
}

async function multi(t: ExecutionContext): Promise<{remote: Store; local: Store}> {
	const [remote, local] = [await makeStore(t), await makeStore(t)];
	const amd = await makeImage(remote, {layers: ['shared', 'amd']});
	const arm = await makeImage(remote, {layers: ['shared', 'arm'], platform: 'linux/arm64'});
	await makeIndex(remote, [amd, arm], 'app:1');
	return {remote, local};
}

test('an image is taken from the first source that has it, with its content for the platform only', async t => {
	const {remote, local} = await multi(t);
	const events: SealEvent[] = [];
	const [image] = await resolve(
		local,
		found('app:1'),
		[
			{name: 'store', source: local},
			{name: 'remote', source: remote},
		],
		{onEvent: event => events.push(event)},
	);
	t.like(image, {name: 'docker.io/library/app:1', source: 'remote'});
	t.deepEqual(
		image?.chain.map(({digest}) => digest),
		[(await remote.resolve('app:1')).digest, image!.chain[1]!.digest],
	);
	for (const descriptor of image!.chain) t.true(await local.exists(descriptor));
	await t.throwsAsync(local.resolve('app:1'), {code: 'ERR_IMAGE_UNKNOWN'}, 'no name is made');
	t.like(
		events.find(event => event.type === 'image.embedded'),
		{reference: 'docker.io/library/app:1', platform: 'linux/amd64'},
	);
	const [again] = await resolve(local, found(`app@${image!.chain[0]!.digest}`), [{name: 'store', source: local}]);
	t.is(again?.source, 'store');
});

test('a source that lacks the platform is passed over for one that has it', async t => {
	const {remote, local} = await multi(t);
	await makeImage(local, {layers: ['only amd'], name: 'app:1'});
	const [image] = await resolve(
		local,
		found('app:1'),
		[
			{name: 'store', source: local},
			{name: 'remote', source: remote},
		],
		{platform: parsePlatform('linux/arm64')},
	);
	t.is(image?.source, 'remote');
});

test('content that a source only names is looked for in the next', async t => {
	const {remote, local} = await multi(t);
	const sparse = await makeStore(t);
	await resolve(sparse, found('app:1'), [{name: 'remote', source: remote}]);
	await sparse.tag('app:1', await remote.resolve('app:1'));
	const [image] = await resolve(
		local,
		found('app:1'),
		[
			{name: 'sparse', source: sparse},
			{name: 'remote', source: remote},
		],
		{platform: parsePlatform('linux/arm64')},
	);
	t.is(image?.source, 'remote');
});

test('all images that are missing are told at once, with every source and place', async t => {
	const {remote, local} = await multi(t);
	const broken: ImageSource = {
		...remote,
		resolve: () => Promise.reject(new SealError('ERR_IO', 'The registry is down')),
	};
	const error = await t.throwsAsync(
		resolve(local, found('app:1', 'gone:1'), [
			{name: 'the store', source: local},
			{name: 'registry', source: broken},
		]),
		{code: 'ERR_IMAGES_MISSING'},
	);
	t.regex(error.message, /^2 images cannot be embedded for linux\/amd64/);
	t.regex(error.message, /gone:1 \(images\/shim\/list:1\): not in the store; registry: The registry is down/);
});

test('a platform that no source has is an error that lists what there is', async t => {
	const {remote, local} = await multi(t);
	const error = await t.throwsAsync(
		resolve(local, found('app:1'), [{name: 'remote', source: remote}], {platform: parsePlatform('linux/s390x')}),
		{code: 'ERR_IMAGES_MISSING'},
	);
	t.regex(error.message, /is for linux\/amd64, linux\/arm64, wanted linux\/s390x/);
});

test('an archive is asked only for the images it is named for', async t => {
	const {remote, local} = await multi(t);
	const sources: NamedSource[] = [
		{name: 'archive', source: remote, serves: name => name === 'docker.io/library/other:1'},
	];
	await t.throwsAsync(resolve(local, found('app:1'), sources), {
		code: 'ERR_IMAGES_MISSING',
		message: /there is no source to ask/,
	});
});

test('schema 1 is refused with the way out', async t => {
	const {local, remote} = await multi(t);
	await remote.tag(
		'old:1',
		await put(remote, 'application/vnd.docker.distribution.manifest.v1+prettyjws', Buffer.from('{}')),
	);
	await t.throwsAsync(resolve(local, found('old:1'), [{name: 'remote', source: remote}]), {message: /schema 1/});
});

test('a tag is asked for once for all platforms', async t => {
	const {remote, local} = await multi(t);
	let asked = 0;
	const counting: ImageSource = {
		...remote,
		resolve: (name, options) => {
			asked++;
			return remote.resolve(name, options);
		},
	};
	const memo = new Map<string, Promise<unknown>>();
	for (const platform of ['linux/amd64', 'linux/arm64'])
		await resolve(local, found('app:1'), [{name: 'remote', source: counting}], {
			memo,
			platform: parsePlatform(platform),
		});
	t.is(asked, 1);
});

test('with a lock only the locked digests count', async t => {
	const {remote, local} = await multi(t);
	const platform = parsePlatform('linux/amd64');
	const before = await resolve(local, found('app:1'), [{name: 'remote', source: remote}]);
	const lock = parseLock(formatLock(createLock([{platform, images: before}])), 'lock');
	await makeImage(remote, {layers: ['newer'], name: 'app:1'});
	const [image] = await resolve(local, found('app:1'), [{name: 'remote', source: remote}], {lock});
	t.is(image?.chain[0]?.digest, before[0]!.chain[0]!.digest);
	const error = await t.throwsAsync(
		resolve(local, found('app:1', 'new:1'), [{name: 'remote', source: remote}], {lock}),
		{code: 'ERR_LOCK_MISSING'},
	);
	t.regex(error.message, /new:1 \(images\/shim\/list:1\) for linux\/amd64/);
	const forged = {
		...lock,
		images: lock.images.map(entry => ({
			...entry,
			platforms: {'linux/amd64': {...entry.platforms['linux/amd64']!, digest: `sha256:${'9'.repeat(64)}` as const}},
		})),
	};
	await t.throwsAsync(resolve(local, found('app:1'), [{name: 'remote', source: remote}], {lock: forged}), {
		message: /the lock wants sha256:9/,
	});
});

test('what a base image embeds already is used in place when it is whole', async t => {
	const {remote, local} = await multi(t);
	const [image] = await resolve(local, found('app:1'), [{name: 'image', source: remote, inImage: true}]);
	t.false(await local.exists(image!.chain[0]!));
	t.is(image?.content, remote);
	const digest = (await remote.resolve('app:1')).digest;
	for (const name of ['shared', 'amd']) {
		rmSync(remote.blobPath(digestOf(name)), {force: true});
	}
	await t.throwsAsync(resolve(local, found(`app@${digest}`), [{name: 'image', source: remote, inImage: true}]), {
		message: /lacks sha256/,
	});
});

test('an abort ends the search at once', async t => {
	const {remote, local} = await multi(t);
	const reason = new Error('stop');
	const thrown = await t.throwsAsync(
		resolve(local, found('app:1'), [{name: 'remote', source: remote}], {signal: AbortSignal.abort(reason)}),
	);
	t.is(thrown, reason);
	t.false(hasCode(thrown, 'ERR_IMAGES_MISSING'));
});

test('what only looked like an image is left out with a warning when nobody has it', async t => {
	const {remote, local} = await multi(t);
	const [flag] = found('quay.io/x/flag:1');
	const guess = {...flag!, foundIn: [{path: 'manifests/a.yaml', line: 7, likely: true as const}]};
	const events: SealEvent[] = [];
	const resolved = await resolve(local, [...found('app:1'), guess], [{name: 'remote', source: remote}], {
		onEvent: event => events.push(event),
	});
	t.deepEqual(
		resolved.map(({name}) => name),
		['docker.io/library/app:1'],
	);
	t.like(
		events.find(({type}) => type === 'warning'),
		{code: 'LikelyImageMissing', file: 'manifests/a.yaml', line: 7},
	);
	const lock = createLock([{platform: parsePlatform('linux/amd64'), images: resolved}]);
	const again = await resolve(local, [...found('app:1'), guess], [{name: 'remote', source: remote}], {lock});
	t.is(again.length, 1);
});
