import {type ChildProcess, fork} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {collect} from '../../../../lib/core/bytes.js';
import type {Descriptor} from '../../../../lib/oci/descriptor.js';
import {type Digest, digestOf} from '../../../../lib/oci/digest.js';
import {openStockStorage} from '../../../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../../../lib/registry/storage/storage.js';
import {patternOf, piece} from '../../../helpers/stock.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const pusher = join(process.cwd(), '.build/test/fixtures/processes/stock-pusher.js');

/** What a pusher was told before it died. */
interface Told {
	readonly blobs: Set<Digest>;
	readonly tags: Map<string, Digest>;
	readonly deleted: Set<string>;
	readonly offsets: Map<string, {readonly sizeBytes: number; readonly seed: string}>;
}

type Message =
	| {readonly said: 'ready'}
	| {readonly said: 'blob'; readonly digest: Digest}
	| {readonly said: 'tag'; readonly tag: string; readonly digest: Digest}
	| {readonly said: 'deleted'; readonly tag: string}
	| {readonly said: 'offset'; readonly id: string; readonly sizeBytes: number; readonly seed: string};

test('kill -9 at any moment loses nothing that was acknowledged and leaves nothing torn', async t => {
	const root = tempDir(t);
	const told: Told = {blobs: new Set(), tags: new Map(), deleted: new Set(), offsets: new Map()};
	let finished = 0;
	for (let round = 0; round < 16; round++) {
		const durability = round % 6 === 5 ? 'full' : 'none';
		const children = ['one', 'two/three'].map(name => startPusher(root, name, durability, told));
		await Promise.all(children.map(child => child.ready));
		await new Promise(resolve => setTimeout(resolve, Math.random() * 120));
		for (const {child} of children) child.kill('SIGKILL');
		await Promise.all(children.map(child => child.ended));
		const storage = await openStockStorage(root, {durability: 'none'});
		await checkTold(t, storage, told);
		await checkWhole(t, storage);
		finished += await goOn(t, storage, told);
		await storage.close();
	}
	t.true(told.tags.size > 16);
	t.true(finished > 0);
	const scratch = join(root, '.sealimage/tmp');
	const marked = readdirSync(scratch).filter(name => isMarked(join(scratch, name, '.owner')));
	t.deepEqual(marked, []);
});

function startPusher(root: string, name: string, durability: string, told: Told) {
	const child = fork(pusher, [root, name, durability]);
	const ready = new Promise<void>((resolve, reject) => {
		child.once('exit', code => reject(new Error(`The pusher ended with ${code} before it was ready`)));
		child.on('message', message => {
			const said = message as Message;
			if (said.said === 'ready') resolve();
			if (said.said === 'blob') told.blobs.add(said.digest);
			if (said.said === 'tag') told.tags.set(`${name}:${said.tag}`, said.digest);
			if (said.said === 'deleted') told.deleted.add(`${name}:${said.tag}`);
			if (said.said === 'offset') told.offsets.set(`${name}:${said.id}`, said);
		});
	});
	ready.catch(() => undefined);
	return {child, ready, ended: ended(child)};
}

/** All messages of a process have arrived when its channel is closed. */
function ended(child: ChildProcess): Promise<unknown> {
	return Promise.all(['exit', 'disconnect'].map(event => new Promise(resolve => child.once(event, resolve))));
}

async function checkTold(t: ExecutionContext, storage: RegistryStorage, told: Told): Promise<void> {
	for (const [name, digest] of told.tags) {
		const [repository = '', tag = ''] = name.split(':');
		t.is((await storage.manifest(repository, digest))?.digest, digest);
		const found = await storage.tag(repository, tag);
		if (told.deleted.has(name)) t.is(found, undefined);
		// A delete may have been done without being told.
		else if (found !== undefined) t.is(found, digest);
	}
}

/** Everything that a listing shows can be read to its last byte. */
async function checkWhole(t: ExecutionContext, storage: RegistryStorage): Promise<void> {
	for (const repository of await storage.repositories({})) {
		for (const tag of (await storage.tags(repository, {})) ?? []) {
			const found = await storage.manifest(repository, (await storage.tag(repository, tag))!);
			const {layers} = JSON.parse(Buffer.from(found!.bytes).toString()) as {layers: Descriptor[]};
			const blob = await storage.blob(repository, layers[0]!.digest);
			t.is(digestOf(await collect(await blob!.read(), 1 << 20)), layers[0]!.digest);
		}
	}
}

/** Uploads that were cut go on at an offset that is no smaller than what was told, and come to the right end. */
async function goOn(t: ExecutionContext, storage: RegistryStorage, told: Told): Promise<number> {
	let finished = 0;
	for (const [name, {sizeBytes, seed}] of told.offsets) {
		const [repository = '', id = ''] = name.split(':');
		const {bytes, digest} = patternOf(seed);
		const upload = await storage.uploads.status(repository, id);
		told.offsets.delete(name);
		// Without a state it has become a blob; with one but no bytes it died between the two.
		if ((await storage.blob(repository, digest)) !== undefined) continue;
		if (upload === undefined || upload.sizeBytes === 0) {
			t.true(sizeBytes === bytes.length, `${seed} was lost at ${sizeBytes}`);
			continue;
		}
		t.true(upload.sizeBytes >= sizeBytes, `${seed}: told ${sizeBytes}, found ${upload.sizeBytes}`);
		const rest = bytes.subarray(upload.sizeBytes);
		await storage.uploads.append(repository, id, piece(rest), {offset: upload.sizeBytes});
		await storage.uploads.finish(repository, id, digest);
		finished++;
	}
	return finished;
}

function isMarked(path: string): boolean {
	return existsSync(path) && readFileSync(path, 'utf8') !== '';
}
