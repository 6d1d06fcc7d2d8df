import {randomBytes} from 'node:crypto';
import {readdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import type {FetchOptions} from '../../../lib/oci/content.js';
import {describe} from '../../../lib/oci/descriptor.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {openStore} from '../../../lib/oci/store/store.js';
import {partBytes} from '../../../lib/runtime/content/part.js';
import {countParts, type PartSource, partsOf} from '../../../lib/runtime/distribute/parts.js';
import {tempDir} from '../../helpers/temp-dir.js';

const large = randomBytes(2 * partBytes + 1000);
const descriptor = describe('application/octet-stream', large);

/** A source that counts how often it is read. */
function sourceIn(dir: string, bytes: Buffer = large): PartSource & {reads: number} {
	const source = {
		reads: 0,
		cacheDir: dir,
		async fetch(_: unknown, _options?: FetchOptions) {
			source.reads++;
			return (async function* () {
				for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000);
			})();
		},
		exists: async () => true,
	};
	return source;
}

test('a blob of one part has the digest of that part, and is not read', async t => {
	const source = sourceIn(tempDir(t));
	const small = describe('application/octet-stream', large.subarray(0, 1000));
	const {parts} = await partsOf(source, small, undefined);
	t.deepEqual(parts, [{blob: small.digest, index: 0, sizeBytes: 1000, digest: small.digest}]);
	t.is(source.reads, 0);
	t.is((await partsOf(source, describe('x/y', Buffer.alloc(0)), undefined)).parts.length, 1);
});

test('a larger blob is read once, and not again by another process', async t => {
	const dir = tempDir(t);
	const source = sourceIn(dir);
	const {parts, diffId} = await partsOf(source, descriptor, descriptor.digest);
	t.is(diffId, descriptor.digest);
	t.deepEqual(
		parts.map(({index, sizeBytes, digest}) => ({index, sizeBytes, digest})),
		[0, 1, 2].map(index => {
			const bytes = large.subarray(index * partBytes, (index + 1) * partBytes);
			return {index, sizeBytes: bytes.length, digest: digestOf(bytes)};
		}),
	);
	t.is(source.reads, 1);
	const other = sourceIn(dir);
	t.deepEqual((await partsOf(other, descriptor, descriptor.digest)).parts, parts);
	t.is(other.reads, 0);
});

test('a damaged note is made again', async t => {
	const dir = tempDir(t);
	const {parts} = await partsOf(sourceIn(dir), descriptor, undefined);
	const folder = join(dir, 'parts-1', descriptor.digest.slice(7, 9));
	const note = join(folder, readdirSync(folder)[0]!);
	for (const text of ['', '[]', '{"x":1}', '["sha256:no"]', readFileSync(note, 'utf8').slice(0, -20)]) {
		writeFileSync(note, text);
		const source = sourceIn(dir);
		t.deepEqual((await partsOf(source, descriptor, undefined)).parts, parts);
		t.is(source.reads, 1, text);
	}
});

test('a blob that is damaged in the store gives no parts', async t => {
	const store = await openStore(tempDir(t), {durability: 'none'});
	t.teardown(() => store.close());
	await store.push(descriptor, oneChunk(large));
	const path = store.blobPath(descriptor.digest);
	const wrong = Buffer.from(large);
	wrong[5_000_000]! ^= 1;
	writeFileSync(`${path}.new`, wrong);
	renameSync(`${path}.new`, path);
	await t.throwsAsync(partsOf(store, descriptor, undefined), {code: 'ERR_CONTENT_DIGEST'});
});

test('sizes are counted in parts', t => {
	t.deepEqual([0, 1, partBytes, partBytes + 1].map(countParts), [1, 1, 1, 2]);
});
