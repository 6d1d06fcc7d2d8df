import {createHash} from 'node:crypto';
import {join} from 'node:path';
import test from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import {withLock} from '../../../lib/core/lock.js';
import {type Digest, digestOf} from '../../../lib/oci/digest.js';
import {collectorLockPath} from '../../../lib/oci/store/store.js';
import type {NewManifest} from '../../../lib/registry/storage/storage.js';
import {verifyRegistry} from '../../../lib/registry/upkeep/verify.js';
import {openTestRegistry, storageKinds} from '../../helpers/inventories.js';
import {descriptorOf, newIndex, pushImage} from '../../helpers/storage-content.js';

/** Work of each writer: some seconds; with 2000 it runs for an hour. */
const rounds = 14;

/** Numbers that are the same in every run. */
function createRandom(seed: string): (limit: number) => number {
	let count = 0;
	return limit => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE(0) % limit;
}

for (const kind of storageKinds) {
	test(`${kind}: uploads, puts, deletes, pulls and collections at once leave exactly what was acknowledged`, async t => {
		const {root, storage, inventory, age} = await openTestRegistry(t, kind);
		const expected = new Map<string, NewManifest>();
		let running = 4;

		const pull = async (repository: string, manifest: NewManifest): Promise<void> => {
			const found = await storage.manifest(repository, manifest.digest);
			t.deepEqual(found === undefined ? undefined : Buffer.from(found.bytes), Buffer.from(manifest.bytes));
			for (const {digest, size} of manifest.blobs) {
				const blob = await storage.blob(repository, digest);
				const bytes = blob === undefined ? undefined : await collect(await blob.read(), size);
				t.is(bytes === undefined ? undefined : digestOf(bytes), digest, `${digest} of ${repository}`);
			}
		};
		const write = async (name: string): Promise<void> => {
			const random = createRandom(`${kind} ${name}`);
			for (let i = 0; i < rounds; i++) {
				const repository = `${name}/r${random(2)}`;
				const tag = `t${random(3)}`;
				const key = `${repository}:${tag}`;
				const layers = [`shared ${random(4)}`, `${name} ${random(6)}`, `${name} ${i} ${'x'.repeat(random(50_000))}`];
				const image = await pushImage(storage, repository, random(3) === 0 ? [] : [tag], layers);
				if (random(4) === 0) {
					const index = newIndex([descriptorOf(image)]);
					t.deepEqual(await storage.putManifest(repository, index, [tag]), []);
					expected.set(key, index);
				} else if ((await storage.tag(repository, tag)) === image.digest) {
					expected.set(key, image);
				}
				await pull(repository, image);
				if (random(5) === 0) {
					t.is(await storage.deleteTag(repository, tag), expected.delete(key));
				}
				const old = expected.get(key);
				if (old !== undefined && random(6) === 0) {
					t.true(await storage.deleteManifest(repository, old.digest));
					for (const [other, manifest] of expected) {
						if (other.startsWith(`${repository}:`) && manifest.digest === old.digest) expected.delete(other);
					}
				}
			}
			running--;
		};
		const sweep = async (): Promise<number> => {
			let removed = 0;
			const collection = kind === 'store' ? collectorLockPath(root) : join(root, '.sealimage/gc');
			while (running > 0) {
				removed += (await inventory.collect({untagged: true})).blobs.length;
				await new Promise(resolve => setTimeout(resolve, 5));
			}
			await withLock(collection, async () => age());
			return removed + (await inventory.collect({untagged: true})).blobs.length;
		};
		const [removed] = await Promise.all([sweep(), ...['a', 'b', 'c', 'd'].map(write)]);
		t.true(removed > 0);
		t.deepEqual((await verifyRegistry(inventory)).findings, []);
		await new Promise(resolve => setTimeout(resolve, 1100));
		const tags: [string, Digest | undefined][] = [];
		for (const repository of await storage.repositories({})) {
			for (const tag of (await storage.tags(repository, {})) ?? []) {
				tags.push([`${repository}:${tag}`, await storage.tag(repository, tag)]);
			}
		}
		t.deepEqual(tags.toSorted(), [...expected].map(([key, {digest}]) => [key, digest] as [string, Digest]).toSorted());
		for (const [key, manifest] of expected) await pull(key.slice(0, key.indexOf(':')), manifest);
		t.deepEqual((await inventory.collect({untagged: true})).blobs, []);
	});
}
