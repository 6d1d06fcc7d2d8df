import type {Instruction} from '../syntax.js';
import type {LintFile, LintFinding, Rule} from './rule.js';

const stageNameCasing: Rule = {
	name: 'StageNameCasing',
	description: 'Stage names should be lower case.',
	*check(file) {
		for (const {from} of file.groups.stages) {
			const written = words(from).at(-1);
			if (from.name === undefined || written === undefined || written === from.name) continue;
			const range = file.wordRange(from, text => text === written);
			yield {message: `Stage name '${written}' should be lowercase`, hint: `Write ${from.name}.`, range};
		}
	},
};

const fromAsCasing: Rule = {
	name: 'FromAsCasing',
	description: 'AS should be written in the case of FROM.',
	*check(file) {
		for (const {from} of file.groups.stages) {
			const as = from.name === undefined ? undefined : words(from).at(-2);
			const keyword = file.keyword(from).text;
			const wanted = keyword === keyword.toLowerCase() ? 'as' : keyword === keyword.toUpperCase() ? 'AS' : as;
			if (as === undefined || as === wanted) continue;
			const range = file.wordRange(from, text => text === as);
			yield {message: `'${as}' and '${keyword}' keywords' casing do not match`, hint: `Write ${wanted}.`, range};
		}
	},
};

const consistentInstructionCasing: Rule = {
	name: 'ConsistentInstructionCasing',
	description: 'All instructions should be written in the same case.',
	*check(file) {
		const keywords = file.tree.instructions.map(instruction => file.keyword(instruction));
		const lower = keywords.filter(({text}) => text === text.toLowerCase()).length;
		const upper = keywords.filter(({text}) => text === text.toUpperCase()).length;
		const toLower = lower > upper;
		for (const {text, range} of keywords) {
			const wanted = toLower ? text.toLowerCase() : text.toUpperCase();
			if (text === wanted) continue;
			const message = `Command '${text}' should match the case of the command majority (${toLower ? 'lowercase' : 'uppercase'})`;
			yield {message, hint: `Write ${wanted}.`, range};
		}
	},
};

const redundantTargetPlatform: Rule = {
	name: 'RedundantTargetPlatform',
	description: 'FROM is for the target platform anyway.',
	*check(file) {
		for (const {from} of file.groups.stages) {
			if (!/^\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(from.platform ?? '')) continue;
			const message = `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`;
			yield {message, hint: 'Remove the flag.', range: flagRange(file, from)};
		}
	},
};

const fromPlatformFlagConstDisallowed: Rule = {
	name: 'FromPlatformFlagConstDisallowed',
	description: 'FROM --platform should not be constant, unless the stage is named after the architecture.',
	*check(file) {
		for (const {from, name} of file.groups.stages) {
			const {platform} = from;
			if (platform === undefined || platform.includes('$')) continue;
			// A stage called build-arm64 is for one platform on purpose.
			if (
				name !== undefined &&
				platform
					.split('/')
					.slice(1)
					.some(part => part !== '' && name.includes(part))
			)
				continue;
			const message = `FROM --platform flag should not use constant value "${platform}"`;
			const hint = 'Remove the flag and choose platforms when building.';
			yield {message, hint, range: flagRange(file, from)};
		}
	},
};

const multipleInstructionsDisallowed: Rule = {
	name: 'MultipleInstructionsDisallowed',
	description: 'Only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage counts.',
	*check(file) {
		for (const stage of file.groups.stages) {
			const last = new Map<string, Instruction>();
			for (const instruction of stage.instructions) {
				const {kind} = instruction;
				if (kind !== 'CMD' && kind !== 'ENTRYPOINT' && kind !== 'HEALTHCHECK') continue;
				const earlier = last.get(kind);
				if (earlier !== undefined) yield ignoredInstruction(earlier, instruction);
				last.set(kind, instruction);
			}
		}
	},
};

export const stageRules: readonly Rule[] = [
	stageNameCasing,
	fromAsCasing,
	consistentInstructionCasing,
	redundantTargetPlatform,
	fromPlatformFlagConstDisallowed,
	multipleInstructionsDisallowed,
];

function ignoredInstruction(earlier: Instruction, later: Instruction): LintFinding {
	const {kind} = earlier;
	return {
		message: `Multiple ${kind} instructions should not be used in the same stage because only the last one will be used`,
		hint: `Remove this ${kind}.`,
		range: earlier.range,
		notes: [{message: 'This one is used', range: later.range}],
	};
}

function words(instruction: Instruction): string[] {
	return instruction.text.split(/\s+/);
}

function flagRange(file: LintFile, from: Instruction): LintFinding['range'] {
	const {startLine, startColumn} = from.range;
	const line = file.lines[startLine - 1] ?? '';
	const match = /--platform=\S*/.exec(line.slice(startColumn - 1));
	if (match === null) return from.range;
	const column = startColumn + match.index;
	return {startLine, startColumn: column, endLine: startLine, endColumn: column + match[0].length};
}
