import {randomBytes} from 'node:crypto';
import {
	appendFileSync,
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Bytes} from '../../../lib/core/bytes.js';
import {withLock} from '../../../lib/core/lock.js';
import {createOwner} from '../../../lib/core/process-owner.js';
import type {ContentOpener} from '../../../lib/oci/content.js';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import {collectGarbage} from '../../../lib/oci/store/gc.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {tempDir} from '../../helpers/temp-dir.js';

const content = randomBytes(3_000_000);
const descriptor = describe('application/octet-stream', content);
const cut = new Error('the line was cut');

function partialFile(store: Store, {digest}: Descriptor = descriptor): string {
	return join(store.root, '.sealimage/partial', digest.replace(':', '-'));
}

/** A source that gives `bytes` in pieces and breaks before the byte `end`; it notes from where it was read. */
function source(bytes: Buffer, end = Number.POSITIVE_INFINITY): {read: ContentOpener; offsets: number[]} {
	const offsets: number[] = [];
	const read = async (offset: number): Promise<Bytes> => {
		offsets.push(offset);
		return pieces(bytes, offset, end);
	};
	return {read, offsets};
}

async function* pieces(bytes: Buffer, start: number, end: number): AsyncGenerator<Uint8Array> {
	for (let at = start; at < Math.min(bytes.length, end); at += 65_536) {
		yield bytes.subarray(at, Math.min(at + 65_536, end));
	}
	if (end < bytes.length) throw cut;
}

/** A store in which the first 2,000,000 bytes have arrived. */
async function interrupted(t: ExecutionContext): Promise<Store> {
	const store = await openStore(tempDir(t));
	t.is(await t.throwsAsync(store.pushFrom(descriptor, source(content, 2_000_000).read)), cut);
	return store;
}

function isStored(store: Store): boolean {
	const path = store.blobPath(descriptor.digest);
	return existsSync(path) && readFileSync(path).equals(content);
}

test('what arrived before a cut is kept, and only the rest is read the next time', async t => {
	const store = await interrupted(t);
	t.true(readFileSync(partialFile(store)).equals(content.subarray(0, 2_000_000)));
	t.false(existsSync(store.blobPath(descriptor.digest)));
	await store.close();
	const again = await openStore(store.root);
	const {read, offsets} = source(content);
	await again.pushFrom(descriptor, read);
	t.deepEqual(offsets, [2_000_000]);
	t.true(isStored(again));
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
	await again.pushFrom(descriptor, read);
	t.deepEqual(offsets, [2_000_000]);
});

test('content that is whole but was never given its name is not read again', async t => {
	const store = await interrupted(t);
	writeFileSync(partialFile(store), content);
	const {read, offsets} = source(content);
	await store.pushFrom(descriptor, read);
	t.deepEqual(offsets, []);
	t.true(isStored(store));
});

test('a beginning that is wrong, or too long, is fetched again from the start', async t => {
	for (const beginning of [randomBytes(2_000_000), randomBytes(3_000_000), Buffer.alloc(4_000_000)]) {
		const store = await interrupted(t);
		writeFileSync(partialFile(store), beginning);
		const {read, offsets} = source(content);
		await store.pushFrom(descriptor, read);
		t.is(offsets.at(-1), 0);
		t.true(isStored(store));
	}
});

test('a source that is wrong from its start is refused after one more attempt, and leaves nothing', async t => {
	const store = await interrupted(t);
	const wrong = Buffer.from(content);
	wrong[2_999_999]! ^= 1;
	const {read, offsets} = source(wrong);
	await t.throwsAsync(store.pushFrom(descriptor, read), {code: 'ERR_CONTENT_DIGEST'});
	t.deepEqual(offsets, [2_000_000, 0]);
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
	t.deepEqual(readdirSync(join(store.root, 'blobs/sha256')), []);
	const fresh = source(wrong);
	await t.throwsAsync(store.pushFrom(descriptor, fresh.read), {code: 'ERR_CONTENT_DIGEST'});
	t.deepEqual(fresh.offsets, [0]);
});

test('a source that is longer or shorter than promised is refused, and leaves nothing', async t => {
	for (const bytes of [Buffer.concat([content, Buffer.from('x')]), content.subarray(0, -1)]) {
		const store = await openStore(tempDir(t));
		await t.throwsAsync(store.pushFrom(descriptor, source(bytes).read), {code: 'ERR_CONTENT_SIZE'});
		t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
		t.deepEqual(readdirSync(join(store.root, 'blobs/sha256')), []);
	}
});

test('an abort keeps what arrived', async t => {
	const store = await openStore(tempDir(t));
	const controller = new AbortController();
	const reason = new Error('enough');
	const read: ContentOpener = async () =>
		(async function* () {
			yield content.subarray(0, 1_500_000);
			controller.abort(reason);
			yield content.subarray(1_500_000);
		})();
	t.is(await t.throwsAsync(store.pushFrom(descriptor, read, {signal: controller.signal})), reason);
	t.true(readFileSync(partialFile(store)).equals(content.subarray(0, 1_500_000)));
});

test('a source that gives nothing leaves no file, and small content is not kept', async t => {
	const store = await openStore(tempDir(t));
	const refuse: ContentOpener = async () => await Promise.reject(cut);
	t.is(await t.throwsAsync(store.pushFrom(descriptor, refuse)), cut);
	const small = describe('x/y', content.subarray(0, 1000));
	t.is(await t.throwsAsync(store.pushFrom(small, source(content.subarray(0, 1000), 500).read)), cut);
	await store.pushFrom(small, source(content.subarray(0, 1000)).read);
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
	await store.close();
	t.deepEqual(readdirSync(store.tempDir), []);
});

test('two that want the same content at once read it once', async t => {
	const store = await openStore(tempDir(t));
	const other = await openStore(store.root);
	const {read, offsets} = source(content);
	await Promise.all([store, other, store].map(one => one.pushFrom(descriptor, read)));
	t.deepEqual(offsets, [0]);
	t.true(isStored(store));
});

test('a holder that gets no further is not waited for', async t => {
	const store = await openStore(tempDir(t), {lockTimeoutMs: 50});
	mkdirSync(join(store.root, '.sealimage/partial'));
	const {read, offsets} = source(content);
	await withLock(`${partialFile(store)}.lock`, async () => {
		writeFileSync(partialFile(store), content.subarray(0, 10));
		await store.pushFrom(descriptor, read);
	});
	t.deepEqual(offsets, [0]);
	t.true(isStored(store));
	t.is(readFileSync(partialFile(store)).length, 10);
});

test('beginnings that nobody came back to for a week go when the store is opened, younger ones stay', async t => {
	const store = await interrupted(t);
	const old = describe('x/y', Buffer.from('old'));
	writeFileSync(partialFile(store, old), 'ol');
	writeFileSync(`${partialFile(store, old)}.lock`, '{}');
	const then = (Date.now() - 8 * 24 * 60 * 60 * 1000) / 1000;
	for (const end of ['', '.lock']) utimesSync(`${partialFile(store, old)}${end}`, then, then);
	await openStore(store.root);
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), [descriptor.digest.replace(':', '-')]);
});

test('the collector drops beginnings when it is told to, except those that somebody adds to', async t => {
	const store = await interrupted(t);
	t.deepEqual((await collectGarbage(store)).partials, []);
	const expected = {partials: [descriptor.digest], freedBytes: 2_000_000};
	t.like(await collectGarbage(store, {partial: true, dryRun: true}), expected);
	await withLock(`${partialFile(store)}.lock`, async () => {
		t.like(await collectGarbage(store, {partial: true}), {partials: [], freedBytes: 0});
	});
	t.true(existsSync(partialFile(store)));
	t.like(await collectGarbage(store, {partial: true}), expected);
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
});

test('content that was resumed after days is not taken for garbage before it has a name', async t => {
	const store = await interrupted(t);
	writeFileSync(partialFile(store), content);
	utimesSync(partialFile(store), 1_700_000_000, 1_700_000_000);
	await store.pushFrom(descriptor, source(content).read);
	t.like(await collectGarbage(store), {blobs: [], protectedBlobs: 1});
	await store.close();
	t.deepEqual((await collectGarbage(store)).blobs, [descriptor.digest]);
});

test('content that another process writes into meanwhile is refused', async t => {
	const store = await openStore(tempDir(t));
	const read: ContentOpener = async () =>
		(async function* () {
			yield content.subarray(0, 2_000_000);
			appendFileSync(partialFile(store), 'x');
			yield content.subarray(2_000_000);
		})();
	await t.throwsAsync(store.pushFrom(descriptor, read), {code: 'ERR_STORE_DAMAGED', message: /Another process wrote/});
	t.deepEqual(readdirSync(join(store.root, 'blobs/sha256')), []);
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
});

test('a writer in another container that wakes up after its time harms nothing', async t => {
	const store = await interrupted(t);
	const sleeper = openSync(partialFile(store), 'a');
	const lock = `${partialFile(store)}.lock`;
	writeFileSync(lock, JSON.stringify({...createOwner(), bootId: 'another'}));
	utimesSync(lock, 1_700_000_000, 1_700_000_000);
	const {read, offsets} = source(content);
	await store.pushFrom(descriptor, read);
	writeSync(sleeper, content, 0, 65_536);
	closeSync(sleeper);
	t.deepEqual(offsets, [2_000_000]);
	t.true(isStored(store));
	t.deepEqual(readdirSync(join(store.root, '.sealimage/partial')), []);
});
