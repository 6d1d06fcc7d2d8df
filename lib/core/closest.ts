/**
 * The candidate that a mistyped word most likely meant, or undefined when none is near: at most two edits away, one for
 * words under five letters. A swap of neighbours counts as one edit.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
	const limit = word.length < 2 ? 0 : word.length < 5 ? 1 : 2;
	let best: string | undefined;
	let bestDistance = limit + 1;
	for (const candidate of candidates) {
		if (candidate === word || Math.abs(candidate.length - word.length) >= bestDistance) continue;
		const distance = editDistance(word, candidate);
		if (distance < bestDistance) {
			best = candidate;
			bestDistance = distance;
		}
	}
	return best;
}

/** Words longer than this are not typing mistakes, and comparing them is work for nothing. */
const maxLength = 64;

/** Insertions, deletions, changes and swaps of neighbours that turn one word into the other; Infinity for long words. */
export function editDistance(a: string, b: string): number {
	if (a.length > maxLength || b.length > maxLength) return Number.POSITIVE_INFINITY;
	let before: number[] = [];
	let previous = Array.from({length: b.length + 1}, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			const change = a[i - 1] === b[j - 1] ? 0 : 1;
			row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + change);
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
				row[j] = Math.min(row[j]!, before[j - 2]! + 1);
		}
		before = previous;
		previous = row;
	}
	return previous[b.length]!;
}
