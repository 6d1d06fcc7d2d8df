import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {collect} from '../../../lib/core/bytes.js';
import {zstdFrames} from '../../../lib/oci/compress/zstd-frames.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {installed, testWith} from '../../helpers/programs.js';
import {chunked} from '../tar/fixture.js';

const test = testWith('zstd');

const pack = (input: Buffer, ...args: string[]): Buffer =>
	execFileSync('zstd', ['-q', '-c', ...args], {input, maxBuffer: 10_000_000});

async function split(stream: Buffer, chunkBytes: number): Promise<Buffer[]> {
	const frames: Buffer[] = [];
	for await (const frame of zstdFrames(chunked(stream, chunkBytes))) frames.push(await collect(frame, 10_000_000));
	return frames;
}

/** Blocks of all types: compressed, raw, run-length; with and without checksums and sizes. */
const frames = !installed('zstd')
	? []
	: [
			pack(Buffer.alloc(500_000, 'some text ')),
			pack(randomBytes(300_000), '--no-check'),
			pack(Buffer.alloc(1_000_000), '--no-content-size'),
			pack(Buffer.alloc(0)),
			pack(Buffer.from('x')),
			pack(Buffer.alloc(70_000, 'abc'), '-19'),
		];
const skippable = Buffer.concat([Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('hello')]);

test('a stream is split into its frames, wherever its chunks end', async t => {
	for (const chunkBytes of [1, 3, 1000, 10_000_000])
		t.deepEqual(
			(await split(Buffer.concat(frames), chunkBytes)).map(part => digestOf(part)),
			frames.map(frame => digestOf(frame)),
		);
});

test('skippable frames are left out', async t => {
	const stream = Buffer.concat([skippable, frames[4] as Buffer, skippable, skippable, frames[3] as Buffer, skippable]);
	t.deepEqual(await split(stream, 7), [frames[4] as Buffer, frames[3] as Buffer]);
});

test('a frame that is not consumed is passed over', async t => {
	let count = 0;
	for await (const _ of zstdFrames(chunked(Buffer.concat(frames), 1000))) count++;
	t.is(count, frames.length);
});

test('a stream that is cut off or goes on with something else is refused', async t => {
	const [first] = frames as [Buffer];
	const damaged = {code: 'ERR_COMPRESSION', message: /damaged/};
	await t.throwsAsync(split(first.subarray(0, first.length - 1), 100), damaged);
	await t.throwsAsync(split(first.subarray(0, 5), 100), damaged);
	await t.throwsAsync(split(Buffer.concat([first, Buffer.from('garbage')]), 100), damaged);
	await t.throwsAsync(split(skippable.subarray(0, 10), 100), damaged);
});
