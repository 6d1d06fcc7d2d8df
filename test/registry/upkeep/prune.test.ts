import {utimesSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {listRegistry} from '../../../lib/registry/upkeep/list.js';
import {planPrune, pruneTags} from '../../../lib/registry/upkeep/prune.js';
import {openTestRegistry, type StorageKind, storageKinds, type TestRegistry} from '../../helpers/inventories.js';
import {descriptorOf, newIndex, pushImage} from '../../helpers/storage-content.js';

const both = (title: string, run: (t: ExecutionContext, kind: StorageKind) => Promise<void>): void => {
	for (const kind of storageKinds) test(`${kind}: ${title}`, t => run(t, kind));
};

/** Tags get times an hour apart, so that no clock tick decides. */
function setPushed({root}: TestRegistry, kind: StorageKind, repository: string, tags: readonly string[]): void {
	if (kind === 'store') return;
	for (const [i, tag] of tags.entries()) {
		const path = join(root, 'docker/registry/v2/repositories', repository, '_manifests/tags', tag, 'current/link');
		const time = new Date(Date.now() - (tags.length - i) * 24 * 60 * 60_000);
		utimesSync(path, time, time);
	}
}

both('a listing counts what is shared once, and shows tags by their push', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {storage, inventory} = registry;
	const shared = 'x'.repeat(1000);
	const one = await pushImage(storage, 'app', ['v1'], [shared]);
	const two = await pushImage(storage, 'app', ['v2'], [shared, 'more']);
	await pushImage(storage, 'b/other', ['v1'], [shared]);
	await pushImage(storage, 'app', [], ['loose']);
	setPushed(registry, kind, 'app', ['v1', 'v2']);
	const {repositories, sizeBytes} = await listRegistry(inventory);
	t.deepEqual(
		repositories.map(({repository, tags, untagged}) => [repository, tags.map(({tag}) => tag), untagged]),
		[
			['app', ['v2', 'v1'], 1],
			['b/other', ['v1'], 0],
		],
	);
	const sizeOf = (manifest: typeof one): number =>
		manifest.bytes.length + manifest.blobs.reduce((sum, {size}) => sum + size, 0);
	const app = repositories[0]!;
	t.like(app.tags[1], {digest: one.digest, sizeBytes: sizeOf(one), platforms: ['linux/amd64']});
	t.is(app.tags[1]?.created, '2024-01-02T03:04:05Z');
	t.is(app.tags[1]?.pushedAt === undefined, kind === 'store');
	t.is(app.sizeBytes, sizeOf(one) + sizeOf(two) - 1000);
	t.is(sizeBytes, app.sizeBytes, 'the image of the other repository is the same');
	t.is((await listRegistry(inventory, {only: 'b/other'})).repositories.length, 1);
});

both('the newest tags stay, with the children and signatures of what stays', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {storage, inventory} = registry;
	const shared = await pushImage(storage, 'app', [], ['shared child']);
	const lone = await pushImage(storage, 'app', [], ['lone child']);
	const old = newIndex([descriptorOf(shared), descriptorOf(lone)]);
	await storage.putManifest('app', old, ['v1']);
	const kept = newIndex([descriptorOf(shared)]);
	await storage.putManifest('app', kept, ['v2']);
	const ofOld = await pushImage(storage, 'app', [], ['sig old'], {subject: descriptorOf(old)});
	const ofShared = await pushImage(storage, 'app', [], ['sig shared'], {subject: descriptorOf(shared)});
	const loose = await pushImage(storage, 'app', [], ['loose']);
	setPushed(registry, kind, 'app', ['v1', 'v2']);
	const plan = await planPrune(inventory, {keep: 1});
	t.deepEqual(plan.tags, [{repository: 'app', tag: 'v1', digest: old.digest}]);
	t.deepEqual(plan.manifests.map(({digest}) => digest).toSorted(), [old.digest, lone.digest, ofOld.digest].toSorted());
	t.is(await storage.tag('app', 'v1'), old.digest, 'a plan changes nothing');
	await pruneTags(inventory, plan);
	t.deepEqual(await storage.tags('app', {}), ['v2']);
	for (const {digest} of [old, lone, ofOld]) t.is(await storage.manifest('app', digest), undefined);
	for (const {digest} of [kept, shared, ofShared, loose]) t.not(await storage.manifest('app', digest), undefined);
	t.deepEqual((await planPrune(inventory, {keep: 1})).tags, []);
});

both('a tag that moved after the plan was made stays', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {storage, inventory} = registry;
	const one = await pushImage(storage, 'app', ['v1'], ['one']);
	const two = await pushImage(storage, 'app', ['v2'], ['two']);
	await pushImage(storage, 'app', ['v3'], ['three']);
	setPushed(registry, kind, 'app', ['v1', 'v2', 'v3']);
	const plan = await planPrune(inventory, {keep: 1});
	t.is(plan.tags.length, 2);
	await storage.putManifest('app', one, ['again']);
	await storage.putManifest('app', one, ['v2']);
	await pruneTags(inventory, plan);
	t.deepEqual(await storage.tags('app', {}), ['again', 'v2', 'v3']);
	t.not(await storage.manifest('app', one.digest), undefined);
	t.is(await storage.manifest('app', two.digest), undefined);
});

both('by version the highest stay, and what is no version', async (t, kind) => {
	const {storage, inventory} = await openTestRegistry(t, kind);
	for (const tag of ['v1.10.0', 'v1.9.0', 'v2.0.0-rc.1', 'v2.0.0', 'latest', 'main']) {
		await pushImage(storage, 'app', [tag], [tag]);
	}
	const {tags} = await planPrune(inventory, {keep: 2, order: 'version'});
	t.deepEqual(
		tags.map(({tag}) => tag),
		['v1.10.0', 'v1.9.0'],
	);
});

both('of the rest only what is old enough goes', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {storage, inventory} = registry;
	for (const tag of ['a', 'b', 'c']) await pushImage(storage, 'app', [tag], [tag]);
	setPushed(registry, kind, 'app', ['a', 'b', 'c']);
	const day = 24 * 60 * 60_000;
	const tagsOlderThan = async (ms: number): Promise<readonly string[]> => {
		const plan = await planPrune(inventory, {keep: 1, olderThan: new Date(Date.now() - ms)});
		return plan.tags.map(({tag}) => tag).toSorted();
	};
	if (kind === 'store') {
		t.deepEqual(await tagsOlderThan(day), ['a', 'b'], 'the images say that they were made in 2024');
	} else {
		t.deepEqual(await tagsOlderThan(2.5 * day), ['a']);
		t.deepEqual(await tagsOlderThan(1.5 * day), ['a', 'b']);
	}
	const before = new Date('2020-01-01');
	t.deepEqual((await planPrune(inventory, {keep: 0, olderThan: before})).tags, []);
	t.deepEqual((await planPrune(inventory, {keep: 0, olderThan: before, order: 'created'})).tags, []);
	t.is((await planPrune(inventory, {keep: 0, only: 'other'})).tags.length, 0);
});
