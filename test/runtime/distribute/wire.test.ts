import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {collect} from '../../../lib/core/bytes.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {announce, parseAnnounced} from '../../../lib/runtime/distribute/announce.js';
import {formatHeader, readFrames} from '../../../lib/runtime/distribute/frames.js';
import {parseStates} from '../../../lib/runtime/distribute/states.js';
import {syntheticBlob} from '../../../lib/runtime/simulate/simulate.js';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
	for (let at = 0, turn = 0; at < bytes.length; turn++) {
		const size = sizes[turn % sizes.length] ?? 1;
		yield bytes.subarray(at, at + size);
		at += size;
	}
}

async function read(
	input: AsyncIterable<Uint8Array>,
	skip = false,
): Promise<readonly (readonly [string, number, string])[]> {
	const frames: Array<readonly [string, number, string]> = [];
	for await (const {blob, index, bytes} of readFrames(input))
		frames.push([blob, index, skip ? '' : (await collect(bytes, 1e6)).toString('hex')]);
	return frames;
}

test('frames come out as they went in, however the bytes are cut', async t => {
	const frame = fc.record({blob: fc.string({maxLength: 80}), index: fc.nat(), bytes: fc.uint8Array({maxLength: 300})});
	const sizes = fc.array(fc.integer({min: 1, max: 100}), {minLength: 1, maxLength: 5});
	const check = async (frames: {blob: string; index: number; bytes: Uint8Array}[], pieces: number[]): Promise<void> => {
		const wire = Buffer.concat(
			frames.flatMap(({blob, index, bytes}) => [formatHeader({blob, index, sizeBytes: bytes.length}), bytes]),
		);
		const expected = frames.map(({blob, index, bytes}) => [blob, index, Buffer.from(bytes).toString('hex')] as const);
		t.deepEqual(await read(cut(wire, pieces)), expected);
		t.is((await read(cut(wire, pieces), true)).length, frames.length, 'also when nobody reads the bytes');
	};
	await fc.assert(fc.asyncProperty(fc.array(frame, {maxLength: 5}), sizes, check));
});

const refused = test.macro({
	async exec(t: ExecutionContext, wire: string) {
		await t.throwsAsync(read(cut(Buffer.from(wire), [7])), {code: 'ERR_DISTRIBUTE'});
	},
	title: (_, wire) => `no frame: ${wire.slice(0, 40)}`,
});
test(refused, 'nonsense\n');
test(refused, '{"blob":"b","index":0}\n');
test(refused, '{"blob":"b","index":0,"sizeBytes":-1}\n');
test(refused, '{"blob":"b","index":0,"sizeBytes":10}\nshort');
test(refused, '{"blob":"b"');
test(refused, 'x'.repeat(5000));

test('announced blobs come out as they went in', t => {
	const blobs = [0, 10, 40e6].map(syntheticBlob);
	const wire = JSON.parse(JSON.stringify(blobs.map(announce))) as unknown;
	t.deepEqual([...parseAnnounced(wire).values()], blobs);
});

const good = announce(syntheticBlob(40e6, 0));
test('an announcement that makes no sense is refused', t => {
	for (const wrong of [
		7,
		[7],
		[{...good, blob: '../x'}],
		[{...good, sizeBytes: -1}],
		[{...good, sizeBytes: 10}],
		[{...good, parts: []}],
		[{...good, parts: ['x', 'y', 'z']}],
		[{...good, mediaType: undefined}],
		[{...good, diffId: 'no'}],
	])
		t.throws(() => parseAnnounced(wrong), {code: 'ERR_USAGE'}, JSON.stringify(wrong).slice(0, 200));
});

test('what a host says it has counts as far as it was asked', t => {
	const [blob, other, unasked] = ['blob', 'other', 'unasked'].map(name => digestOf(name));
	const asked = [blob!, other!].map(digest => ({blob: digest, partCount: 4}));
	const answer = [
		{blob, state: 'partial', parts: [0, 3, 3, 4, -1, 1.5, 'x']},
		{blob, state: 'whole'},
		{blob: unasked, state: 'whole'},
		{blob: other, state: 'splendid'},
		null,
	];
	t.deepEqual(parseStates('h', answer, asked), [{blob: blob!, state: 'partial', parts: []}]);
	t.deepEqual(parseStates('h', [{blob, state: 'partial', parts: [0, 3, 9, 1.5]}], asked), [
		{blob: blob!, state: 'partial', parts: [0, 3]},
	]);
	t.throws(() => parseStates('h', {}, asked), {code: 'ERR_DISTRIBUTE'});
});
