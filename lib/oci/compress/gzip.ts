import {crc32} from 'node:zlib';
import {type Encoder, type EncoderOutput, ignore} from './encoder.js';
import {createTurns} from './turns.js';

/**
 * Compresses one block to raw deflate that ends on a byte boundary and is not the last; `dictionary` is what came
 * before.
 */
export type DeflateBlock = (block: Uint8Array, dictionary: Uint8Array | undefined) => Promise<Uint8Array>;

/** How far back deflate refers (RFC 1951). */
const windowBytes = 32 * 1024;

/** RFC 1952: deflate, no flags, no time, no extra flags, unknown system; nothing of the machine gets in. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block (RFC 1951, 3.2.6). */
const lastBlock = Buffer.from([0x03, 0x00]);

/**
 * One gzip member out of blocks that are compressed side by side, each with the 32 KiB before it as its dictionary.
 */
export function createGzipEncoder(deflate: DeflateBlock, output: EncoderOutput): Encoder {
	const turns = createTurns(output, header);
	let dictionary: Buffer | undefined;
	let checksum = 0;
	let sizeBytes = 0;
	return {
		push(block) {
			// zlib's crc32 forgets what came before when it is given nothing.
			if (block.length === 0) return turns.done;
			const job = deflate(block, dictionary);
			checksum = crc32(block, checksum);
			sizeBytes += block.length;
			dictionary = Buffer.from(block.subarray(Math.max(0, block.length - windowBytes)));
			return turns.take(job);
		},
		async finish() {
			await turns.done;
			const trailer = Buffer.alloc(8);
			trailer.writeUInt32LE(checksum, 0);
			trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
			await output(Buffer.concat([lastBlock, trailer]));
		},
		abort: () => turns.done.catch(ignore),
	};
}
