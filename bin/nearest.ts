/** The candidate that is most likely meant by a mistyped word, or undefined when none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
	// A third of the letters may differ: "--platfrom" finds "--platform", "-x" finds nothing.
	const limit = Math.max(1, Math.floor(word.length / 3));
	let best: {readonly candidate: string; readonly distance: number} | undefined;
	for (const candidate of candidates) {
		if (Math.abs(candidate.length - word.length) > limit) continue;
		const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
		if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = {candidate, distance};
	}
	return best?.candidate;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
	let beforeLast: number[] = [];
	let last = Array.from({length: b.length + 1}, (_, column) => column);
	for (let row = 1; row <= a.length; row++) {
		const current = [row];
		for (let column = 1; column <= b.length; column++) {
			const same = a[row - 1] === b[column - 1];
			let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
			const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
			if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1);
			current.push(cost);
		}
		beforeLast = last;
		last = current;
	}
	return last[b.length]!;
}
