import {constants, deflateRaw} from 'node:zlib';
import {entropyOf, storeBlock} from './store.js';

/**
 * Raw deflate of one block in libuv's thread pool. What does not compress (archives, images, encrypted data) is
 * stored as it is: that takes no time to write and none to read.
 */
export async function deflateBlock(
	block: Uint8Array,
	dictionary: Uint8Array | undefined,
	level: number,
): Promise<Uint8Array> {
	const entropy = entropyOf(block);
	if (entropy > surelyRandom) return storeBlock(block);
	if (entropy > maybeRandom) {
		const sample = sampleOf(block);
		if ((await run(sample, undefined, 1)).length > sample.length * 0.97) return storeBlock(block);
	}
	return run(block, dictionary, level);
}

/** What gzip, zstd and xz leave is above the first; images and sound lie between and are tried out. */
const surelyRandom = 7.99;
const maybeRandom = 7.9;

/** Bytes around the middle: the start of a file is often a header that says nothing about the rest. */
function sampleOf(block: Uint8Array): Uint8Array {
	const middle = Math.max(0, Math.floor(block.length / 2) - sampleBytes / 2);
	return block.subarray(middle, middle + sampleBytes);
}

const sampleBytes = 64 * 1024;

function run(bytes: Uint8Array, dictionary: Uint8Array | undefined, level: number): Promise<Buffer> {
	// One output buffer that surely is large enough: each further one would be a round trip through the thread pool.
	const chunkSize = bytes.length + (bytes.length >> 8) + 1024;
	// The highest memory level is 7% faster on programs, for 128 KiB more per job.
	const options = {level, memLevel: 9, chunkSize, finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary && {dictionary})};
	return new Promise((resolve, reject) => {
		deflateRaw(bytes, options, (error, result) => (error === null ? resolve(result) : reject(error)));
	});
}
