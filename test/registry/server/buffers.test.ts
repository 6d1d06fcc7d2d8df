import test from 'ava';
import {type BufferPair, createBuffers} from '../../../lib/registry/server/buffers.js';

test('buffers come back to be used again', t => {
	const buffers = createBuffers();
	const pair = buffers.take();
	t.is(pair[0].length, 512 * 1024);
	buffers.giveBack(pair);
	t.is(buffers.take(), pair);
});

test('many at once get smaller buffers, and large ones again when the others are back', t => {
	const buffers = createBuffers();
	const pairs: BufferPair[] = Array.from({length: 300}, () => buffers.take());
	const totalBytes = pairs.reduce((sum, [a, b]) => sum + a.length + b.length, 0);
	t.is(pairs.at(-1)?.[0].length, 64 * 1024);
	t.true(totalBytes < 64 << 20, `${totalBytes}`);
	for (const pair of pairs) buffers.giveBack(pair);
	t.is(buffers.take()[0].length, 512 * 1024);
});

test('buffers that are lost count no more', t => {
	const buffers = createBuffers();
	for (let i = 0; i < 1000; i++) buffers.lose(buffers.take());
	t.is(buffers.take()[0].length, 512 * 1024);
});
