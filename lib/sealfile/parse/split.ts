/** A piece of an instruction's line. `start` and `end` are offsets in the logical line. */
export interface Word {
	readonly text: string;
	readonly start: number;
	readonly end: number;
}

/** Splits at blanks and nothing else: quotes mean nothing here. */
export function splitBlanks(text: string, offset: number): Word[] {
	return [...text.matchAll(/[^\s]+/gu)].map(match => {
		const start = offset + match.index;
		return {text: match[0], start, end: start + match[0].length};
	});
}

/**
 * Splits at blanks outside quotes. Quotes and escapes stay in the words, for the expansion to remove; an unterminated
 * quote reaches to the end and is reported there.
 */
export function splitWords(text: string, offset: number, escapeChar: string): Word[] {
	const words: Word[] = [];
	let start = -1;
	let quote: string | undefined;
	for (let i = 0; i < text.length; i++) {
		const char = text[i]!;
		if (start === -1) {
			if (/\s/u.test(char)) continue;
			start = i;
		}
		if (char === escapeChar && quote !== "'") {
			i++;
		} else if (quote !== undefined) {
			if (char === quote) quote = undefined;
		} else if (char === '"' || char === "'") {
			quote = char;
		} else if (/\s/u.test(char)) {
			words.push({text: text.slice(start, i), start: offset + start, end: offset + i});
			start = -1;
		}
	}
	if (start !== -1) words.push({text: text.slice(start), start: offset + start, end: offset + text.length});
	return words;
}
