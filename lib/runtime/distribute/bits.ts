/** A set of small numbers as words of 32 bits: a thousand hosts times a thousand parts is 125 kB. */
export type Bits = Uint32Array;

export function createBits(count: number): Bits {
	return new Uint32Array(Math.max(1, (count + 31) >>> 5));
}

/** The same set with room for `count` numbers. */
export function growBits(bits: Bits, count: number): Bits {
	if (bits.length * 32 >= count) return bits;
	const grown = createBits(Math.max(count, bits.length * 64));
	grown.set(bits);
	return grown;
}

export function setBit(bits: Bits, number: number): void {
	bits[number >>> 5]! |= 1 << (number & 31);
}

export function clearBit(bits: Bits, number: number): void {
	bits[number >>> 5]! &= ~(1 << (number & 31));
}

export function hasBit(bits: Bits, number: number): boolean {
	return ((bits[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
}

/** Calls `visit` with each number of the set, ascending. */
export function eachBit(bits: Bits, visit: (number: number) => void): void {
	for (let at = 0; at < bits.length; at++) {
		for (let word = bits[at]!; word !== 0; word &= word - 1) visit(at * 32 + 31 - Math.clz32(word & -word));
	}
}

/** How many candidates are weighed at most: a choice among so many is as good as one among all. */
const maxCandidates = 64;

/**
 * The number in both sets (or, without `b`, in `a`) that weighs least, or -1. The search begins at the word that `start`
 * (0 to 1) says, so that equals are spread.
 */
export function lightest(a: Bits, b: Bits | undefined, start: number, weight: (number: number) => number): number {
	const length = b === undefined ? a.length : Math.min(a.length, b.length);
	let at = Math.floor(start * length);
	let best = -1;
	let least = Number.POSITIVE_INFINITY;
	let seen = 0;
	for (let turn = 0; turn < length && seen < maxCandidates; turn++) {
		for (let word = b === undefined ? a[at]! : a[at]! & b[at]!; word !== 0; word &= word - 1) {
			const number = at * 32 + 31 - Math.clz32(word & -word);
			const weighs = weight(number);
			seen++;
			if (weighs >= least) continue;
			least = weighs;
			best = number;
		}
		at = at + 1 === length ? 0 : at + 1;
	}
	return best;
}
