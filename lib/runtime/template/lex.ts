import {templateError} from './error.js';

/** A stretch of text, or what is between two braces as words. */
export type Piece =
	| {readonly kind: 'text'; readonly text: string}
	| {readonly kind: 'action'; readonly line: number; readonly tokens: readonly Token[]};

export interface Token {
	readonly kind: 'word' | 'field' | 'variable' | 'string' | 'number' | 'sign';
	/** A string is without its quotes, a field without its dot. */
	readonly text: string;
	/** A space stands before it: `.a .b` are two operands, `.a.b` is one. */
	readonly spaced: boolean;
}

const maxChars = 4 * 1024 * 1024;

/** @throws SealError ERR_TEMPLATE */
export function lexTemplate(source: string, name: string): readonly Piece[] {
	if (source.length > maxChars) throw templateError(name, 1, 'it is too long', 'Split the file.');
	const pieces: Piece[] = [];
	let [position, line, trimNext] = [0, 1, false];
	const addText = (end: number, trimEnd: boolean): void => {
		const raw = source.slice(position, end);
		const started = trimNext ? raw.trimStart() : raw;
		const text = trimEnd ? started.trimEnd() : started;
		if (text !== '') pieces.push({kind: 'text', text});
		line += countLines(raw);
	};
	for (;;) {
		const open = source.indexOf('{{', position);
		if (open === -1) break;
		// The dash is a trim marker only with a space behind it: `{{-3}}` is a number.
		const trims = /^\{\{-\s/.test(source.slice(open, open + 4));
		addText(open, trims);
		const start = open + (trims ? 3 : 2);
		const comment = /^\s*\/\*/.exec(source.slice(start, start + 200));
		const {end, tokens} =
			comment === null ? readAction(source, start, name, line) : readComment(source, start, name, line);
		const close = /^(\s-)?\}\}/.exec(source.slice(end, end + 5))!;
		if (tokens.length > 0) pieces.push({kind: 'action', line, tokens});
		else if (comment === null)
			throw templateError(name, line, 'there is nothing between {{ and }}', 'Remove the braces.');
		position = end + close[0].length;
		line += countLines(source.slice(open, position));
		trimNext = close[1] !== undefined;
	}
	addText(source.length, false);
	return pieces;
}

interface Action {
	/** Where the closing braces begin, with the dash before them. */
	readonly end: number;
	readonly tokens: readonly Token[];
}

function readComment(source: string, start: number, name: string, line: number): Action {
	const close = source.indexOf('*/', start);
	const rest = close === -1 ? null : /^(\s-)?\}\}/.exec(source.slice(close + 2, close + 6));
	if (rest === null) throw templateError(name, line, 'a comment has no end', 'End it with "*/}}".');
	return {end: close + 2, tokens: []};
}

const patterns: ReadonlyArray<readonly [Token['kind'], RegExp]> = [
	['number', /[+-]?(?:0[xX][\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y],
	['variable', /\$\w*/y],
	['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
	['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
	['sign', /:=|[|(),.=]/y],
];

function readAction(source: string, start: number, name: string, line: number): Action {
	const tokens: Token[] = [];
	let position = start;
	for (;;) {
		const space = /\s*/y;
		space.lastIndex = position;
		const skipped = space.exec(source)?.[0].length ?? 0;
		const spaced = skipped > 0;
		if (spaced && source.startsWith('-}}', position + skipped)) return {end: position + skipped - 1, tokens};
		position += skipped;
		if (source.startsWith('}}', position)) return {end: position, tokens};
		if (position >= source.length) throw templateError(name, line, 'an action has no end', 'End it with "}}".');
		const found = readString(source, position, name, line) ?? readPlain(source, position);
		if (found === undefined) {
			const shown = JSON.stringify(String.fromCodePoint(source.codePointAt(position)!));
			throw templateError(
				name,
				line,
				`${shown} has no meaning here`,
				'Write text outside of the braces, or in quotes.',
			);
		}
		tokens.push({kind: found.kind, text: found.text, spaced});
		position = found.end;
	}
}

interface Found {
	readonly kind: Token['kind'];
	readonly text: string;
	readonly end: number;
}

function readPlain(source: string, position: number): Found | undefined {
	for (const [kind, pattern] of patterns) {
		pattern.lastIndex = position;
		const text = pattern.exec(source)?.[0];
		if (text !== undefined) return {kind, text: kind === 'field' ? text.slice(1) : text, end: position + text.length};
	}
	return undefined;
}

/** Go's interpreted strings have the escapes of JSON and a few more; raw ones have none. */
function readString(source: string, position: number, name: string, line: number): Found | undefined {
	const quote = source[position];
	if (quote !== '"' && quote !== '`') return undefined;
	const pattern = quote === '`' ? /`([^`]*)`/y : /"((?:[^"\\\n]|\\.)*)"/y;
	pattern.lastIndex = position;
	const found = pattern.exec(source);
	if (found === null) throw templateError(name, line, 'a text has no end', `Close it with ${quote}.`);
	const [whole, inner = ''] = found;
	const text = quote === '`' ? inner : withoutEscapes(inner, name, line);
	return {kind: 'string', text, end: position + whole.length};
}

const escapes: Readonly<Record<string, string>> = {
	a: '\u0007',
	b: '\b',
	f: '\f',
	n: '\n',
	r: '\r',
	t: '\t',
	v: '\v',
	'\\': '\\',
	'"': '"',
	"'": "'",
};

function withoutEscapes(text: string, name: string, line: number): string {
	return text.replaceAll(/\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs, (_, x, u, long, letter) => {
		const code = (x ?? u ?? long) as string | undefined;
		if (code !== undefined && Number.parseInt(code, 16) <= 0x10_ff_ff)
			return String.fromCodePoint(Number.parseInt(code, 16));
		const plain = escapes[String(letter)];
		if (plain !== undefined) return plain;
		throw templateError(name, line, `\\${String(letter ?? 'U')} is no escape`, 'Write \\\\ for a backslash.');
	});
}

function countLines(text: string): number {
	let count = 0;
	for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
	return count;
}
