import {execFileSync} from 'node:child_process';
import * as zlib from 'node:zlib';
import test from 'ava';
import {collect, oneChunk} from '../../../lib/core/bytes.js';
import {decompress} from '../../../lib/oci/compress/decompress.js';
import {writeLayer} from '../../../lib/oci/layer/write.js';
import {file} from '../../helpers/entries.js';
import {memoryStore} from '../../helpers/memory-store.js';
import {installed} from '../../helpers/programs.js';

const packed = new Map(
	['bzip2', 'xz', 'zstd'].filter(installed).map(name => [name, execFileSync(name, ['-c'], {input: 'text'})]),
);
const nodeHasZstd = 'zstdCompress' in zlib;

// This file runs in a process of its own: a machine without any of these programs.
process.env.PATH = '/nonexistent';

for (const [name, bytes] of packed) {
	test(`a machine without ${name} says what to install, unless Node can do it`, async t => {
		const reading = collect(decompress(oneChunk(bytes)), 100);
		if (name === 'zstd' && nodeHasZstd) {
			t.is((await reading).toString(), 'text');
			return;
		}
		const error = await t.throwsAsync(reading, {code: 'ERR_COMPRESSION', message: new RegExp(`no ${name} program`)});
		t.is((error as {hint?: string}).hint, `Install ${name}, or use gzip.`);
	});
}

test('a machine that cannot write zstd says so and keeps nothing', async t => {
	const store = memoryStore();
	const writing = writeLayer([file('a', Buffer.alloc(2_000_000, 'x'))], store, {compression: {algorithm: 'zstd'}});
	if (nodeHasZstd) t.is((await writing).index.entries.length, 1);
	else await t.throwsAsync(writing, {code: 'ERR_COMPRESSION', message: /no zstd program/});
	t.is(store.open, 0);
	t.is(store.blobs.size, nodeHasZstd ? 1 : 0);
});
