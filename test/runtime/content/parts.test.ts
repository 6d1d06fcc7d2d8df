import {createHash, randomBytes} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import {digestOf, hexOf} from '../../../lib/oci/digest.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {type Part, partBytes} from '../../../lib/runtime/content/part.js';
import {partBytesOf, partsOf, send} from '../../helpers/host-content.js';
import {chunks} from '../../helpers/images.js';
import {tempDir} from '../../helpers/temp-dir.js';

/** Two parts and a bit, all different. */
const bytes = Buffer.concat([randomBytes(2 * partBytes), Buffer.from('the end')]);
const blob = partsOf(bytes);
const [first, second, third] = blob.parts as [Part, Part, Part];
const query = {blob: blob.blob, partCount: blob.parts.length};

test('parts come in any order and twice, are served meanwhile, and the last one makes the blob', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	t.deepEqual(await content.have([query]), [{blob: blob.blob, state: 'absent'}]);
	t.is(await content.readPart(third), undefined);
	await Promise.all([
		content.writePart(blob, third, partBytesOf(bytes, 2)),
		content.writePart(blob, first, partBytesOf(bytes, 0)),
		openHostContent(root, {durability: 'none'}).writePart(blob, first, partBytesOf(bytes, 0)),
	]);
	t.deepEqual(await content.have([query]), [{blob: blob.blob, state: 'partial', parts: [0, 2]}]);
	t.is(await content.readPart(second), undefined);
	const served = await collect((await content.readPart(third)) ?? chunks(), partBytes);
	t.is(served.toString(), 'the end');
	await content.writePart(blob, second, partBytesOf(bytes, 1));
	t.deepEqual(await content.have([query]), [{blob: blob.blob, state: 'whole'}]);
	t.deepEqual(readdirSync(join(root, 'partial')), []);
	t.true(readFileSync(join(root, 'blobs/sha256', hexOf(blob.blob))).equals(bytes));
	const again = await collect((await content.readPart(second)) ?? chunks(), partBytes);
	t.is(digestOf(again), second.digest);
	// A source that nobody reads is let go.
	const source = partBytesOf(bytes, 0);
	await content.writePart(blob, first, source);
	t.true((await source.next()).done);
});

test('two processes that bring the same blob side by side make one', async t => {
	const root = tempDir(t);
	await Promise.all([0, 1, 2].map(() => send(openHostContent(root, {durability: 'none'}), bytes)));
	t.deepEqual(await openHostContent(root, {durability: 'none'}).have([query]), [{blob: blob.blob, state: 'whole'}]);
	t.deepEqual(readdirSync(join(root, 'partial')), []);
	t.true(readFileSync(join(root, 'blobs/sha256', hexOf(blob.blob))).equals(bytes));
});

test('an empty blob is one part of nothing', async t => {
	const content = openHostContent(tempDir(t), {durability: 'none'});
	const digest = await send(content, Buffer.alloc(0));
	t.is((await content.have([{blob: digest, partCount: 1}]))[0]?.state, 'whole');
	t.is(
		(await collect((await content.readPart(partsOf(Buffer.alloc(0)).parts[0] as Part)) ?? chunks('x'), 1)).length,
		0,
	);
});

const refused = test.macro<[Part, () => AsyncIterable<Uint8Array>, string, RegExp]>({
	async exec(t, part, source, code, message) {
		const root = tempDir(t);
		const content = openHostContent(root, {durability: 'none'});
		await content.writePart(blob, first, partBytesOf(bytes, 0));
		await t.throwsAsync(content.writePart(blob, part, source()), {code, message});
		t.deepEqual(await content.have([query]), [{blob: blob.blob, state: 'partial', parts: [0]}]);
		t.is(statSync(join(root, 'partial', hexOf(blob.blob), 'data')).size, partBytes);
	},
	title: (given = '') => given,
});

test(
	'other bytes than announced are refused',
	refused,
	third,
	() => chunks('the eND'),
	'ERR_CONTENT_DIGEST',
	/^Content from the sender of part 2 of sha256:\w+ is wrong/,
);
test(
	'fewer bytes than announced are refused',
	refused,
	third,
	() => chunks('the'),
	'ERR_CONTENT_SIZE',
	/is shorter than/,
);
test(
	'more bytes than announced are refused',
	refused,
	third,
	() => chunks('the end', 'less'),
	'ERR_CONTENT_SIZE',
	/is longer than/,
);
test(
	'a part beyond the blob is refused',
	refused,
	{...third, index: 3},
	() => chunks(''),
	'ERR_CONTENT_SIZE',
	/^Part 3 does not fit into/,
);
test(
	'a part of another size is refused',
	refused,
	{...second, sizeBytes: 1},
	() => chunks('x'),
	'ERR_CONTENT_SIZE',
	/^Part 1 does not fit into/,
);
test(
	'a part at no place is refused',
	refused,
	{...second, index: -1},
	() => chunks('x'),
	'ERR_CONTENT_SIZE',
	/^Part -1 does not fit into/,
);
test(
	'a source that breaks leaves nothing of its part',
	refused,
	third,
	async function* () {
		yield Buffer.from('the');
		throw Object.assign(new Error('cable'), {code: 'CABLE'});
	},
	'CABLE',
	/cable/,
);

test('an abort ends a part that waits for bytes', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	const stop = new AbortController();
	const endless = async function* (): AsyncGenerator<Uint8Array> {
		for (;;) {
			yield Buffer.from('t');
			await new Promise(resolve => setTimeout(resolve, 1));
			stop.abort(new Error('enough'));
		}
	};
	await t.throwsAsync(content.writePart(blob, first, endless(), {signal: stop.signal}), {message: 'enough'});
	t.deepEqual(await content.have([query]), [{blob: blob.blob, state: 'absent'}]);
});

test('a source is let go when the part was given up before it was read', async t => {
	const root = join(tempDir(t), 'file');
	writeFileSync(root, 'in the way');
	for (const [path, signal] of [
		[root, undefined],
		[tempDir(t), AbortSignal.abort(new Error('enough'))],
	] as const) {
		const source = partBytesOf(bytes, 0);
		await t.throwsAsync(openHostContent(path, {durability: 'none'}).writePart(blob, first, source, {signal}));
		t.true((await source.next()).done);
	}
});

test('after a boot parts and blobs that were not flushed are read again, and wrong ones are gone', async t => {
	const root = tempDir(t);
	const content = openHostContent(root, {durability: 'none'});
	await content.writePart(blob, first, partBytesOf(bytes, 0));
	await content.writePart(blob, third, partBytesOf(bytes, 2));
	const [good, bad] = [await send(content, Buffer.from('good')), await send(content, Buffer.from('bad'))];
	writeFileSync(join(root, 'blobs/sha256', hexOf(bad)), '\0\0\0');
	const data = join(root, 'partial', hexOf(blob.blob), 'data');
	const lost = readFileSync(data);
	lost.fill(0, 2 * partBytes);
	writeFileSync(data, lost);
	writeFileSync(join(root, 'tmp/left-over'), '');
	const queries = [query, {blob: good, partCount: 1}, {blob: bad, partCount: 1}];
	// Within one boot nothing is read twice.
	t.deepEqual(
		(await openHostContent(root, {durability: 'none'}).have(queries)).map(state => state.state),
		['partial', 'whole', 'whole'],
	);
	writeFileSync(join(root, 'boot'), 'another boot');
	t.deepEqual(await openHostContent(root, {durability: 'none'}).have(queries), [
		{blob: blob.blob, state: 'partial', parts: [0]},
		{blob: good, state: 'whole'},
		{blob: bad, state: 'absent'},
	]);
	t.false(existsSync(join(root, 'tmp/left-over')));
	await content.writePart(blob, second, partBytesOf(bytes, 1));
	await content.writePart(blob, third, partBytesOf(bytes, 2));
	t.is(
		createHash('sha256')
			.update(readFileSync(join(root, 'blobs/sha256', hexOf(blob.blob))))
			.digest('hex'),
		hexOf(blob.blob),
	);
});

test('an announcement that contradicts the one before starts the blob anew', async t => {
	const content = openHostContent(tempDir(t), {durability: 'none'});
	await content.writePart(blob, first, partBytesOf(bytes, 0));
	const other = {...blob, parts: [{...first, digest: digestOf('x')}, second, third]};
	await content.writePart(other, third, oneChunk(Buffer.from('the end')));
	t.deepEqual(await content.have([query]), [{blob: blob.blob, state: 'partial', parts: [2]}]);
});
