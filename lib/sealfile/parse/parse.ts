import {closest} from '../../core/closest.js';
import type {Diagnostic, SourceRange} from '../diagnostic.js';
import {diagnose, type SourceInfo} from '../place.js';
import type {Heredoc, Instruction, OnbuildInstruction, SealfileTree} from '../syntax.js';
import {parseDirectives} from './directives.js';
import {splitFlags} from './flags.js';
import {findHeredocs, type HeredocMark, readBodies} from './heredoc.js';
import {type InstructionLine, problemIn} from './instruction-line.js';
import {heredocInstructions, instructionNames, instructionParsers} from './instructions/table.js';
import {parseJsonForm} from './json-form.js';
import {createLineReader, type LineReader, type LogicalLine} from './logical-line.js';
import {maxLineBytes, readSource} from './read-source.js';

/** A file with more errors than this is not a Sealfile; the rest of it is not read. */
const maxErrors = 100;

/** Far beyond what people write, and small enough for everything that looks at pairs of instructions. */
const maxInstructions = 50_000;

/**
 * Reads a Sealfile with BuildKit's rules. Never throws: what is wrong is in `diagnostics`, each with its place, and the
 * instructions that could be read are in the tree, so that several errors are reported at once. Time and memory are
 * linear in the size of the input; input over 4 MiB is refused unread.
 */
export function parseSealfile(text: string | Uint8Array, {file}: {readonly file: string}): SealfileTree {
	const {text: source, problems} = readSource(text, file);
	const header = parseDirectives(source);
	const info: SourceInfo = {file, source, directives: header.directives};
	const diagnostics = [...problems];
	for (const {line, message, hint} of header.problems) {
		const range = {startLine: line, startColumn: 1, endLine: line, endColumn: 2};
		diagnostics.push(diagnose({range}, info, {severity: 'error', code: 'InvalidDirective', message, hint}));
	}
	const reader = createLineReader(source, header.directives.escape, header.lineCount);
	const instructions: Instruction[] = [];
	for (let line = reader.next(); line !== undefined; line = reader.next()) {
		const instruction = parseInstruction(line, reader, info, diagnostics);
		if (instruction !== undefined) instructions.push(instruction);
		if (diagnostics.length >= maxErrors && countErrors(diagnostics) >= maxErrors) break;
		if (instructions.length > maxInstructions) {
			const message = `The file has more than ${maxInstructions} instructions`;
			diagnostics.push(problemIn(line, {start: 0, end: line.text.length}, info, 'TooManyInstructions', message));
			break;
		}
	}
	return {file, source, directives: header.directives, instructions, diagnostics};
}

/** Where a trigger belongs when something is wrong with it. */
export interface TriggerPlace {
	readonly file: string;
	/** The FROM line that pulled it in. */
	readonly range: SourceRange;
	/** The text of that line. */
	readonly lineText: string;
	/** Of the file that is being built; images do not keep theirs. Default: backslash. */
	readonly escape?: '\\' | '`';
}

export interface ParsedTrigger {
	/** Undefined exactly when the diagnostics hold an error. */
	readonly instruction: Instruction | undefined;
	readonly diagnostics: readonly Diagnostic[];
}

/** Reads one ONBUILD trigger of an image config, heredocs included. Every place in the result is that of the FROM line. */
export function parseTrigger(text: string, place: TriggerPlace): ParsedTrigger {
	const {text: source, problems} = readSource(text, place.file);
	const diagnostics: Diagnostic[] = [...problems];
	const info: SourceInfo = {file: place.file, source, directives: {escape: place.escape ?? '\\'}};
	const reader = createLineReader(source, info.directives.escape, 0);
	const line = reader.next();
	let instruction = line && parseInstruction(line, reader, info, diagnostics);
	const rest = line && reader.next();
	if (line === undefined || rest !== undefined) {
		const message = line === undefined ? 'ONBUILD trigger is empty' : 'ONBUILD trigger holds more than one instruction';
		diagnostics.push(diagnose(place, info, {severity: 'error', code: 'InvalidTrigger', message}));
	}
	const refused = instruction && refuseTrigger(instruction.kind);
	if (refused !== undefined) {
		diagnostics.push(diagnose(place, info, {severity: 'error', code: 'InvalidTrigger', message: refused}));
	}
	if (countErrors(diagnostics) > 0) instruction = undefined;
	return {
		instruction: instruction && {...instruction, range: place.range},
		diagnostics: diagnostics.map(diagnostic => ({...diagnostic, range: place.range, lineText: place.lineText})),
	};
}

function countErrors(diagnostics: readonly Diagnostic[]): number {
	return diagnostics.reduce((count, {severity}) => (severity === 'error' ? count + 1 : count), 0);
}

/** The parts of a line before anything is known about them. */
interface LineParts {
	/** As written. */
	readonly keyword: string;
	readonly name: string;
	/** Where the name begins. */
	readonly start: number;
}

function parseInstruction(
	line: LogicalLine,
	reader: LineReader,
	info: SourceInfo,
	diagnostics: Diagnostic[],
): Instruction | undefined {
	const parts = readName(line.text, 0);
	const report = (at: {start: number; end: number}, code: string, message: string, hint?: string): undefined => {
		diagnostics.push(problemIn(line, at, info, code, message, hint));
	};
	const atName = {start: 0, end: parts.keyword.length};
	if (line.tooLong) {
		return report(atName, 'LineTooLong', `Line greater than max allowed size of ${maxLineBytes}`);
	}
	const [number] = line.emptyLines;
	if (number !== undefined && diagnostics.length < maxErrors) {
		const range = {startLine: number, startColumn: 1, endLine: number, endColumn: 2};
		const message = 'Empty continuation line';
		const hint = 'Remove the empty line, or the escape character before it.';
		diagnostics.push(diagnose({range}, info, {severity: 'warning', code: 'NoEmptyContinuation', message, hint}));
	}
	// Bodies belong to the line even when the line is wrong: reading them first keeps them from being taken for instructions.
	const opened = openHeredocs(line.text, parts);
	const bodies = readBodies(opened.marks, reader);
	if (!bodies.ok) {
		const at = {start: opened.offset, end: line.text.length};
		return bodies.tooLong
			? report(at, 'LineTooLong', `Line greater than max allowed size of ${maxLineBytes}`)
			: report(at, 'UnterminatedHeredoc', 'Unterminated heredoc', `End it with a line that holds only ${bodies.name}.`);
	}
	const range = rangeOfLine(line, reader.line(), bodies.heredocs.at(-1));
	const context: Context = {line, info, range, heredocs: bodies.heredocs, marks: opened.marks, report};
	return parts.name === 'ONBUILD' ? parseOnbuild(parts, context) : parseNamed(parts, context);
}

interface Context {
	readonly line: LogicalLine;
	readonly info: SourceInfo;
	readonly range: SourceRange;
	readonly heredocs: readonly Heredoc[];
	readonly marks: readonly HeredocMark[];
	report(at: {start: number; end: number}, code: string, message: string, hint?: string): undefined;
}

function parseNamed(parts: LineParts, context: Context): Instruction | undefined {
	const {line, info} = context;
	const atName = {start: parts.start, end: parts.start + parts.keyword.length};
	const parser = instructionParsers.get(parts.name);
	if (parser === undefined) {
		const near = closest(parts.name, instructionNames);
		const shown = parts.keyword.length > 64 ? `${parts.keyword.slice(0, 64)}...` : parts.keyword;
		const hint = near === undefined ? `Instructions are ${instructionNames.join(', ')}.` : `Did you mean ${near}?`;
		return context.report(atName, 'UnknownInstruction', `Unknown instruction: ${shown}`, hint);
	}
	const {flags, end} = splitFlags(line.text, atName.end);
	const written = line.text.slice(atName.end).trim();
	const instructionLine: InstructionLine = {
		name: parts.name,
		base: {range: context.range, text: written === '' ? parts.name : `${parts.name} ${written}`},
		rest: line.text.slice(end),
		restStart: end,
		flagWords: flags,
		heredocs: context.heredocs,
		marks: context.marks,
		comments: line.comments,
		escape: info.directives.escape,
		fail: (code, message, options = {}) => context.report(options.at ?? atName, code, message, options.hint),
	};
	return parser(instructionLine);
}

function parseOnbuild(parts: LineParts, context: Context): OnbuildInstruction | undefined {
	const {line} = context;
	const atName = {start: parts.start, end: parts.start + parts.keyword.length};
	const {flags, end} = splitFlags(line.text, atName.end);
	if (flags[0] !== undefined) {
		const name = flags[0].text.slice(2).split('=')[0];
		return context.report(flags[0], 'UnknownFlag', `Unknown flag: --${name}`, 'This instruction takes no flags.');
	}
	const trigger = line.text.slice(end);
	if (trigger === '') return context.report(atName, 'WrongArguments', 'ONBUILD requires at least one argument');
	const inner = readName(line.text, end);
	const refused = refuseTrigger(inner.name);
	if (refused !== undefined) {
		return context.report({start: end, end: end + inner.keyword.length}, 'InvalidTrigger', refused);
	}
	const instruction = parseNamed(inner, context);
	return (
		instruction && {
			kind: 'ONBUILD',
			range: context.range,
			text: `ONBUILD ${trigger}`,
			trigger: [trigger, ...context.heredocs.map(({body, name}) => `${body}${name}`)].join('\n'),
			instruction,
		}
	);
}

function refuseTrigger(name: string): string | undefined {
	if (name === 'ONBUILD') return "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed";
	return name === 'FROM' || name === 'MAINTAINER' ? `${name} isn't allowed as an ONBUILD trigger` : undefined;
}

/** The heredocs that a line opens; their offsets count in its arguments, which begin at `offset`. */
function openHeredocs(
	text: string,
	parts: LineParts,
): {readonly marks: readonly HeredocMark[]; readonly offset: number} {
	let {start, keyword, name} = parts;
	if (name === 'ONBUILD') ({start, keyword, name} = readName(text, splitFlags(text, start + keyword.length).end));
	const offset = splitFlags(text, start + keyword.length).end;
	const rest = text.slice(offset);
	if (!heredocInstructions.has(name) || parseJsonForm(rest).kind === 'array') return {marks: [], offset};
	return {marks: findHeredocs(rest), offset};
}

function readName(text: string, start: number): LineParts {
	let end = start;
	while (end < text.length && !/\s/.test(text[end]!)) end++;
	const keyword = text.slice(start, end);
	// Only ASCII letters fold: a long s is not the S of USER.
	return {keyword, name: /^[a-zA-Z]+$/.test(keyword) ? keyword.toUpperCase() : keyword, start};
}

/** From the name to the end of the last line read for the instruction, which a heredoc's terminator or a comment may be. */
function rangeOfLine(line: LogicalLine, endLine: number, heredoc: Heredoc | undefined): SourceRange {
	const first = line.pieces[0]!;
	const last = line.pieces.at(-1)!;
	const written = last.column + Math.max(0, line.text.length - last.offset);
	const endColumn = heredoc !== undefined ? heredoc.name.length + 1 : last.line === endLine ? written : 1;
	return {startLine: first.line, startColumn: first.column, endLine, endColumn};
}
