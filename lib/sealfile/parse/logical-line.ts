import {isTooLong, maxLineBytes} from './read-source.js';

/** One instruction's line: its continuations joined, comments inside it gone. */
export interface LogicalLine {
	readonly text: string;
	/** Where the pieces of `text` come from, ascending; at least one. */
	readonly pieces: readonly Piece[];
	readonly startLine: number;
	/** The last physical line read for it. */
	readonly endLine: number;
	/** The comment lines directly above, without their `#`. */
	readonly comments: readonly string[];
	/** Line numbers of empty lines inside it. */
	readonly emptyLines: readonly number[];
	readonly tooLong: boolean;
}

interface Piece {
	/** In the logical text. */
	readonly offset: number;
	/** Line and column (from 1) of its first character. */
	readonly line: number;
	readonly column: number;
}

/** Walks over the physical lines of a text, once, forwards. */
export interface LineReader {
	/** The next logical line, or undefined at the end. */
	next(): LogicalLine | undefined;
	/** The next physical line with its line end, for heredoc bodies. */
	nextPhysical(): string | undefined;
	/** The number of the physical line read last, from 1. */
	line(): number;
}

/** @param skip how many lines at the top are not instructions (directives) */
export function createLineReader(text: string, escapeChar: string, skip: number): LineReader {
	const cursor: Cursor = {text, escapeChar, position: 0, line: 0};
	for (let i = 0; i < skip; i++) readPhysical(cursor);
	return {next: () => readLogical(cursor), nextPhysical: () => readPhysical(cursor), line: () => cursor.line};
}

interface Cursor {
	readonly text: string;
	readonly escapeChar: string;
	position: number;
	line: number;
}

function readPhysical(cursor: Cursor): string | undefined {
	const {text, position} = cursor;
	if (position >= text.length) return undefined;
	const newline = text.indexOf('\n', position);
	cursor.position = newline === -1 ? text.length : newline + 1;
	cursor.line++;
	return text.slice(position, cursor.position);
}

function readLogical(cursor: Cursor): LogicalLine | undefined {
	let comments: string[] = [];
	for (let raw = readPhysical(cursor); raw !== undefined; raw = readPhysical(cursor)) {
		const content = trimLineEnd(raw);
		const trimmed = content.trimStart();
		if (trimmed.startsWith('#')) {
			// Descriptions are short; what is longer only costs memory.
			comments.push(trimmed.slice(1, 4096).trim());
			continue;
		}
		const [first, open] = cutContinuation(trimmed, cursor.escapeChar);
		if (first !== '' || open) return readRest(cursor, first, content.length - trimmed.length + 1, open, comments);
		comments = [];
	}
	return undefined;
}

/** Joins the lines that a first line continues on. */
function readRest(
	cursor: Cursor,
	first: string,
	column: number,
	continued: boolean,
	comments: readonly string[],
): LogicalLine {
	const startLine = cursor.line;
	const parts = [first];
	const pieces: Piece[] = [{offset: 0, line: startLine, column}];
	const emptyLines: number[] = [];
	let open = continued;
	let length = first.length;
	let tooLong = isTooLong(first);
	while (open) {
		const raw = readPhysical(cursor);
		if (raw === undefined) break;
		const content = trimLineEnd(raw);
		const start = content.search(/\S/);
		if (start === -1) emptyLines.push(cursor.line);
		if (start === -1 || content[start] === '#') continue;
		const [part, more] = cutContinuation(content, cursor.escapeChar);
		open = more;
		pieces.push({offset: length, line: cursor.line, column: 1});
		length += part.length;
		tooLong ||= isTooLong(part) || length > maxLineBytes;
		// Beyond the limit the text only has to say which instruction it is.
		if (!tooLong) parts.push(part);
	}
	const text = parts.join('');
	return {
		text: tooLong ? text.slice(0, 256) : stripEnd(text, cursor.escapeChar),
		pieces,
		startLine,
		endLine: cursor.line,
		comments,
		emptyLines,
		tooLong: tooLong || isTooLong(text),
	};
}

/** Takes the escape at the end of a line away, blanks behind it included; answers whether there was one. */
function cutContinuation(content: string, escapeChar: string): readonly [string, boolean] {
	let end = content.length;
	while (content[end - 1] === ' ' || content[end - 1] === '\t') end--;
	// A doubled escape stands for the character itself.
	if (content[end - 1] !== escapeChar || content[end - 2] === escapeChar) return [content, false];
	return [content.slice(0, end - 1), true];
}

/** Blanks at the end go, and so does an escape that then stands last: only the end of the file can leave one there. */
function stripEnd(text: string, escapeChar: string): string {
	let [result, cut] = cutContinuation(text.trimEnd(), escapeChar);
	while (cut) [result, cut] = cutContinuation(result.trimEnd(), escapeChar);
	return result.trimEnd();
}

/** A line without its line feed and the carriage returns before it. */
export function trimLineEnd(raw: string): string {
	let end = raw.length;
	while (raw[end - 1] === '\n' || raw[end - 1] === '\r') end--;
	return raw.slice(0, end);
}
