import {closest} from '../../core/closest.js';
import type {Diagnostic} from '../diagnostic.js';
import {SealfileError} from '../error.js';
import {diagnose} from '../place.js';
import type {ArgInstruction, FromInstruction, Instruction, SealfileTree} from '../syntax.js';

/** One FROM and what follows it. */
export interface Stage {
	/** From 0, in file order. */
	readonly index: number;
	/** Lower case, as `AS` gave it. */
	readonly name?: string;
	readonly from: FromInstruction;
	/** Without the FROM. */
	readonly instructions: readonly Instruction[];
}

export interface StageGroups {
	/** The ARGs above the first FROM. */
	readonly globalArgs: readonly ArgInstruction[];
	readonly stages: readonly Stage[];
	readonly diagnostics: readonly Diagnostic[];
}

const reservedNames = ['scratch', 'context'];

/**
 * Groups the instructions of a file into stages. Errors: no instruction at all, an instruction above the first FROM
 * that is no ARG, no FROM. Warnings: stage names that repeat or are reserved.
 */
export function groupStages(tree: SealfileTree): StageGroups {
	const globalArgs: ArgInstruction[] = [];
	const stages: Array<Stage & {readonly instructions: Instruction[]}> = [];
	const diagnostics: Diagnostic[] = [];
	for (const instruction of tree.instructions) {
		const stage = stages.at(-1);
		if (instruction.kind === 'FROM') {
			const name = instruction.name === undefined ? {} : {name: instruction.name};
			stages.push({index: stages.length, ...name, from: instruction, instructions: []});
		} else if (stage !== undefined) {
			stage.instructions.push(instruction);
		} else if (instruction.kind === 'ARG') {
			globalArgs.push(instruction);
		} else if (diagnostics.length === 0) {
			// One message is enough: what follows suffers from the same missing FROM.
			diagnostics.push(noStage(tree, instruction));
		}
	}
	const firstLine = tree.instructions[0] ?? {range: {startLine: 1, startColumn: 1, endLine: 1, endColumn: 1}};
	const parseFailed = tree.diagnostics.some(diagnostic => diagnostic.severity === 'error');
	if (tree.instructions.length === 0 && !parseFailed) {
		const message = 'File with no instructions';
		const hint = 'Begin with a FROM line, for example FROM scratch.';
		diagnostics.push(diagnose(firstLine, tree, {severity: 'error', code: 'NoInstructions', message, hint}));
	} else if (stages.length === 0 && diagnostics.length === 0 && !parseFailed) {
		diagnostics.push(noStage(tree, firstLine));
	}
	return {globalArgs, stages, diagnostics: [...diagnostics, ...checkNames(stages, tree)]};
}

/**
 * The stage of this name (any case; the later one where names repeat) or number; undefined when there is none. With
 * `before`, stages defined before that index are preferred, as in `COPY --from`.
 */
export function findStage<S extends Stage>(
	stages: readonly S[],
	reference: string,
	before = stages.length,
): S | undefined {
	const name = reference.toLowerCase();
	const named = stages.filter(stage => stage.name === name);
	const found = named.findLast(stage => stage.index < before) ?? named.at(-1);
	return found ?? (/^\d{1,6}$/.test(reference) ? stages[Number(reference)] : undefined);
}

/**
 * The stage that `--target` names, or the last one.
 * @throws SealfileError when there is none, with the nearest name
 */
export function selectTarget<S extends Stage>(stages: readonly S[], target: string | undefined, tree: SealfileTree): S {
	const found = target === undefined || target === '' ? stages.at(-1) : findStage(stages, target);
	if (found !== undefined) return found;
	const names = stages.flatMap(stage => stage.name ?? []);
	const near = closest((target ?? '').toLowerCase(), names);
	const last = stages.at(-1)?.from ?? {range: {startLine: 1, startColumn: 1, endLine: 1, endColumn: 1}};
	throw new SealfileError([
		diagnose(last, tree, {
			severity: 'error',
			code: 'UnknownTarget',
			message: `Target stage "${target ?? ''}" could not be found`,
			hint:
				near !== undefined
					? `Did you mean ${near}?`
					: names.length > 0
						? `The stages are: ${names.join(', ')}.`
						: 'No stage of this file has a name; use its number, counted from 0.',
		}),
	]);
}

function noStage(tree: SealfileTree, at: Pick<Instruction, 'range'>): Diagnostic {
	return diagnose(at, tree, {
		severity: 'error',
		code: 'NoBuildStage',
		message: 'No build stage in current context',
		hint: 'Write a FROM line first; only ARG may stand above it.',
	});
}

function checkNames(stages: readonly Stage[], tree: SealfileTree): Diagnostic[] {
	const first = new Map<string, Stage>();
	const diagnostics: Diagnostic[] = [];
	for (const stage of stages) {
		if (stage.name === undefined) continue;
		const earlier = first.get(stage.name);
		if (earlier !== undefined) {
			diagnostics.push(
				diagnose(stage.from, tree, {
					severity: 'warning',
					code: 'DuplicateStageName',
					message: `Duplicate stage name '${stage.name}', stage names should be unique`,
					notes: [{message: 'First defined here', range: earlier.from.range}],
				}),
			);
		}
		first.set(stage.name, earlier ?? stage);
		if (reservedNames.includes(stage.name)) {
			const message = `Stage name should not use the same name as reserved stage '${stage.name}'`;
			diagnostics.push(diagnose(stage.from, tree, {severity: 'warning', code: 'ReservedStageName', message}));
		}
	}
	return diagnostics;
}
