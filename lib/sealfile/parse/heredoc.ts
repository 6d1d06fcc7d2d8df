import type {Heredoc} from '../syntax.js';
import {type LineReader, trimLineEnd} from './logical-line.js';
import {isTooLong} from './read-source.js';
import {splitWords} from './split.js';

/** `<<NAME` in a line, before its body is read. */
export interface HeredocMark extends Omit<Heredoc, 'body'> {
	/** Offsets in the text it was found in. */
	readonly start: number;
	readonly end: number;
}

/**
 * The heredocs that a line opens, in order: `[fd]<<[-]NAME` as a word of its own, blanks allowed behind the `<<`. The shell's
 * `<<<` is none, and neither is a shift in arithmetic such as `$((1 << 2))`.
 */
export function findHeredocs(text: string): HeredocMark[] {
	if (!text.includes('<<')) return [];
	const marks: HeredocMark[] = [];
	const words = splitWords(text, 0, '\\');
	for (let i = 0; i < words.length; i++) {
		const word = words[i]!;
		const match = /^(\d{0,9})<<(-?)([^<]*)$/.exec(word.text);
		if (match === null) continue;
		const next = words[i + 1];
		const detached = match[3] === '' && next !== undefined && !/[<)]/.test(next.text);
		const written = detached ? next.text : match[3]!;
		const name = unquote(written);
		if (name === undefined || name === '') continue;
		marks.push({
			name,
			expand: !/['"]/.test(written),
			chomp: match[2] === '-',
			fd: Number(match[1]),
			start: word.start,
			end: detached ? next.end : word.end,
		});
		if (detached) i++;
	}
	return marks;
}

export type HeredocBodies =
	| {readonly ok: true; readonly heredocs: readonly Heredoc[]}
	| {readonly ok: false; readonly name: string; readonly tooLong: boolean};

/** Reads the bodies that follow a line. Fails at the end of the file, and at a line beyond the size limit. */
export function readBodies(marks: readonly HeredocMark[], reader: LineReader): HeredocBodies {
	const heredocs: Heredoc[] = [];
	for (const {name, expand, chomp, fd} of marks) {
		const body: string[] = [];
		for (;;) {
			const raw = reader.nextPhysical();
			if (raw === undefined) return {ok: false, name, tooLong: false};
			if (isTooLong(raw)) return {ok: false, name, tooLong: true};
			const content = chomp ? raw.replace(/^\t+/, '') : raw;
			if (trimLineEnd(content) === name) break;
			body.push(content);
		}
		heredocs.push({name, expand, chomp, fd, body: body.join('')});
	}
	return {ok: true, heredocs};
}

/** The name without its quotes and escapes; variables in it are not looked at. Undefined when a quote is open. */
function unquote(text: string): string | undefined {
	let result = '';
	let quote: string | undefined;
	for (let i = 0; i < text.length; i++) {
		const char = text[i]!;
		if (char === quote) quote = undefined;
		else if (quote === undefined && (char === '"' || char === "'")) quote = char;
		else if (char === '\\' && quote !== "'") result += text[++i] ?? '';
		else result += char;
	}
	return quote === undefined ? result : undefined;
}
