import {templateError} from './error.js';
import {lexTemplate, type Piece, type Token} from './lex.js';
import type {Operand, Pipe, Template, TemplateNode} from './syntax.js';

/**
 * Reads a template of Go's text/template.
 * @param name of the file, for errors
 * @throws SealError ERR_TEMPLATE with `details.line`
 */
export function parseTemplate(source: string, name: string): Template {
	const parser: Parser = {pieces: lexTemplate(source, name), at: 0, name, named: new Map(), depth: 0};
	const {nodes, end} = parseNodes(parser, []);
	if (end !== undefined) throw templateError(name, end.line, `{{${end.word}}} has no beginning`, 'Remove it.');
	return {body: nodes, named: parser.named};
}

interface Parser {
	readonly pieces: readonly Piece[];
	at: number;
	readonly name: string;
	readonly named: Map<string, readonly TemplateNode[]>;
	depth: number;
}

/** Deeper nesting was made to exhaust us. */
const maxDepth = 100;

interface End {
	readonly word: string;
	readonly line: number;
	/** What follows the word: `else if x`. */
	readonly rest: readonly Token[];
}

/** Reads until one of the ends, which is consumed; undefined at the end of the file. */
function parseNodes(
	parser: Parser,
	ends: readonly string[],
): {readonly nodes: readonly TemplateNode[]; readonly end: End | undefined} {
	const nodes: TemplateNode[] = [];
	while (parser.at < parser.pieces.length) {
		const piece = parser.pieces[parser.at++]!;
		if (piece.kind === 'text') {
			nodes.push(piece);
			continue;
		}
		const [first, ...rest] = piece.tokens;
		const word = first?.kind === 'word' ? first.text : '';
		const end = {word, line: piece.line, rest};
		if (word === 'end' || word === 'else') {
			if (ends.includes(word) || ends.length === 0) return {nodes, end};
			throw templateError(parser.name, piece.line, `{{${word}}} has no place here`, 'Remove it.');
		}
		const node = parseAction(parser, word, piece.line, piece.tokens);
		if (node !== undefined) nodes.push(node);
	}
	return {nodes, end: undefined};
}

function parseAction(parser: Parser, word: string, line: number, tokens: readonly Token[]): TemplateNode | undefined {
	const rest = tokens.slice(1);
	switch (word) {
		case 'if':
		case 'with':
		case 'range':
			return parseBranch(parser, word, line, rest);
		case 'break':
		case 'continue':
			if (rest.length === 0) return {kind: word, line};
			throw templateError(parser.name, line, `{{${word}}} stands alone`, 'Remove what follows it.');
		case 'define':
		case 'block':
			return parseDefinition(parser, word, line, rest);
		case 'template': {
			const name = nameIn(parser, line, rest);
			return {kind: 'template', line, name, pipe: rest.length > 1 ? parsePipe(parser, line, rest.slice(1)) : undefined};
		}
		default:
			return {kind: 'output', line, pipe: parsePipe(parser, line, tokens)};
	}
}

function parseBranch(
	parser: Parser,
	kind: 'if' | 'with' | 'range',
	line: number,
	rest: readonly Token[],
): TemplateNode {
	const pipe = parsePipe(parser, line, rest);
	const {nodes: then, end} = nested(parser, line, ['end', 'else']);
	let otherwise: readonly TemplateNode[] = [];
	if (end.word === 'else') {
		const [next, ...more] = end.rest;
		if (next?.kind === 'word' && (next.text === 'if' || next.text === 'with')) {
			// `else if` closes with the same end as the outer one.
			otherwise = [parseBranch(parser, next.text, end.line, more)];
		} else if (end.rest.length === 0) otherwise = nested(parser, line, ['end']).nodes;
		else
			throw templateError(
				parser.name,
				end.line,
				'{{else}} is followed by something',
				'Write {{else if ...}} or {{else}}.',
			);
	}
	return {kind, line, pipe, then, otherwise};
}

function parseDefinition(parser: Parser, word: string, line: number, rest: readonly Token[]): TemplateNode | undefined {
	const name = nameIn(parser, line, rest);
	parser.named.set(name, nested(parser, line, ['end']).nodes);
	return word === 'define' ? undefined : {kind: 'template', line, name, pipe: parsePipe(parser, line, rest.slice(1))};
}

function nested(
	parser: Parser,
	line: number,
	ends: readonly string[],
): {readonly nodes: readonly TemplateNode[]; readonly end: End} {
	if (++parser.depth > maxDepth) throw templateError(parser.name, line, 'it is nested too deep', 'Split the file.');
	const {nodes, end} = parseNodes(parser, ends);
	parser.depth--;
	if (end === undefined) throw templateError(parser.name, line, 'what begins here has no {{end}}', 'Add the {{end}}.');
	return {nodes, end};
}

function nameIn(parser: Parser, line: number, [token]: readonly Token[]): string {
	if (token?.kind === 'string') return token.text;
	throw templateError(parser.name, line, 'a template has no name', 'Write its name in double quotes.');
}

function parsePipe(parser: Parser, line: number, tokens: readonly Token[]): Pipe {
	const declared = /^(variable)(?:(,)(variable))?(:=|=)/.exec(
		tokens
			.slice(0, 4)
			.map(({kind, text}) => (kind === 'variable' ? 'variable' : kind === 'sign' ? text : 'other'))
			.join(''),
	);
	const count = declared === null ? 0 : declared[3] === undefined ? 2 : 4;
	const variables = tokens.slice(0, count).filter(({kind}) => kind === 'variable');
	const reader = {tokens: tokens.slice(count), at: 0};
	const pipe = readPipe(parser, line, reader);
	if (reader.at < reader.tokens.length) throw templateError(parser.name, line, '")" has no beginning', 'Remove it.');
	return {...pipe, variables: variables.map(({text}) => text), assigns: declared?.[4] === '='};
}

interface Tokens {
	readonly tokens: readonly Token[];
	at: number;
}

function readPipe(parser: Parser, line: number, reader: Tokens): Pipe {
	const commands: Operand[][] = [[]];
	for (; reader.at < reader.tokens.length; reader.at++) {
		const {kind, text} = reader.tokens[reader.at]!;
		if (kind === 'sign' && text === ')') break;
		if (kind === 'sign' && text === '|') commands.push([]);
		else commands.at(-1)!.push(readOperand(parser, line, reader));
	}
	if (commands.some(command => command.length === 0))
		throw templateError(
			parser.name,
			line,
			'a value or a function is missing',
			'Write {{ VALUE }} or {{ FUNCTION ARGUMENT }}.',
		);
	return {line, variables: [], assigns: false, commands};
}

/** Leaves the reader at the last token of the operand. */
function readOperand(parser: Parser, line: number, reader: Tokens): Operand {
	const token = reader.tokens[reader.at]!;
	switch (token.kind) {
		case 'string':
			return {kind: 'value', value: token.text};
		case 'number':
			return {kind: 'value', value: Number(token.text.replace(/^\+/, ''))};
		case 'field':
			return {kind: 'dot', fields: readFields(reader, [token.text])};
		case 'variable':
			return {kind: 'variable', name: token.text, fields: readFields(reader)};
		case 'word':
			return wordOperand(token.text);
		case 'sign':
			if (token.text === '.') return {kind: 'dot', fields: readFields(reader)};
			if (token.text === '(') return readGroup(parser, line, reader);
			throw templateError(parser.name, line, `"${token.text}" has no place here`, 'Remove it.');
	}
}

function wordOperand(text: string): Operand {
	if (text === 'true' || text === 'false') return {kind: 'value', value: text === 'true'};
	return text === 'nil' ? {kind: 'value', value: undefined} : {kind: 'function', name: text};
}

function readGroup(parser: Parser, line: number, reader: Tokens): Operand {
	if (++parser.depth > maxDepth) throw templateError(parser.name, line, 'it is nested too deep', 'Use variables.');
	reader.at++;
	const pipe = readPipe(parser, line, reader);
	parser.depth--;
	if (reader.tokens[reader.at] === undefined)
		throw templateError(parser.name, line, '"(" has no end', 'Close it with ")".');
	return {kind: 'pipe', pipe, fields: readFields(reader)};
}

/** `.a.b` without spaces between them. Leaves the reader at the last of them. */
function readFields(reader: Tokens, first: readonly string[] = []): readonly string[] {
	const fields = [...first];
	for (let next = reader.tokens[reader.at + 1]; next?.kind === 'field'; next = reader.tokens[reader.at + 1]) {
		if (next.spaced) break;
		fields.push(next.text);
		reader.at++;
	}
	return fields;
}
