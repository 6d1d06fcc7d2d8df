import {closest} from '../../core/closest.js';
import {automaticNames, predefinedNames} from '../evaluate/scope.js';
import type {FromInstruction, Instruction} from '../syntax.js';
import {expandWord} from '../words/words.js';
import type {LintFile, LintFinding, Rule} from './rule.js';

const undefinedArgInFrom: Rule = {
	name: 'UndefinedArgInFrom',
	description: 'FROM can only use ARGs from above the first FROM.',
	*check(file) {
		const declared = headerNames(file);
		for (const {from} of file.groups.stages) {
			for (const name of unsetIn(fromWords(from), declared, file)) {
				const near = closest(name, declared);
				yield {
					message: `FROM argument '${name}' is not declared`,
					hint: near === undefined ? `Declare ARG ${name} above the first FROM.` : `Did you mean ${near}?`,
					range: file.variableRange(from, name),
				};
			}
		}
	},
};

const invalidDefaultArgInFrom: Rule = {
	name: 'InvalidDefaultArgInFrom',
	description: 'FROM should name an image when no build argument is given.',
	*check(file) {
		const defaults = headerDefaults(file);
		const declared = headerNames(file);
		for (const {from} of file.groups.stages) {
			const expansion = expandWord(from.image, name => defaults.get(name), {escape: file.tree.directives.escape});
			if (!expansion.ok || expansion.names.used.length === 0 || isReference(expansion.value)) continue;
			// UndefinedArgInFrom has said it already.
			if (expansion.names.used.some(name => !declared.has(name))) continue;
			const word = from.image;
			yield {
				message: `Default value for ARG ${word} results in empty or invalid base image name`,
				hint: 'Give the ARG a default, or write one into the variable, as with ":-value" behind its name.',
				range: file.wordRange(from, text => text === word),
			};
		}
	},
};

const undefinedVar: Rule = {
	name: 'UndefinedVar',
	description: 'Variables should be declared with ARG or ENV before they are used.',
	*check(file) {
		const known = new Map<string, StageNames>();
		const header = headerNames(file);
		for (const stage of file.groups.stages) {
			const names = namesAtStart(stage.from, known, file);
			for (const instruction of stage.instructions) {
				yield* undefinedIn(instruction, names, header, file);
				for (const name of declaredBy(instruction)) names.names.add(name);
			}
			if (stage.name !== undefined) known.set(stage.name, names);
		}
	},
};

const badSubstitution: Rule = {
	name: 'BadSubstitution',
	description: 'A substitution or a quote is written in a way that cannot be read; the build refuses it.',
	*check(file) {
		for (const instruction of file.tree.instructions) {
			const words = instruction.kind === 'FROM' ? fromWords(instruction) : wordsOf(instruction);
			for (const word of words) {
				// With every variable set, what still fails is the spelling.
				const expansion = expandWord(word, () => 'x', {escape: file.tree.directives.escape});
				if (!expansion.ok) {
					yield {
						severity: 'error',
						message: expansion.message,
						range: file.wordRange(instruction, text => text.includes(word)),
					};
				}
			}
		}
	},
};

export const variableRules: readonly Rule[] = [
	undefinedArgInFrom,
	invalidDefaultArgInFrom,
	undefinedVar,
	badSubstitution,
];

interface StageNames {
	readonly names: Set<string>;
	/** False when the stage stands on an image whose environment nobody told us. */
	readonly complete: boolean;
}

function namesAtStart(from: FromInstruction, stages: ReadonlyMap<string, StageNames>, file: LintFile): StageNames {
	const parent = stages.get(from.image.toLowerCase());
	if (parent !== undefined) return {names: new Set(parent.names), complete: parent.complete};
	if (from.image === 'scratch') return {names: new Set(), complete: true};
	const env = file.options.baseEnv?.(from.image);
	return {names: new Set(env?.map(entry => entry.split('=')[0]!)), complete: env !== undefined};
}

function* undefinedIn(
	instruction: Instruction,
	{names, complete}: StageNames,
	header: ReadonlySet<string>,
	file: LintFile,
): Generator<LintFinding> {
	for (const name of unsetIn(wordsOf(instruction), names, file)) {
		// What stands above the first FROM has to be declared again: say so rather than guess a spelling.
		const automatic = predefinedNames.has(name) || header.has(name);
		const near = automatic ? undefined : closest(name, names);
		if (!complete && near === undefined && !automatic) continue;
		const declare = automatic ? `Repeat ARG ${name} in this stage.` : `Declare it first with ARG ${name}.`;
		yield {
			message: `Usage of undefined variable '$${name}'`,
			hint: near === undefined ? declare : `Did you mean $${near}?`,
			range: file.variableRange(instruction, name),
		};
	}
}

/** The variables that these words need and that are not among `known`. */
function unsetIn(words: readonly string[], known: ReadonlySet<string>, file: LintFile): ReadonlySet<string> {
	const options = {escape: file.tree.directives.escape};
	return new Set(
		words.flatMap(word => expandWord(word, name => (known.has(name) ? 'x' : undefined), options).names.unset),
	);
}

/** The parts of an instruction in which variables are expanded. */
function wordsOf(instruction: Instruction): readonly string[] {
	switch (instruction.kind) {
		case 'ARG':
			return instruction.args.flatMap(({value}) => value ?? []);
		case 'ENV':
		case 'LABEL':
			return instruction.pairs.flatMap(({key, value}) => [key, value]);
		case 'COPY':
		case 'ADD': {
			const {sources, destination, chown = '', chmod = ''} = instruction;
			return [...sources, destination, chown, chmod, instruction.kind === 'ADD' ? (instruction.checksum ?? '') : ''];
		}
		case 'RUN':
			return instruction.mountWords;
		case 'WORKDIR':
			return [instruction.path];
		case 'USER':
			return [instruction.user];
		case 'STOPSIGNAL':
			return [instruction.signal];
		case 'VOLUME':
			return instruction.paths;
		case 'EXPOSE':
			return instruction.ports;
		default:
			return [];
	}
}

function fromWords(from: FromInstruction): readonly string[] {
	return [from.image, from.platform ?? ''];
}

function declaredBy(instruction: Instruction): readonly string[] {
	if (instruction.kind === 'ARG') return instruction.args.map(({name}) => name);
	return instruction.kind === 'ENV' ? instruction.pairs.map(({key}) => key) : [];
}

function headerNames(file: LintFile): ReadonlySet<string> {
	return new Set([...automaticNames, ...file.groups.globalArgs.flatMap(({args}) => args.map(({name}) => name))]);
}

/** What the ARGs above the first FROM are when nobody passes a value; the automatic ones stand for any platform. */
function headerDefaults(file: LintFile): ReadonlyMap<string, string> {
	const values = new Map(automaticNames.map(name => [name, 'linux']));
	for (const {args} of file.groups.globalArgs) {
		for (const {name, value} of args) {
			if (value === undefined) continue;
			const expansion = expandWord(value, key => values.get(key), {escape: file.tree.directives.escape});
			if (expansion.ok) values.set(name, expansion.value);
		}
	}
	return values;
}

const reference =
	/^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/;

/** The shape of an image reference; only this coarse, since the name is not used here. */
function isReference(text: string): boolean {
	return text.length <= 1024 && reference.test(text);
}
