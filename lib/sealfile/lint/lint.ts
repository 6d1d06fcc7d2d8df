import type {Diagnostic} from '../diagnostic.js';
import {groupStages} from '../evaluate/stages.js';
import type {Instruction, SealfileTree} from '../syntax.js';
import {parseCheckDirective} from './check-directive.js';
import type {LintFile, LintFinding, LintOptions, Rule} from './rule.js';
import {languageRules} from './rules.js';
import {findPlaces, type WordPlaces} from './tolerant.js';

/** A rule that finds the same thing again and again is not repeated more often than this. */
const maxFindings = 200;

/**
 * Everything there is to say about a file without building it: its parse diagnostics, its stages, and the findings of
 * the rules, in file order. `# check=` in the file chooses rules and may turn findings into errors.
 */
export function lintSealfile(tree: SealfileTree, options: LintOptions = {}): readonly Diagnostic[] {
	const directive = parseCheckDirective(tree.directives.check);
	const skip = new Set([...directive.skip, ...(options.skip ?? [])].map(name => name.toLowerCase()));
	const experimental = new Set(
		[...directive.experimental, ...(options.experimental ?? [])].map(name => name.toLowerCase()),
	);
	const severity = directive.error || options.error === true ? 'error' : 'warning';
	const groups = groupStages(tree);
	const file = openLintFile(tree, groups, options);
	const skipped = (name: string): boolean => skip.has('all') || skip.has(name.toLowerCase());

	const diagnostics: Diagnostic[] = [...tree.diagnostics, ...groups.diagnostics]
		.filter(diagnostic => diagnostic.severity === 'error' || !skipped(diagnostic.code))
		.map(diagnostic => (diagnostic.severity === 'error' ? diagnostic : {...diagnostic, severity}));
	for (const rule of [...languageRules, ...(options.rules ?? [])]) {
		if (skipped(rule.name)) continue;
		if (rule.experimental === true && !experimental.has('all') && !experimental.has(rule.name.toLowerCase())) continue;
		let count = 0;
		for (const finding of rule.check(file)) {
			if (++count > maxFindings) break;
			diagnostics.push(toDiagnostic(finding, rule, severity, file));
		}
	}
	for (const part of directive.unknown) diagnostics.push(unknownPart(part, file));
	return diagnostics.sort(byPlace);
}

/** The rules that every file is held to, for a list of them. */
export const lintRules: ReadonlyArray<Pick<Rule, 'name' | 'description' | 'experimental'>> = [
	{name: 'NoEmptyContinuation', description: 'An instruction should not be continued over an empty line.'},
	{name: 'DuplicateStageName', description: 'Stage names should be unique.'},
	{name: 'ReservedStageName', description: 'A stage should not be called scratch or context.'},
	...languageRules.map(({name, description, experimental}) => ({
		name,
		description,
		...(experimental === undefined ? {} : {experimental}),
	})),
];

function openLintFile(tree: SealfileTree, groups: LintFile['groups'], options: LintOptions): LintFile {
	const lines = tree.source.split(/\r?\n/);
	const known = new Map<Instruction, WordPlaces>();
	// Only an instruction with a finding is read a second time.
	const places = (instruction: Instruction): WordPlaces => {
		const found = known.get(instruction) ?? findPlaces(instruction, lines, tree.directives.escape);
		known.set(instruction, found);
		return found;
	};
	return {
		tree,
		groups,
		lines,
		options,
		wordRange: (instruction, matches) =>
			places(instruction).words.find(word => matches(word.text))?.range ?? instruction.range,
		variableRange: (instruction, name) =>
			places(instruction).variables.find(variable => variable.name === name)?.range ?? instruction.range,
		keyword(instruction) {
			const {startLine, startColumn} = instruction.range;
			const text = /^\S*/.exec((lines[startLine - 1] ?? '').slice(startColumn - 1, startColumn + 31))![0];
			return {text, range: {startLine, startColumn, endLine: startLine, endColumn: startColumn + text.length}};
		},
	};
}

function toDiagnostic(finding: LintFinding, rule: Rule, severity: Diagnostic['severity'], file: LintFile): Diagnostic {
	return {
		severity: finding.severity ?? severity,
		code: rule.name,
		message: finding.message,
		...(finding.hint === undefined ? {} : {hint: finding.hint}),
		file: file.tree.file,
		range: finding.range,
		lineText: (file.lines[finding.range.startLine - 1] ?? '').slice(0, 65_536),
		...(finding.notes === undefined ? {} : {notes: finding.notes}),
	};
}

function unknownPart(part: string, file: LintFile): Diagnostic {
	const line = file.lines.findIndex(text => /^#\s*check\s*=/i.test(text)) + 1;
	const lineText = file.lines[line - 1] ?? '';
	return {
		severity: 'warning',
		code: 'InvalidCheckDirective',
		message: `Unknown part "${part}" in the check directive`,
		hint: 'Write # check=skip=Rule,Rule;error=true.',
		file: file.tree.file,
		range: {startLine: line, startColumn: 1, endLine: line, endColumn: lineText.length + 1},
		lineText,
	};
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
	return a.range.startLine - b.range.startLine || a.range.startColumn - b.range.startColumn;
}
