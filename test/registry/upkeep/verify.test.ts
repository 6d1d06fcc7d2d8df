import {appendFileSync, chmodSync, existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {openPlace} from '../../../lib/registry/place/open.js';
import {serveRegistry} from '../../../lib/registry/server/serve.js';
import {repairFromContent, repairFromRegistry} from '../../../lib/registry/upkeep/repair-source.js';
import {verifyRegistry} from '../../../lib/registry/upkeep/verify.js';
import {describeText} from '../../helpers/images.js';
import {openTestRegistry, type StorageKind, storageKinds, type TestRegistry} from '../../helpers/inventories.js';
import {descriptorOf, newIndex, pushImage, uploadBlob} from '../../helpers/storage-content.js';

const both = (title: string, run: (t: ExecutionContext, kind: StorageKind) => Promise<void>): void => {
	for (const kind of storageKinds) test(`${kind}: ${title}`, t => run(t, kind));
};

async function fill({storage}: TestRegistry) {
	const amd64 = await pushImage(storage, 'app', [], ['amd64', 'shared']);
	const arm64 = await pushImage(storage, 'app', [], ['arm64', 'shared']);
	const index = newIndex([amd64, arm64].map(descriptorOf));
	await storage.putManifest('app', index, ['v1', 'latest']);
	const other = await pushImage(storage, 'team/tool', ['v2'], ['tool', 'shared']);
	return {amd64, arm64, index, other};
}

function flip(path: string): void {
	const bytes = readFileSync(path);
	bytes[0] = bytes[0]! ^ 1;
	chmodSync(path, 0o644);
	writeFileSync(path, bytes);
}

both('a whole registry has no findings, and every byte was read', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	await fill(registry);
	const events: SealEvent[] = [];
	const found = await verifyRegistry(registry.inventory, {onEvent: event => events.push(event)});
	t.deepEqual(found.findings, []);
	t.is(found.repositories, 2);
	t.is(found.blobs, 3 + 3 + 4 + 1);
	const last = events.at(-1);
	t.like(last, {type: 'blob.progress', doneBytes: found.sizeBytes, totalBytes: found.sizeBytes});
});

both('damage and loss are named with every image that they hit, and mended from another registry', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {amd64, arm64, index, other} = await fill(registry);
	const good = await openTestRegistry(t, kind === 'store' ? 'stock folder' : 'store');
	await fill(good);
	const {file, inventory} = registry;
	const shared = amd64.blobs[2]!;
	flip(file(shared.digest));
	rmSync(file(arm64.blobs[1]!.digest));
	appendOne(file(other.blobs[0]!.digest));
	const loose = await uploadBlob(registry.storage, 'app', 'named by nothing');
	flip(file(loose.digest));
	const {findings} = await verifyRegistry(inventory);
	t.deepEqual(
		findings.map(({code, digest, images}) => [code, digest, images]).toSorted(),
		[
			['ERR_CONTENT_DIGEST', shared.digest, ['app:latest', 'app:v1', 'team/tool:v2']],
			['ERR_CONTENT_DIGEST', other.blobs[0]!.digest, ['team/tool:v2']],
			['ERR_CONTENT_DIGEST', loose.digest, []],
			['ERR_CONTENT_MISSING', arm64.blobs[1]!.digest, ['app:latest', 'app:v1']],
		].toSorted(),
	);
	const server = await serveRegistry(good.storage, {port: 0});
	t.teardown(() => server.close());
	const client = openRegistry();
	t.teardown(() => client.close());
	const repairFrom = repairFromRegistry(client, new URL(server.url).host);
	const mended = await verifyRegistry(inventory, {repairFrom});
	t.deepEqual(
		mended.findings.filter(finding => !finding.mended),
		[],
	);
	t.is(mended.findings.length, 4);
	t.false(existsSync(file(loose.digest)), 'nothing needs it: it is removed');
	t.deepEqual((await verifyRegistry(inventory)).findings, []);
	t.is((await registry.storage.manifest('app', index.digest))?.digest, index.digest);
});

both('a lost index is fetched again, and then what it names', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {amd64, index} = await fill(registry);
	const good = await openTestRegistry(t, 'stock folder');
	await fill(good);
	for (const digest of [index.digest, amd64.digest, amd64.blobs[1]!.digest]) rmSync(registry.file(digest));
	await new Promise(resolve => setTimeout(resolve, 1100));
	const place = await openPlace({kind: 'registry-dir', path: good.root, reference: undefined});
	t.teardown(() => place.close());
	const repairFrom = repairFromContent(place.content, 'the copy');
	const {findings} = await verifyRegistry(registry.inventory, {repairFrom});
	t.deepEqual(
		findings.filter(finding => !finding.mended),
		[],
	);
	t.true(findings.length >= (kind === 'store' ? 1 : 2));
	if (kind === 'stock folder') t.deepEqual((await verifyRegistry(registry.inventory)).findings, []);
});

both('what cannot be fetched again stays a finding that says why', async (t, kind) => {
	const registry = await openTestRegistry(t, kind);
	const {amd64} = await fill(registry);
	const other = await openTestRegistry(t, 'stock folder');
	await pushImage(other.storage, 'app', ['v1'], ['something else']);
	flip(registry.file(amd64.blobs[1]!.digest));
	const before = readFileSync(registry.file(amd64.blobs[1]!.digest));
	const place = await openPlace({kind: 'registry-dir', path: other.root, reference: undefined});
	t.teardown(() => place.close());
	const repairFrom = repairFromContent(place.content, 'the other registry');
	const {findings} = await verifyRegistry(registry.inventory, {repairFrom});
	t.is(findings.length, 1);
	t.false(findings[0]?.mended);
	t.regex(findings[0]?.message ?? '', /; not in the other registry \(app\): /);
	t.deepEqual(readFileSync(registry.file(amd64.blobs[1]!.digest)), before);
});

both('children that a sparse index lacks are counted and no fault', async (t, kind) => {
	const {storage, inventory} = await openTestRegistry(t, kind);
	const child = await pushImage(storage, 'app', [], ['here']);
	const absent = describeText('elsewhere', descriptorOf(child).mediaType);
	const index = {...newIndex([descriptorOf(child), absent]), manifests: [descriptorOf(child)]};
	t.deepEqual(await storage.putManifest('app', index, ['v1']), []);
	const {findings, missingChildren} = await verifyRegistry(inventory);
	t.deepEqual(findings, []);
	t.is(missingChildren, 1);
	const other = await pushImage(storage, 'other', ['v1'], ['only there']);
	const sparse = newIndex([descriptorOf(child), descriptorOf(other)]);
	await storage.putManifest('app', {...sparse, manifests: [descriptorOf(child)]}, ['v1']);
	t.deepEqual((await verifyRegistry(inventory)).findings, [], 'that another repository has it is no fault');
});

test('stock folder: links that are missing or say nonsense are found, and missing ones are made again', async t => {
	const registry = await openTestRegistry(t, 'stock folder');
	const {other} = await fill(registry);
	const repository = join(registry.root, 'docker/registry/v2/repositories/team/tool');
	rmSync(join(repository, '_layers/sha256', other.blobs[1]!.digest.slice(7)), {recursive: true});
	writeFileSync(join(registry.root, 'docker/registry/v2/repositories/app/_manifests/tags/v1/current/link'), 'nonsense');
	await new Promise(resolve => setTimeout(resolve, 1100));
	const {findings} = await verifyRegistry(registry.inventory);
	t.deepEqual(
		findings.map(({code, images}) => [code, images]),
		[
			['ERR_STORE_DAMAGED', ['app']],
			['ERR_CONTENT_MISSING', ['team/tool:v2']],
		],
	);
	const place = await openPlace({kind: 'registry-dir', path: registry.root, reference: undefined});
	t.teardown(() => place.close());
	await verifyRegistry(registry.inventory, {repairFrom: repairFromContent(place.content, 'itself')});
	t.not(await registry.storage.blob('team/tool', other.blobs[1]!.digest), undefined);
});

function appendOne(path: string): void {
	chmodSync(path, 0o644);
	appendFileSync(path, 'x');
}
