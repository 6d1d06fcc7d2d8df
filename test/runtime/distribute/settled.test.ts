import {chmodSync, readdirSync, readFileSync, rmSync, unlinkSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {distribute, type HostDistributed} from '../../../lib/runtime/distribute/distribute.js';
import {previewDistribution} from '../../../lib/runtime/distribute/preview.js';
import type {DistributeOptions} from '../../../lib/runtime/distribute/run.js';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {file, folder} from '../../helpers/entries.js';
import {embedded} from '../../helpers/host-content.js';
import {putLayers} from '../../helpers/layered-image.js';
import {hostRoot, localAgents, localTarget} from '../../helpers/local-agents.js';
import {tempDir} from '../../helpers/temp-dir.js';

interface Scene {
	readonly store: Store;
	readonly options: DistributeOptions;
	/** The content of the one host. */
	readonly root: string;
	/** Brings the image; whether an agent was started for it. */
	bring(options?: Partial<DistributeOptions>): Promise<{readonly value: HostDistributed; readonly asked: boolean}>;
}

const layers = (version: string): Parameters<typeof putLayers>[2] => [
	[folder('bin'), file('bin/kubelet', version, {mode: 0o755})],
	[folder('etc'), file('etc/kept', 'kept')],
	embedded('pause', '3.9', 'pause'),
];

async function scene(t: ExecutionContext, images = ['demo:v1']): Promise<Scene> {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'), {durability: 'none'});
	t.teardown(() => store.close());
	for (const image of images) await putLayers(store, image, layers(image), [undefined, undefined, 'registry']);
	let asked = false;
	const watch = (inner: Transport): Transport => ({
		...inner,
		spawn(argv, options) {
			asked ||= argv[0] !== '/bin/sh';
			return inner.spawn(argv, options);
		},
	});
	const open = localAgents(dir);
	const options = {images, hosts: [localTarget('a')], store, open: (target: HostTarget) => watch(open(target))};
	return {
		store,
		options,
		root: hostRoot(dir, 'a'),
		async bring(changes) {
			asked = false;
			const [outcome] = (await distribute({...options, ...changes})).outcomes;
			if (outcome?.ok !== true) throw outcome?.error;
			return {value: outcome.value, asked};
		},
	};
}

const treeOf = ({images}: HostDistributed): string => images[0]!.path;

test('a host where all is whole is asked by a shell, and says the same as its agent', async t => {
	const {bring, options} = await scene(t);
	const first = await bring();
	const again = await bring();
	t.true(first.asked);
	t.false(again.asked);
	t.is(again.value.platform, first.value.platform);
	t.is(again.value.neededBytes, first.value.neededBytes);
	t.is(again.value.movedBytes, 0);
	t.deepEqual(
		again.value.images,
		first.value.images.map(image => ({...image, unpacked: 0})),
	);
	const {outcomes} = await previewDistribution(options);
	t.like(outcomes[0], {value: {platform: first.value.platform, lacksAgent: false, missingBytes: 0}});
});

test('several images that share files are told whole together', async t => {
	const {bring} = await scene(t, ['demo:v1', 'demo:v2']);
	await bring();
	t.false((await bring()).asked);
});

type Harm = (root: string, tree: string) => void;

const mended = test.macro({
	async exec(t, harm: Harm, isMended: (root: string, tree: string) => boolean) {
		const {bring, root} = await scene(t);
		const tree = treeOf((await bring()).value);
		harm(root, tree);
		const hurt = await bring().catch(() => bring());
		t.true(hurt.asked);
		t.true(isMended(root, tree));
		t.false((await bring()).asked, 'and then it is whole again');
	},
	title: (what = '') => `a host is looked at again when ${what}`,
});

const kubelet = (tree: string): string => join(tree, 'bin/kubelet');
const isRight = (_: string, tree: string): boolean => readFileSync(kubelet(tree), 'utf8') === 'demo:v1';
const tag = (root: string): string =>
	join(root, 'registry/docker/registry/v2/repositories/pause/_manifests/tags/3.9/current/link');

test('a file of the tree was written to', mended, (_, tree) => writeFileSync(kubelet(tree), 'changed'), isRight);
test('a file was written to and its time put back', mended, touchUp, isRight);
test('a file of the tree is gone', mended, (_, tree) => unlinkSync(kubelet(tree)), isRight);
test('a file has another mode', mended, (_, tree) => chmodSync(kubelet(tree), 0o700), isRight);
test('a file came to the tree', mended, (_, tree) => writeFileSync(join(tree, 'etc/more'), ''), isRight);
test('the tree is gone', mended, (_, tree) => rmSync(tree, {recursive: true}), isRight);
test('a layer is gone', mended, root => rmSync(layerOf(root), {recursive: true}), isRight);
test('a tag of the registry is gone', mended, root => unlinkSync(tag(root)), hasTag);
test('a tag of the registry was moved', mended, root => writeFileSync(tag(root), 'sha256:0'), hasTag);
test('its statement is of the future', mended, root => utimesSync(statement(root), future, future), isRight);
test('its statement was cut off', mended, root => writeFileSync(statement(root), cutOff(root)), isRight);

const future = Date.now() / 1000 + 3600;

function touchUp(_: string, tree: string): void {
	const before = readFileSync(kubelet(tree), 'utf8');
	writeFileSync(kubelet(tree), before.replace('v1', 'v9'));
	utimesSync(kubelet(tree), 0, 0);
}

function layerOf(root: string): string {
	return join(root, 'layers/sha256', readdirSync(join(root, 'layers/sha256'))[0]!);
}

function hasTag(root: string): boolean {
	return /^sha256:[0-9a-f]{64}$/.test(readFileSync(tag(root), 'utf8'));
}

function statement(root: string): string {
	const name = readdirSync(join(root, 'images')).find(each => each.endsWith('.whole'));
	return join(root, 'images', name!);
}

function cutOff(root: string): string {
	return readFileSync(statement(root), 'utf8').replace(/ layers.*/, '');
}

test('another image under the same name, other roles, and the way back are never taken for the same', async t => {
	const {bring, store} = await scene(t);
	await bring();
	await putLayers(store, 'demo:v1', layers('two'), [undefined, undefined, 'registry']);
	const two = await bring();
	t.true(two.asked);
	t.is(readFileSync(kubelet(treeOf(two.value)), 'utf8'), 'two');
	await putLayers(store, 'demo:v1', layers('demo:v1'), [undefined, undefined, 'registry']);
	t.true((await bring()).asked);
	t.false((await bring()).asked);
	const node = await bring({hosts: [localTarget('a', ['node'])]});
	t.true(node.asked);
	t.not(treeOf(node.value), treeOf(two.value));
});

test('what was collected is not said to be there', async t => {
	const {bring, root} = await scene(t);
	await bring();
	await openHostContent(root).gc({keep: []});
	t.false(readdirSync(join(root, 'images')).some(name => name.endsWith('.whole')));
	const back = await bring();
	t.true(back.asked);
	t.true(isRight(root, treeOf(back.value)));
});
