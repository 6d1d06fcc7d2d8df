import type {Diagnostic, SourceRange} from '../diagnostic.js';
import {diagnose, type SourceInfo} from '../place.js';
import type {Heredoc} from '../syntax.js';
import {type FlagTypes, type FlagValues, parseFlags} from './flags.js';
import type {HeredocMark} from './heredoc.js';
import type {LogicalLine} from './logical-line.js';
import type {Word} from './split.js';

/** What every node of the tree has. */
export interface NodeBase {
	readonly range: SourceRange;
	readonly text: string;
}

/** One instruction on its way into the tree: its parts, still text, and a way to refuse them. */
export interface InstructionLine {
	/** In upper case. */
	readonly name: string;
	readonly base: NodeBase;
	/** Behind the flags, without blanks at either end; `restStart` is its offset. */
	readonly rest: string;
	readonly restStart: number;
	readonly flagWords: readonly Word[];
	readonly heredocs: readonly Heredoc[];
	/** Where the heredocs stand in `rest`. */
	readonly marks: readonly HeredocMark[];
	readonly comments: readonly string[];
	readonly escape: '\\' | '`';
	/** Reports an error about the word, or about the instruction's name. */
	fail(code: string, message: string, options?: {readonly hint?: string; readonly at?: Word}): undefined;
}

/** The flags of a line, or undefined when they are wrong (reported). */
export function readFlags(line: InstructionLine, types: FlagTypes = {}): FlagValues | undefined {
	const result = parseFlags(line.flagWords, types);
	if (!('code' in result)) return result;
	return line.fail(result.code, result.message, {
		at: result.at,
		...(result.hint === undefined ? {} : {hint: result.hint}),
	});
}

/** The description of `name` in the comment block above an instruction: the first line that begins with the name. */
export function docCommentOf(comments: readonly string[], name: string): {readonly docComment?: string} {
	const line = comments.find(comment => comment.startsWith(`${name} `));
	const text = line?.slice(name.length + 1).trim();
	return text === undefined || text === '' ? {} : {docComment: text};
}

/** The whole of the arguments as one word, for a message about them. */
export function restWord(line: InstructionLine): Word {
	return {text: line.rest, start: line.restStart, end: line.restStart + line.rest.length};
}

/** Turns offsets of a logical line into a place in the file. A word never spans two lines: it ends where its line does. */
export function rangeOf(line: LogicalLine, start: number, end: number): SourceRange {
	const piece = line.pieces.findLast(candidate => candidate.offset <= start) ?? line.pieces[0]!;
	const next = line.pieces[line.pieces.indexOf(piece) + 1];
	const last = next === undefined ? end : Math.min(end, next.offset);
	const startColumn = piece.column + start - piece.offset;
	return {
		startLine: piece.line,
		startColumn,
		endLine: piece.line,
		endColumn: Math.max(startColumn + 1, piece.column + last - piece.offset),
	};
}

/** An error about a part of a line. */
export function problemIn(
	line: LogicalLine,
	at: {readonly start: number; readonly end: number},
	source: SourceInfo,
	code: string,
	message: string,
	hint?: string,
): Diagnostic {
	const finding = {severity: 'error' as const, code, message, ...(hint === undefined ? {} : {hint})};
	return diagnose({range: rangeOf(line, at.start, at.end)}, source, finding);
}
