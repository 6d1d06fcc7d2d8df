/**
 * Patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*` and `?` only. A pattern is parsed into the literal pieces between
 * its stars; placing each piece once, leftmost or rightmost, makes matching linear in pieces, with no backtracking for
 * a hostile pattern to exploit. `undefined` characters inside a piece stand for `?`.
 */
export type WordPattern = readonly Piece[];

type Piece = readonly (string | undefined)[];

export interface ParsedPattern {
	readonly pattern: WordPattern;
	/** The first escape of something that needs none. */
	readonly invalidEscape?: string;
}

/** Reads a pattern. `*`, `?`, the backslash, and the `/` and `}` that would end it can be escaped, nothing else. */
export function parsePattern(text: string): ParsedPattern {
	const pieces: Array<Array<string | undefined>> = [[]];
	const chars = [...text];
	for (let i = 0; i < chars.length; i++) {
		const char = chars[i]!;
		if (char === '*') {
			pieces.push([]);
		} else if (char === '\\') {
			const next = chars[++i] ?? '';
			if (next === '' || !'*?\\/}'.includes(next)) return {pattern: pieces, invalidEscape: `\\${next}`};
			pieces.at(-1)!.push(next);
		} else {
			pieces.at(-1)!.push(char === '?' ? undefined : char);
		}
	}
	return {pattern: pieces};
}

/** `value` without the shortest or longest part at its `side` that matches; unchanged when nothing does. */
export function trimPattern(value: string, pattern: WordPattern, side: 'prefix' | 'suffix', longest: boolean): string {
	const chars = [...value];
	if (side === 'prefix') {
		const end = matchFrom(chars, pattern, 0, longest);
		return end === undefined ? value : chars.slice(end).join('');
	}
	// A shortest suffix is a shortest prefix of the reversed text: searching from the left would find the longest.
	const reversed = pattern.map(piece => piece.toReversed()).toReversed();
	const end = matchFrom(chars.toReversed(), reversed, 0, longest);
	return end === undefined ? value : chars.slice(0, chars.length - end).join('');
}

/** Replaces the first match, or all, each taken as long as possible from the leftmost place where one begins. */
export function replacePattern(value: string, pattern: WordPattern, replacement: string, all: boolean): string {
	const chars = [...value];
	const first = pattern[0]!;
	let result = '';
	let position = 0;
	let start = find(chars, first, 0);
	while (start !== undefined) {
		const end = matchFrom(chars, pattern, start, true);
		// Pieces after the first one are searched in everything that follows: a later start cannot match either.
		if (end === undefined) break;
		if (end === start && chars.length > 0) break;
		result += chars.slice(position, start).join('') + replacement;
		position = end;
		if (!all || position >= chars.length) break;
		start = find(chars, first, position);
	}
	return result + chars.slice(position).join('');
}

/** Where the match that begins at `start` ends, or undefined. */
function matchFrom(
	chars: readonly string[],
	pattern: WordPattern,
	start: number,
	longest: boolean,
): number | undefined {
	const first = pattern[0]!;
	if (!fits(chars, first, start)) return undefined;
	let end = start + first.length;
	for (const [index, piece] of pattern.entries()) {
		if (index === 0) continue;
		const isLast = index === pattern.length - 1;
		const place = isLast && longest ? findLast(chars, piece, end) : find(chars, piece, end);
		if (place === undefined) return undefined;
		end = place + piece.length;
	}
	return end;
}

function find(chars: readonly string[], piece: Piece, from: number): number | undefined {
	for (let i = from; i + piece.length <= chars.length; i++) if (fits(chars, piece, i)) return i;
	return undefined;
}

function findLast(chars: readonly string[], piece: Piece, from: number): number | undefined {
	for (let i = chars.length - piece.length; i >= from; i--) if (fits(chars, piece, i)) return i;
	return undefined;
}

function fits(chars: readonly string[], piece: Piece, at: number): boolean {
	return at + piece.length <= chars.length && piece.every((char, i) => char === undefined || char === chars[at + i]);
}
