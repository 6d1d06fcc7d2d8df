import dockerfileAst from 'dockerfile-ast';
import type {SourceRange} from '../diagnostic.js';
import type {Instruction} from '../syntax.js';

const {DockerfileParser} = dockerfileAst;

/** Where the parts of one instruction stand. */
export interface WordPlaces {
	readonly words: ReadonlyArray<{readonly text: string; readonly range: SourceRange}>;
	readonly variables: ReadonlyArray<{readonly name: string; readonly range: SourceRange}>;
}

/** More than a person writes in one instruction; the reader behind this is made for people's files. */
const maxLength = 65_535;

/**
 * Finds the words and variables of an instruction with dockerfile-ast, which keeps every place but is tolerant, so it
 * never decides what a file means. It is given one instruction at a time, because its work grows with the square of the
 * number of instructions. Empty when it cannot read the text. This file is the only one that knows the package.
 */
export function findPlaces(instruction: Instruction, lines: readonly string[], escapeChar: string): WordPlaces {
	const {startLine, endLine} = instruction.range;
	const prefix = escapeChar === '`' ? ['# escape=`'] : [];
	const text = [...prefix, ...lines.slice(startLine - 1, endLine)].join('\n');
	if (text.length > maxLength) return {words: [], variables: []};
	const shift = startLine - prefix.length;
	try {
		const found = DockerfileParser.parse(text).getInstructions()[0];
		if (found === undefined) return {words: [], variables: []};
		return {
			words: found.getArguments().map(word => ({text: word.getValue(), range: moved(word.getRange(), shift)})),
			variables: found.getVariables().map(variable => ({
				name: variable.getName(),
				range: moved(variable.getRange(), shift),
			})),
		};
	} catch {
		// The package throws on some malformed text; the place of the whole instruction is good enough then.
		return {words: [], variables: []};
	}
}

interface ZeroBasedRange {
	readonly start: {readonly line: number; readonly character: number};
	readonly end: {readonly line: number; readonly character: number};
}

function moved({start, end}: ZeroBasedRange, shift: number): SourceRange {
	return {
		startLine: start.line + shift,
		startColumn: start.character + 1,
		endLine: end.line + shift,
		endColumn: end.character + 1,
	};
}
