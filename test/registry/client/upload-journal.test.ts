import {type ChildProcess, fork} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import {copy} from '../../../lib/oci/copy.js';
import {describe} from '../../../lib/oci/descriptor.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {createTally} from '../../../lib/oci/tally.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import {openUploadJournal, type UploadKey, type UploadRecord} from '../../../lib/registry/client/upload-journal.js';
import {putImage} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {startUploadRegistry, type UploadRegistry} from '../../helpers/upload-registry.js';

const pusher = join(process.cwd(), '.build/test/fixtures/processes/pusher.js');
const key: UploadKey = {host: 'r.example', repository: 'a', digest: digestOf('x')};
const record: UploadRecord = {location: 'https://r.example/upload?signature=s', minPartBytes: 5, isHeld: false};
const day = 24 * 60 * 60 * 1000;

test('remembers uploads by registry, repository and digest, for their owner only', async t => {
	const folder = join(tempDir(t), 'uploads');
	const journal = openUploadJournal(folder);
	t.is(await journal.get(key), undefined);
	await journal.set(key, record);
	t.deepEqual(await openUploadJournal(folder).get(key), record);
	t.is(await journal.get({...key, repository: 'b'}), undefined);
	t.is(await journal.get({...key, host: 'other.example'}), undefined);
	const [name = ''] = readdirSync(folder);
	t.is(statSync(join(folder, name)).mode & 0o777, 0o600);
	t.is(statSync(folder).mode & 0o777, 0o700);
	await journal.remove(key);
	t.is(await journal.get(key), undefined);
	t.deepEqual(readdirSync(folder), []);
});

test('leaves an upload alone that a living process is at work on', async t => {
	const journal = openUploadJournal(tempDir(t));
	await journal.set(key, {...record, isHeld: true});
	t.is(await journal.get(key), undefined);
	await journal.set(key, record);
	t.deepEqual(await journal.get(key), record);
});

test('forgets after a day, and removes the file later', async t => {
	const folder = tempDir(t);
	await openUploadJournal(folder).set(key, record);
	const at = (ms: number) => openUploadJournal(folder, () => Date.now() + ms).get(key);
	t.deepEqual(await at(day - 60_000), record);
	t.is(await at(day + 60_000), undefined);
	t.is(await at(-60_000), undefined, 'an entry of the future is none');
	const [name = ''] = readdirSync(folder);
	utimesSync(join(folder, name), 1000, 1000);
	await openUploadJournal(folder).get(key);
	t.deepEqual(readdirSync(folder), []);
});

const ignores = test.macro({
	async exec(t, change: (entry: Record<string, unknown>) => unknown) {
		const folder = tempDir(t);
		const journal = openUploadJournal(folder);
		await journal.set(key, record);
		const path = join(folder, readdirSync(folder)[0]!);
		const changed = change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>);
		writeFileSync(path, typeof changed === 'string' ? changed : JSON.stringify(changed));
		t.is(await journal.get(key), undefined);
	},
	title: title => `an entry counts for nothing when it ${title}`,
});

test('is no JSON', ignores, () => '{');
test('is null', ignores, () => null);
test('is endless', ignores, entry => JSON.stringify({...entry, padding: 'x'.repeat(100_000)}));
test('leads to no web address', ignores, entry => ({...entry, location: 'file:///etc/passwd'}));
test('leads nowhere', ignores, entry => ({...entry, location: 5}));
test('is about something else', ignores, entry => ({...entry, digest: digestOf('y')}));
test('has no time', ignores, entry => ({...entry, atMs: 'now'}));
test('has an impossible part size', ignores, entry => ({...entry, minPartBytes: -1}));

test('a folder where an entry should be is no entry', async t => {
	const folder = tempDir(t);
	const journal = openUploadJournal(folder);
	await journal.set(key, record);
	const [name = ''] = readdirSync(folder);
	await journal.remove(key);
	mkdirSync(join(folder, name));
	t.is(await journal.get(key), undefined);
});

const layer = randomBytes(12_000_000);

interface World {
	readonly registry: UploadRegistry;
	readonly root: string;
	readonly store: Store;
	readonly journal: string;
}

async function world(t: ExecutionContext): Promise<World> {
	const dir = tempDir(t);
	const root = join(dir, 'store');
	const store = await openStore(root);
	await store.tag('a:1', await putImage(store, {layers: [layer]}));
	return {registry: await startUploadRegistry(t), root, store, journal: join(dir, 'uploads')};
}

function ended(child: ChildProcess): Promise<number | null> {
	return new Promise(resolve => {
		if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
		else child.once('exit', resolve);
	});
}

test('after kill -9 in the middle of a push the next process goes on where the registry stands', async t => {
	const {registry, root, journal} = await world(t);
	for (const hold of [5_000_000, 4_000_000]) {
		const reached = new Promise<void>(resolve =>
			registry.faults.push({method: 'PATCH', does: {hold, reached: resolve}}),
		);
		const child = fork(pusher, [root, journal, `${registry.host}/x`]);
		await reached;
		child.kill('SIGKILL');
		await ended(child);
	}
	registry.requests.length = 0;
	t.is(await ended(fork(pusher, [root, journal, `${registry.host}/x`])), 0);
	t.true(registry.blobs.get(`x@${digestOf(layer)}`)?.equals(layer));
	t.is(registry.received.get('PATCH'), layer.length, 'no byte was taken twice');
	t.deepEqual(
		registry.requests.filter(line => line.startsWith('PATCH')).map(line => line.split(' ')[2]),
		[`9000000-${layer.length - 1}`],
	);
	t.is(registry.sessions.size, 0);
	t.deepEqual(readdirSync(journal), []);
});

test('an upload that the registry forgot meanwhile starts anew', async t => {
	const {registry, root, journal} = await world(t);
	const reached = new Promise<void>(resolve =>
		registry.faults.push({method: 'PATCH', does: {hold: 1_000_000, reached: resolve}}),
	);
	const child = fork(pusher, [root, journal, `${registry.host}/x`]);
	await reached;
	child.kill('SIGKILL');
	await ended(child);
	registry.sessions.clear();
	t.is(await ended(fork(pusher, [root, journal, `${registry.host}/x`])), 0);
	t.true(registry.blobs.get(`x@${digestOf(layer)}`)?.equals(layer));
});

test('a push that was aborted goes on in the same process too', async t => {
	const {registry, store, journal} = await world(t);
	const client = openRegistry({uploadJournal: openUploadJournal(journal)});
	t.teardown(() => client.close());
	const controller = new AbortController();
	registry.faults.push({
		method: 'PATCH',
		does: {hold: 3_000_000, reached: () => controller.abort(new Error('enough'))},
	});
	const sink = client.repository(`${registry.host}/x`);
	await t.throwsAsync(copy(store, 'a:1', sink, {as: '1', signal: controller.signal}), {message: 'enough'});
	while ([...registry.sessions.values()].every(({sizeBytes}) => sizeBytes < 3_000_000))
		await new Promise(resolve => setImmediate(resolve));
	// A mount that fails opens another upload: the one that began counts for more.
	const tally = createTally();
	const image = await store.resolve('a:1');
	await copy(store, 'a:1', sink, {as: '1', mountFrom: [`${registry.host}/nobody`], onEvent: tally.onEvent});
	t.deepEqual(tally.total().sent, {blobs: 2, bytes: layer.length - 3_000_000 + image.size});
	t.true(registry.blobs.get(`x@${digestOf(layer)}`)?.equals(layer));
	t.is(registry.received.get('PATCH'), layer.length);
	t.is(registry.sessions.size, 0);
});

const keeps = test.macro({
	async exec(t, thrown: Error, isKept: boolean) {
		const {registry, journal} = await world(t);
		const client = openRegistry({uploadJournal: openUploadJournal(journal)});
		t.teardown(() => client.close());
		const descriptor = describe('application/octet-stream', layer);
		const controller = new AbortController();
		async function* breaks(): AsyncGenerator<Uint8Array> {
			yield layer.subarray(0, 6_000_000);
			if (thrown.message === 'aborted') controller.abort(thrown);
			throw thrown;
		}
		const sink = client.repository(`${registry.host}/x`);
		const push = sink.pushFrom(descriptor, async () => breaks(), {signal: controller.signal});
		t.is(await t.throwsAsync(push), thrown);
		t.is(registry.sessions.size, isKept ? 1 : 0);
		t.is(readdirSync(journal).length, isKept ? 1 : 0);
	},
	title: title => `an upload ${title}`,
});

test('is kept when it is aborted while its source is read', keeps, new Error('aborted'), true);
test('is kept when its source cannot be read further', keeps, new Error('the disk is gone'), true);
test(
	'is cancelled when its source is damaged',
	keeps,
	new SealError('ERR_CONTENT_DIGEST', 'Content from the store is wrong'),
	false,
);

test('kill -9 at any moment of a push leaves what the next push ends well', async t => {
	const {registry, root, journal, store} = await world(t);
	for (let round = 0; round < 8; round++) {
		const child = fork(pusher, [root, journal, `${registry.host}/x`]);
		await new Promise(resolve => child.once('message', resolve));
		await new Promise(resolve => setTimeout(resolve, Math.random() * 100));
		child.kill('SIGKILL');
		await ended(child);
		for (const [name, bytes] of registry.blobs) t.is(`x@${digestOf(bytes)}`, name);
	}
	t.is(await ended(fork(pusher, [root, journal, `${registry.host}/x`])), 0);
	t.true(registry.blobs.get(`x@${digestOf(layer)}`)?.equals(layer));
	t.is(registry.tags.get('x:1'), (await store.resolve('a:1')).digest);
});
