/** The longest stored block of deflate (RFC 1951, 3.2.4). */
const storedBytes = 65535;

/** A block as raw deflate without compression: valid for every reader, at the speed of a copy. */
export function storeBlock(block: Uint8Array): Buffer {
	const count = Math.ceil(block.length / storedBytes);
	const out = Buffer.allocUnsafe(block.length + 5 * count);
	let at = 0;
	for (let from = 0; from < block.length; from += storedBytes) {
		const part = block.subarray(from, from + storedBytes);
		out[at] = 0;
		out.writeUInt16LE(part.length, at + 1);
		out.writeUInt16LE(part.length ^ 0xffff, at + 3);
		out.set(part, at + 5);
		at += 5 + part.length;
	}
	return out;
}

const windows = 16;
const windowBytes = 4096;

/**
 * The entropy of a block in bits per byte, from the spread of its byte values in a few windows: random and compressed
 * bytes have nearly 8, programs about 6, text below 5. Small blocks give 0: for them it does not matter.
 */
export function entropyOf(block: Uint8Array): number {
	if (block.length < windows * windowBytes) return 0;
	const counts = new Uint32Array(256);
	const stride = Math.floor((block.length - windowBytes) / (windows - 1));
	for (let window = 0; window < windows; window++) {
		const start = window * stride;
		for (let i = start; i < start + windowBytes; i++) {
			const value = block[i] as number;
			counts[value] = (counts[value] as number) + 1;
		}
	}
	const total = windows * windowBytes;
	let bits = 0;
	for (const count of counts) {
		if (count > 0) bits -= (count / total) * Math.log2(count / total);
	}
	return bits;
}
