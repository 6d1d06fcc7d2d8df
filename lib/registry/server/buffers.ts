/** Buffers for reading files, used again and again: the memory of a server does not grow with the number of its clients. */
export interface Buffers {
	/** Two buffers of one size, which is smaller the more are out. */
	take(): BufferPair;
	/** Gives buffers back that nothing reads from or writes to any more. */
	giveBack(pair: BufferPair): void;
	/** Counts buffers as gone that something may still read from or write to: the garbage collector takes them. */
	lose(pair: BufferPair): void;
}

export type BufferPair = readonly [Buffer, Buffer];

/** Large reads cost least, up to the size where a pair still fits into the processor's cache: measured, 512 KiB is the best. */
const sizes = [512 * 1024, 256 * 1024, 64 * 1024] as const;
/** Beyond this much in all, streams get buffers of the next smaller size. */
const limitsBytes: Readonly<Record<number, number>> = {[sizes[0]]: 16 << 20, [sizes[1]]: 32 << 20};
/** So much is kept while nobody uses it. */
const keptBytes = 8 << 20;

export function createBuffers(): Buffers {
	const free = new Map<number, BufferPair[]>(sizes.map(size => [size, []]));
	let outBytes = 0;
	let freeBytes = 0;
	return {
		take() {
			const size =
				sizes.find(candidate => outBytes + 2 * candidate <= (limitsBytes[candidate] ?? Infinity)) ?? sizes[2];
			outBytes += 2 * size;
			const found = free.get(size)?.pop();
			if (found === undefined) return [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
			freeBytes -= 2 * size;
			return found;
		},
		giveBack(pair) {
			const size = pair[0].length;
			outBytes -= 2 * size;
			if (freeBytes + 2 * size > keptBytes) return;
			freeBytes += 2 * size;
			free.get(size)?.push(pair);
		},
		lose(pair) {
			outBytes -= 2 * pair[0].length;
		},
	};
}
