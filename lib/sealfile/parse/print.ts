import type {Heredoc, Instruction, SealfileTree} from '../syntax.js';

/**
 * The canonical text of a tree: directives, then each instruction on one line with its name in upper case, its heredocs
 * and its description. Parsing it gives the same directives and instructions at other places.
 */
export function printSealfile(tree: Pick<SealfileTree, 'directives' | 'instructions'>): string {
	const {syntax, escape: escapeChar, check} = tree.directives;
	const directives = [
		...(syntax === undefined ? [] : [`# syntax=${syntax}`]),
		...(escapeChar === '\\' ? [] : [`# escape=${escapeChar}`]),
		...(check === undefined ? [] : [`# check=${check}`]),
	];
	// The blank line ends the directives: without it a description could be read as one.
	const blank = directives.length > 0 || tree.instructions[0]?.docComment !== undefined ? [''] : [];
	return [...directives, ...blank, ...tree.instructions.flatMap(printInstruction), ''].join('\n');
}

function printInstruction(instruction: Instruction): string[] {
	const inner = instruction.kind === 'ONBUILD' ? instruction.instruction : instruction;
	return [
		...printDescription(instruction),
		instruction.text,
		...heredocsOf(inner).map(({body, name}) => `${body}${name}`),
	];
}

function printDescription(instruction: Instruction): string[] {
	const {docComment} = instruction;
	if (docComment === undefined) return [];
	if (instruction.kind === 'FROM') return [`# ${instruction.name} ${docComment}`];
	return instruction.kind === 'ARG' ? [`# ${instruction.args[0]?.name} ${docComment}`] : [];
}

function heredocsOf(instruction: Instruction): readonly Heredoc[] {
	return 'heredocs' in instruction ? instruction.heredocs : [];
}
