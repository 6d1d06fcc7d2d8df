import {execFileSync} from 'node:child_process';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import {filterBytes} from '../../../lib/oci/compress/child.js';
import {type CompressionFormat, decompress, sniffCompression} from '../../../lib/oci/compress/decompress.js';
import {testWith} from '../../helpers/programs.js';
import {chunked} from '../tar/fixture.js';

const text = Buffer.alloc(3_000_000, 'plain text that compresses well, but not too well: 0123456789\n');

const sniffs = test.macro({
	exec(t, format: CompressionFormat, start: readonly number[]) {
		t.is(sniffCompression(Uint8Array.from(start)), format);
	},
	title: (title = '', format) => `${title} is ${format}`,
});
test('1f8b08', sniffs, 'gzip', [0x1f, 0x8b, 8, 0, 0, 0]);
test('BZh', sniffs, 'bzip2', [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41]);
test('the magic of xz', sniffs, 'xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]);
test('a zstd frame', sniffs, 'zstd', [0x28, 0xb5, 0x2f, 0xfd, 0, 0]);
test('a skippable zstd frame', sniffs, 'zstd', [0x5a, 0x2a, 0x4d, 0x18, 0, 0]);
test('a compress (.Z) file', sniffs, 'none', [0x1f, 0x9d, 0x90, 0, 0, 0]);
test('nothing', sniffs, 'none', []);

for (const format of ['gzip', 'bzip2', 'xz', 'zstd'] as const) {
	testWith(format)(`${format} is told by its magic and read`, async t => {
		const packed = execFileSync(format, ['-q', '-c'], {input: text, maxBuffer: 10_000_000});
		for (const chunkBytes of [1, 100_000].slice(packed.length > 50_000 ? 1 : 0)) {
			t.true((await collect(decompress(chunked(packed, chunkBytes)), text.length)).equals(text));
		}
	});

	testWith(format)(`${format} that is cut off is an error`, async t => {
		const packed = execFileSync(format, ['-q', '-c'], {input: text, maxBuffer: 10_000_000});
		const cut = packed.subarray(0, Math.floor(packed.length / 2));
		await t.throwsAsync(collect(decompress(oneChunk(cut)), text.length), {code: 'ERR_COMPRESSION'});
	});

	testWith(format)(`the rest of a ${format} stream need not be wanted`, async t => {
		const packed = execFileSync(format, ['-q', '-c'], {input: text, maxBuffer: 10_000_000});
		let closed = false;
		const source = (async function* () {
			try {
				for (;;) yield Buffer.from(packed);
			} finally {
				closed = true;
			}
		})();
		for await (const chunk of decompress(source)) {
			t.true(chunk.length > 0);
			break;
		}
		t.true(closed);
	});
}

test('plain bytes pass through, however short', async t => {
	for (const plain of [text, Buffer.from('ab'), Buffer.alloc(0)])
		t.true((await collect(decompress(oneChunk(plain)), text.length)).equals(plain));
});

test('gzip of several members is one stream, and garbage behind it is ignored', async t => {
	const packed = Buffer.concat([gzipSync('one '), gzipSync('two'), Buffer.alloc(2000), Buffer.from('garbage')]);
	for (const chunkBytes of [1, 7, 10_000])
		t.is((await collect(decompress(chunked(packed, chunkBytes)), 100)).toString(), 'one two');
});

test('a source is read to its end even when the compressed data ends before', async t => {
	let ended = false;
	const source = (async function* () {
		yield gzipSync('short');
		for (let i = 0; i < 100; i++) yield Buffer.alloc(100_000);
		ended = true;
	})();
	t.is((await collect(decompress(source), 100)).toString(), 'short');
	t.true(ended);
});

test('damaged gzip is an error', async t => {
	const packed = gzipSync(text);
	packed.fill(0xff, 500, 600);
	await t.throwsAsync(collect(decompress(oneChunk(packed)), text.length), {
		code: 'ERR_COMPRESSION',
		message: /damaged/,
	});
});

testWith('xz')('the failure of a source is told as it is', async t => {
	const failing = async function* (start: Uint8Array) {
		yield start;
		throw new Error('connection lost');
	};
	const starts = [gzipSync(text).subarray(0, 5000), execFileSync('xz', ['-c'], {input: text}).subarray(0, 200), text];
	for (const start of starts) {
		await t.throwsAsync(collect(decompress(failing(start)), text.length), {message: 'connection lost'});
	}
});

test('a bomb stops at the limit of bytes', async t => {
	const bomb = gzipSync(Buffer.alloc(50_000_000));
	await t.throwsAsync(collect(decompress(oneChunk(bomb), {limitBytes: 10_000_000}), 1e9), {code: 'ERR_TAR_LIMIT'});
});

test('a bomb stops at the limit of its ratio', async t => {
	const bomb = gzipSync(Buffer.alloc(100_000_000));
	await t.throwsAsync(collect(decompress(oneChunk(bomb), {limitRatio: 200}), 1e9), {
		code: 'ERR_TAR_LIMIT',
		message: /more than 200 times/,
	});
	t.is((await collect(decompress(oneChunk(bomb), {limitRatio: 1100}), 1e9)).length, 100_000_000);
});

testWith('xz')('an abort ends the program that unpacks', async t => {
	const controller = new AbortController();
	const packed = execFileSync('xz', ['-c'], {input: text});
	const source = (async function* () {
		yield packed.subarray(0, 100);
		controller.abort(new Error('enough'));
		await new Promise(resolve => setTimeout(resolve, 20));
		yield packed.subarray(100);
	})();
	await t.throwsAsync(collect(decompress(source, {signal: controller.signal}), 1e9), {message: 'enough'});
});

test('a missing program is named with a way out', async t => {
	const filter = {command: 'sealimage-no-such-program', args: []};
	await t.throwsAsync(collect(filterBytes(oneChunk(text), filter), 1e9), {
		code: 'ERR_COMPRESSION',
		message: /no sealimage-no-such-program program/,
	});
});
