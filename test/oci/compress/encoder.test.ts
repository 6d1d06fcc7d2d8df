import {randomBytes} from 'node:crypto';
import {gunzipSync} from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import type {Compression} from '../../../lib/oci/compress/compression.js';
import {decompress} from '../../../lib/oci/compress/decompress.js';
import {createEncoder} from '../../../lib/oci/compress/encoder.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {testWith} from '../../helpers/programs.js';

async function encode(compression: Compression, blocks: readonly Uint8Array[]): Promise<Buffer> {
	const chunks: Buffer[] = [];
	const encoder = createEncoder(compression, async chunk => {
		await new Promise(resolve => setImmediate(resolve));
		chunks.push(Buffer.from(chunk));
	});
	for (const block of blocks) void encoder.push(block);
	await encoder.finish();
	return Buffer.concat(chunks);
}

/** Text, zeros, noise, and mixtures of them. */
const block = fc
	.tuple(fc.constantFrom('text', 'zeros', 'noise', 'mixed'), fc.oneof(fc.nat(300), fc.nat(200_000)))
	.map(([kind, length]) => {
		if (kind === 'zeros') return Buffer.alloc(length);
		if (kind === 'text') return Buffer.alloc(length, 'the quick brown fox jumps over the lazy dog\n');
		const noise = randomBytes(length);
		return kind === 'noise'
			? noise
			: Buffer.concat([noise, Buffer.alloc(length % 1000, 'abc'), noise.subarray(0, 100)]);
	});

for (const algorithm of ['none', 'gzip', 'gzip-stable', 'zstd'] as const) {
	const test = testWith(...(algorithm === 'zstd' ? ['zstd'] : []));
	test(`${algorithm} gives back what was put in, however it was cut`, async t => {
		await fc.assert(
			fc.asyncProperty(fc.array(block, {maxLength: 5}), async blocks => {
				const plain = Buffer.concat(blocks);
				const encoded = await encode({algorithm}, blocks);
				t.true((await collect(decompress(oneChunk(encoded)), plain.length)).equals(plain));
				if (algorithm.startsWith('gzip')) t.true(gunzipSync(encoded).equals(plain));
			}),
			{numRuns: algorithm === 'zstd' ? 15 : 40},
		);
	});

	test(`${algorithm} gives equal bytes for equal blocks`, async t => {
		const blocks = [Buffer.alloc(300_000, 'abc'), randomBytes(200_000), Buffer.alloc(1000, 'x')];
		t.true((await encode({algorithm}, blocks)).equals(await encode({algorithm}, blocks)));
	});

	test(`${algorithm} reports the failure of its output and ends`, async t => {
		const encoder = createEncoder({algorithm}, async () => {
			throw new Error('disk is gone');
		});
		await t.throwsAsync(
			async () => {
				await encoder.push(Buffer.alloc(200_000, 'a'));
				await encoder.finish();
			},
			{message: 'disk is gone'},
		);
		await encoder.abort();
	});
}

test('gzip has no time, no name and an unknown system in its header', async t => {
	const encoded = await encode({algorithm: 'gzip', level: 9}, [Buffer.from('hello')]);
	t.deepEqual([...encoded.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
});

test('blocks refer to what came before them', async t => {
	const noise = randomBytes(20_000);
	const [twice, once] = await Promise.all([
		encode({algorithm: 'gzip', level: 4}, [noise, noise]),
		encode({algorithm: 'gzip', level: 4}, [noise]),
	]);
	t.true(twice.length < once.length + 500, `${twice.length} bytes`);
});

test('what does not compress is stored with a few bytes of overhead', async t => {
	const noise = randomBytes(1024 * 1024);
	for (const algorithm of ['gzip', 'gzip-stable'] as const) {
		const encoded = await encode({algorithm}, [noise]);
		t.is(encoded.length, noise.length + 17 * 5 + 10 + 2 + 8);
		t.true(gunzipSync(encoded).equals(noise));
	}
});

test('gzip-stable never changes its bytes', async t => {
	const blocks = [Buffer.alloc(100_000, 'the same bytes under every version of Node\n'), Buffer.from('and the rest')];
	const digest = 'sha256:424c88a66a3881582b682e98bb6d525b6f45c84c8286f69dc4802b3d61855615';
	t.is(digestOf(await encode({algorithm: 'gzip-stable'}, blocks)), digest);
});

test('the whole of nothing is a valid stream', async t => {
	t.is(gunzipSync(await encode({algorithm: 'gzip'}, [])).length, 0);
	t.is((await encode({algorithm: 'none'}, [])).length, 0);
});
