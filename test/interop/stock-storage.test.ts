import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {collect, oneChunk} from '../../lib/core/bytes.js';
import type {Descriptor} from '../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../lib/oci/digest.js';
import {readManifest} from '../../lib/oci/image.js';
import {childrenOf} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore} from '../../lib/oci/store/store.js';
import {openRegistryDir} from '../../lib/registry/storage/stock/registry-dir.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {NewManifest, RegistryStorage} from '../../lib/registry/storage/storage.js';
import {putImage, putIndex, putMultiArch} from '../helpers/images.js';
import {peerTest} from './peer-test.js';
import {run, skopeo, startRegistry} from './peers.js';

const anyType = Object.values(mediaTypes).join(', ');

peerTest(
	'what skopeo pushed into docker-registry is read byte for byte, while that serves the same folder',
	['docker-registry', 'skopeo'],
	async (t, scratch) => {
		const root = join(scratch, 'registry');
		mkdirSync(root);
		const host = await startRegistry(t, root, scratch, {deletes: true});
		const store = await openStore(join(scratch, 'store'));
		const index = await putMultiArch(store);
		await store.tag('app:1', index);
		await store.tag('single:1', await putImage(store, {gzip: true, layers: ['in docker form']}));
		const flags = ['copy', '--quiet', '--all', '--preserve-digests', '--dest-tls-verify=false'];
		const layout = `oci:${join(scratch, 'store')}`;
		await skopeo(...flags, `${layout}:docker.io/library/app:1`, `docker://${host}/org/app:1`);
		await skopeo(...flags, `${layout}:docker.io/library/app:1`, `docker://${host}/org/app:2`);
		const docker = ['copy', '--quiet', '--format', 'v2s2', '--dest-tls-verify=false'];
		await skopeo(...docker, `${layout}:docker.io/library/single:1`, `docker://${host}/plain:v2s2`);

		const ours = await openStockStorage(root);
		t.deepEqual(await ours.repositories({}), ['org/app', 'plain']);
		t.deepEqual(await ours.tags('org/app', {}), ['1', '2']);
		t.is(await ours.tag('org/app', '1'), index.digest);
		for (const digest of await reachable(ours, 'org/app', index.digest)) {
			const theirs = await fetch(`http://${host}/v2/org/app/blobs/${digest}`);
			const blob = await ours.blob('org/app', digest);
			t.deepEqual(await collect(await blob!.read(), 1 << 20), Buffer.from(await theirs.arrayBuffer()), digest);
		}
		for (const [repository, tag] of [
			['org/app', '2'],
			['plain', 'v2s2'],
		] as const) {
			const theirs = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {headers: {accept: anyType}});
			const found = await ours.manifest(repository, (await ours.tag(repository, tag))!);
			t.deepEqual(Buffer.from(found!.bytes), Buffer.from(await theirs.arrayBuffer()));
			t.is(theirs.headers.get('content-type'), found!.mediaType);
		}

		// What they move and delete is moved and gone here at once.
		const other = (await ours.tag('plain', 'v2s2'))!;
		await skopeo(...docker, `${layout}:docker.io/library/single:1`, `docker://${host}/org/app:2`);
		t.is(await ours.tag('org/app', '2'), other);
		t.is((await fetch(`http://${host}/v2/org/app/manifests/${index.digest}`, {method: 'DELETE'})).status, 202);
		t.is(await ours.tag('org/app', '1'), undefined);
		t.deepEqual(await ours.tags('org/app', {}), ['2']);

		// What is deleted here is gone there.
		t.true(await ours.deleteTag('org/app', '2'));
		t.deepEqual(await (await fetch(`http://${host}/v2/org/app/tags/list`)).json(), {name: 'org/app', tags: null});
		t.true(await ours.deleteManifest('plain', other));
		t.is((await fetch(`http://${host}/v2/plain/manifests/${other}`)).status, 404);
		await ours.close();
	},
);

peerTest(
	'docker-registry and its garbage collector keep and serve what is written here',
	['docker-registry', 'skopeo'],
	async (t, scratch) => {
		const root = join(scratch, 'registry');
		const folder = await openRegistryDir(root, {create: true});
		const index = await putMultiArch(folder);
		await folder.tag('quay.io/org/app:1', index);
		await folder.tag('indexes:1', await putIndex(folder, [index]));
		await folder.close();
		const storage = await openStockStorage(root);
		const long = await pushBlob(storage, 'sums', Buffer.from('longer digest'), 'sha512');
		const config = await pushBlob(storage, 'sums', Buffer.from('{}'), 'sha256');
		const manifest = manifestOf(config, [long]);
		t.deepEqual(await storage.putManifest('sums', manifest, ['1']), []);

		const host = await startRegistry(t, root, scratch);
		const catalog = (await (await fetch(`http://${host}/v2/_catalog`)).json()) as {repositories: string[]};
		t.deepEqual(catalog.repositories, ['indexes', 'quay.io/org/app', 'sums']);
		const collector = join(scratch, 'collector.yml');
		writeFileSync(collector, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\n`);
		await run(['docker-registry', 'garbage-collect', collector]);
		const target = join(scratch, 'pulled');
		const flags = ['copy', '--quiet', '--all', '--preserve-digests', '--src-tls-verify=false'];
		await skopeo(...flags, `docker://${host}/quay.io/org/app:1`, `dir:${target}`);
		for (const digest of [long.digest, config.digest]) {
			const answer = await fetch(`http://${host}/v2/sums/blobs/${digest}`);
			t.is(digestOf(Buffer.from(await answer.arrayBuffer()), digest.slice(0, 6) as 'sha256'), digest);
		}
		const nested = await fetch(`http://${host}/v2/indexes/manifests/1`, {headers: {accept: anyType}});
		t.is(nested.headers.get('content-type'), mediaTypes.index);
		for (const child of [index.digest, ...(await documents(storage, 'quay.io/org/app', index.digest))]) {
			const answer = await fetch(`http://${host}/v2/indexes/manifests/${child}`, {headers: {accept: anyType}});
			t.is(digestOf(Buffer.from(await answer.arrayBuffer())), child);
		}
		await storage.close();
	},
);

peerTest(
	'docker-registry reads whole images only while others are written',
	['docker-registry'],
	async (t, scratch) => {
		const root = join(scratch, 'registry');
		const storage = await openStockStorage(root, {create: true, durability: 'none'});
		const host = await startRegistry(t, root, scratch);
		const config = await pushBlob(storage, 'app', Buffer.from('{}'), 'sha256');
		let writing = true;
		const written = (async () => {
			for (let i = 0; i < 80; i++) {
				const layer = await pushBlob(storage, 'app', Buffer.from(`layer ${i}`), 'sha256');
				await storage.putManifest('app', manifestOf(config, [layer]), ['moving', `t${i}`]);
				if (i % 3 === 0) await storage.deleteTag('app', `t${i}`);
			}
			writing = false;
		})();
		let served = 0;
		while (writing) {
			const answer = await fetch(`http://${host}/v2/app/manifests/moving`, {headers: {accept: anyType}});
			if (answer.status === 404 && served === 0) continue;
			served++;
			t.is(answer.status, 200);
			const bytes = Buffer.from(await answer.arrayBuffer());
			t.is(answer.headers.get('docker-content-digest'), digestOf(bytes));
			const {layers} = JSON.parse(bytes.toString()) as {layers: Descriptor[]};
			t.is((await fetch(`http://${host}/v2/app/blobs/${layers[0]!.digest}`)).status, 200);
			t.is((await fetch(`http://${host}/v2/app/tags/list`)).status, 200);
		}
		await written;
		t.true(served > 0);
		await storage.close();
	},
);

async function reachable(storage: RegistryStorage, repository: string, root: Digest): Promise<readonly Digest[]> {
	const found = await storage.manifest(repository, root);
	const {mediaType, digest, bytes} = found!;
	const reader = {
		exists: async () => true,
		fetch: async () => oneChunk(bytes),
	};
	const document = await readManifest(reader, {mediaType, digest, size: bytes.length});
	const children = childrenOf(document);
	if (!('manifests' in document)) return children.map(child => child.digest);
	const below = await Promise.all(children.map(child => reachable(storage, repository, child.digest)));
	return below.flat();
}

async function documents(storage: RegistryStorage, repository: string, index: Digest): Promise<readonly Digest[]> {
	const {bytes} = (await storage.manifest(repository, index))!;
	return (JSON.parse(Buffer.from(bytes).toString()) as {manifests: Descriptor[]}).manifests.map(child => child.digest);
}

async function pushBlob(
	storage: RegistryStorage,
	repository: string,
	bytes: Buffer,
	algorithm: 'sha256' | 'sha512',
): Promise<Descriptor> {
	const {id} = await storage.uploads.start(repository, {algorithm});
	await storage.uploads.append(repository, id, oneChunk(bytes));
	const digest = digestOf(bytes, algorithm);
	await storage.uploads.finish(repository, id, digest);
	return {mediaType: mediaTypes.layer, digest, size: bytes.length};
}

function manifestOf(config: Descriptor, layers: readonly Descriptor[]): NewManifest {
	const mediaType = mediaTypes.manifest;
	const document = {schemaVersion: 2, mediaType, config: {...config, mediaType: mediaTypes.config}, layers};
	const bytes = Buffer.from(JSON.stringify(document));
	return {digest: digestOf(bytes), mediaType, bytes, blobs: [config, ...layers], manifests: []};
}
