import {Deflate} from 'fflate';
import {assert} from '../../core/errors.js';
import {entropyOf, storeBlock} from './store.js';

/**
 * Raw deflate of one block in JavaScript, whose bytes do not change with the zlib that Node is linked to. About 25
 * MB/s, on the calling thread; what does not compress is stored at the speed of a copy. This file is the only one
 * that knows fflate.
 */
export async function stableDeflateBlock(block: Uint8Array, dictionary: Uint8Array | undefined): Promise<Uint8Array> {
	// Between blocks the event loop turns, so that writes and aborts get through.
	await new Promise(resolve => setImmediate(resolve));
	if (entropyOf(block) > 7.9 && deflate(block.subarray(0, sampleBytes), undefined).length > sampleBytes * 0.97)
		return storeBlock(block);
	return openEnd(deflate(block, dictionary));
}

const sampleBytes = 64 * 1024;

/** A complete deflate stream whose last block is empty and has fixed codes. */
function deflate(block: Uint8Array, dictionary: Uint8Array | undefined): Buffer {
	const chunks: Uint8Array[] = [];
	const stream = new Deflate({level: 6, ...(dictionary && {dictionary})}, chunk => chunks.push(chunk));
	stream.push(block, false);
	stream.flush();
	stream.push(new Uint8Array(0), true);
	return Buffer.concat(chunks);
}

/**
 * Replaces that last block by an empty stored one that is not the last, so that another block can follow on a byte
 * boundary. (fflate's own sync flush writes wrong lengths for some inputs.) The last block is the bits 1 10 0000000, so
 * the highest bit set in the stream is its second one.
 */
function openEnd(stream: Buffer): Buffer {
	let last = stream.length - 1;
	while (stream[last] === 0) last--;
	const top = last * 8 + 31 - Math.clz32(stream[last] as number);
	const start = top - 1;
	assert(
		last >= 0 && ((stream[start >> 3] as number) & (1 << (start % 8))) !== 0,
		'deflate stream without its last block',
	);
	stream[last] = (stream[last] as number) & ~(1 << (top % 8));
	stream[start >> 3] = (stream[start >> 3] as number) & ~(1 << (start % 8));
	const kept = stream.subarray(0, (start + 3 + 7) >> 3);
	return Buffer.concat([kept, Buffer.from([0, 0, 0xff, 0xff])]);
}
