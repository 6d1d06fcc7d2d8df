import {type ChildProcess, fork} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collect} from '../../../lib/core/bytes.js';
import type {SealError} from '../../../lib/core/errors.js';
import {type Digest, digestOf} from '../../../lib/oci/digest.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../../lib/registry/storage/storage.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {install} from '../../helpers/host-content.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {workerLayers} from '../../helpers/worker-layers.js';

const worker = join(process.cwd(), '.build/test/fixtures/processes/content-worker.js');

async function killed(children: readonly ChildProcess[], afterMs: number): Promise<void> {
	await Promise.all(children.map(child => new Promise(resolve => child.once('message', resolve))));
	await new Promise(resolve => setTimeout(resolve, afterMs));
	await Promise.all(
		children.map(child => {
			const ended = new Promise(resolve => child.once('exit', resolve));
			child.kill('SIGKILL');
			return ended;
		}),
	);
}

function isMarked(path: string): boolean {
	return existsSync(path) && readFileSync(path, 'utf8') !== '';
}

test('kill -9 at any moment leaves content that is whole, beside others at work', async t => {
	t.timeout(110_000);
	const root = join(tempDir(t), 'content');
	for (let round = 0; round < 14; round++) {
		const children = [fork(worker, [root, 'a', String(round)]), fork(worker, [root, 'b', String(round + 1)])];
		await killed(children, round * 40 + Math.random() * 120);
		const content = openHostContent(root, {durability: 'none'});
		// Every name is the promise that tree, layers and registry are there.
		t.deepEqual((await content.verify()).damaged, []);
		for (const image of await content.images()) t.is(readFileSync(join(image.path, 'bin/tool')).length, 600_000);
	}
	const content = openHostContent(root, {durability: 'none'});
	for (const [number, name] of ['a', 'b'].entries()) await install(content, name, await workerLayers(number));
	await content.gc();
	t.deepEqual((await content.verify()).damaged, []);
	t.deepEqual(readdirSync(join(root, 'layers/sha256')).length, 5);
	t.deepEqual(readdirSync(join(root, 'trees/sha256')).length, 2);
	t.deepEqual(
		readdirSync(join(root, 'partial')).filter(name => name.includes('.')),
		[],
	);
	// A folder whose maker died before it wrote its name there goes a minute later.
	const [boot = ''] = readdirSync(join(root, 'tmp'));
	const left = readdirSync(join(root, 'tmp', boot)).filter(name => isMarked(join(root, 'tmp', boot, name, '.owner')));
	t.deepEqual(left, []);
});

/** What a tag pointed at a moment ago may just have gone with its image: then there is nothing. */
async function readBlob(storage: RegistryStorage, digest: Digest): Promise<Buffer | undefined> {
	const blob = await storage.blob('registry.k8s.io/shared', digest);
	if (blob === undefined) return undefined;
	try {
		return await collect(await blob.read(), blob.sizeBytes);
	} catch (error) {
		if ((error as SealError).details.systemCode === 'ENOENT') return undefined;
		throw error;
	}
}

test('a server that reads the registry meets only whole images while others come and go', async t => {
	const root = join(tempDir(t), 'content');
	const content = openHostContent(root, {durability: 'none'});
	await install(content, 'stays', await workerLayers(0));
	const storage = await openStockStorage(join(root, 'registry'));
	t.teardown(() => storage.close());
	const child = fork(worker, [root, 'comes-and-goes', '1']);
	let looks = 0;
	const reading = (async () => {
		while (child.exitCode === null && child.signalCode === null) {
			const digest = await storage.tag('registry.k8s.io/shared', 'v1');
			if (digest === undefined) throw new Error('the tag is gone');
			const bytes = await readBlob(storage, digest);
			if (bytes !== undefined && digestOf(bytes) !== digest) throw new Error('wrong bytes');
			if (bytes !== undefined) looks++;
			await new Promise(resolve => setTimeout(resolve, 1));
		}
	})();
	await killed([child], 3000);
	await reading;
	t.true(looks > 20);
});
