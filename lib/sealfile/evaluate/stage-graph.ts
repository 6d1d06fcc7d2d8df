import {parsePlatform} from '../../oci/platform.js';
import type {Diagnostic} from '../diagnostic.js';
import {SealfileError} from '../error.js';
import {diagnose, diagnoseExpansion} from '../place.js';
import type {Instruction, SealfileTree} from '../syntax.js';
import {expandWord} from '../words/words.js';
import type {HeaderScope} from './scope.js';
import {findStage, type Stage} from './stages.js';

/** Where the files of a stage, a COPY or a mount come from. */
export type StageSource =
	| {readonly kind: 'scratch'}
	| {readonly kind: 'stage'; readonly index: number}
	| {readonly kind: 'image'; readonly reference: string};

/** A stage whose FROM line is expanded. */
export interface ResolvedStage extends Stage {
	readonly base: StageSource;
	/** The value of `--platform` after expansion. */
	readonly platform?: string;
	readonly warnings: readonly Diagnostic[];
}

/**
 * Expands the FROM lines. A name is that of an earlier stage, else `scratch`, else an image.
 * @throws SealfileError for a blank base name, an empty or unreadable platform, a wrong substitution; all lines are tried
 */
export function resolveStages(
	stages: readonly Stage[],
	header: HeaderScope,
	tree: SealfileTree,
): readonly ResolvedStage[] {
	const errors: Diagnostic[] = [];
	const resolved: ResolvedStage[] = [];
	for (const stage of stages) {
		try {
			resolved.push(resolveStage(stage, stages.slice(0, stage.index), header, tree));
		} catch (error) {
			if (!(error instanceof SealfileError)) throw error;
			errors.push(...error.diagnostics);
		}
	}
	if (errors.length > 0) throw new SealfileError(errors);
	return resolved;
}

/** The words that name another stage or image: `COPY --from`, `RUN --mount=from`; ONBUILD has none until it fires. */
export function sourceWords(instruction: Instruction): readonly string[] {
	if (instruction.kind === 'COPY') return instruction.from === undefined ? [] : [instruction.from];
	if (instruction.kind === 'RUN') return instruction.mounts.flatMap(mount => mount.from ?? []);
	return [];
}

/**
 * What a from-word in the stage `current` means: a stage by name, then by number, then an image.
 * @throws SealfileError for this or a later stage, and for a number without a stage
 */
export function resolveSource(
	word: string,
	current: Stage,
	stages: readonly Stage[],
	at: Instruction,
	tree: SealfileTree,
): StageSource {
	const found = findStage(stages, word, current.index);
	if (found === undefined && !/^\d+$/.test(word)) {
		return word.toLowerCase() === 'scratch' ? {kind: 'scratch'} : {kind: 'image', reference: word};
	}
	if (found !== undefined && found.index < current.index) return {kind: 'stage', index: found.index};
	const message =
		found === undefined
			? `Invalid stage index ${word}: the file has ${stages.length} ${stages.length === 1 ? 'stage' : 'stages'}`
			: `Cannot copy from stage "${word}", it needs to be defined before current stage "${labelOf(current)}"`;
	const notes = found === undefined ? undefined : [{message: 'Defined here', range: found.from.range}];
	throw new SealfileError([diagnose(at, tree, {severity: 'error', code: 'StageOrder', message, notes})]);
}

export interface StageDependencies {
	readonly index: number;
	/** Stages that must be built first, ascending. */
	readonly stages: readonly number[];
	/** Images that must be resolved first, each once. */
	readonly images: readonly string[];
}

/**
 * What each stage needs, ONBUILD triggers of a parent stage included.
 * @param triggers the instructions that the base image of a stage adds, by stage index
 * @throws SealfileError with every reference to a later stage, and a circular dependency where they form one
 */
export function stageDependencies(
	stages: readonly ResolvedStage[],
	tree: SealfileTree,
	triggers: ReadonlyMap<number, readonly Instruction[]> = new Map(),
): readonly StageDependencies[] {
	const errors: Diagnostic[] = [];
	const all = stages.map(stage => {
		const sources: StageSource[] = [stage.base];
		for (const instruction of [
			...inherited(stage, stages),
			...(triggers.get(stage.index) ?? []),
			...stage.instructions,
		]) {
			for (const word of sourceWords(instruction)) {
				try {
					sources.push(resolveSource(word, stage, stages, instruction, tree));
				} catch (error) {
					if (!(error instanceof SealfileError)) throw error;
					errors.push(...error.diagnostics);
				}
			}
		}
		return {
			index: stage.index,
			stages: unique(sources.flatMap(source => (source.kind === 'stage' ? source.index : []))).sort((a, b) => a - b),
			images: unique(sources.flatMap(source => (source.kind === 'image' ? source.reference : []))),
		};
	});
	if (errors.length > 0) throw new SealfileError([...errors, ...findCircle(stages, tree)]);
	return all;
}

/** The stages that the target needs, itself included, ascending: an order in which they can be built. */
export function reachableStages(dependencies: readonly StageDependencies[], target: number): readonly number[] {
	const reached = new Set([target]);
	// Dependencies always point to lower numbers, so one walk downwards sees each stage after all that need it.
	for (let index = target; index >= 0; index--) {
		if (!reached.has(index)) continue;
		for (const needed of dependencies[index]?.stages ?? []) reached.add(needed);
	}
	return [...reached].sort((a, b) => a - b);
}

function resolveStage(stage: Stage, earlier: readonly Stage[], header: HeaderScope, tree: SealfileTree): ResolvedStage {
	const {from} = stage;
	const warnings: Diagnostic[] = [];
	const expand = (word: string): string => {
		const expansion = expandWord(word, name => header.values.get(name), {escape: tree.directives.escape});
		const found = diagnoseExpansion(expansion, from, tree);
		if (!expansion.ok) throw new SealfileError(found);
		warnings.push(...found.map(warning => ({...warning, code: 'UndefinedArgInFrom'})));
		return expansion.value;
	};
	const fail = (code: string, message: string): never => {
		throw new SealfileError([...warnings, diagnose(from, tree, {severity: 'error', code, message})]);
	};
	const name = expand(from.image);
	if (name === '') fail('BlankBaseName', `Base name (${from.image}) should not be blank`);
	const platform = from.platform === undefined ? undefined : expand(from.platform);
	if (platform === '') fail('EmptyPlatform', `Empty platform value from expression ${from.platform}`);
	if (platform !== undefined) {
		try {
			parsePlatform(platform);
		} catch (error) {
			fail('InvalidPlatform', (error as Error).message);
		}
	}
	const parent = earlier.findLast(({name: other}) => other === name.toLowerCase());
	const base: StageSource =
		name === 'scratch'
			? {kind: 'scratch'}
			: parent !== undefined
				? {kind: 'stage', index: parent.index}
				: {kind: 'image', reference: name};
	return {...stage, base, warnings, ...(platform === undefined ? {} : {platform})};
}

/** The triggers that a parent stage of this file leaves to its direct children. */
function inherited(stage: ResolvedStage, stages: readonly ResolvedStage[]): readonly Instruction[] {
	if (stage.base.kind !== 'stage') return [];
	return (stages[stage.base.index]?.instructions ?? []).flatMap(instruction =>
		instruction.kind === 'ONBUILD' ? instruction.instruction : [],
	);
}

function findCircle(stages: readonly ResolvedStage[], tree: SealfileTree): Diagnostic[] {
	const edges = stages.map(stage =>
		[...inherited(stage, stages), ...stage.instructions]
			.flatMap(sourceWords)
			.flatMap(word => findStage(stages, word, stage.index)?.index ?? [])
			.concat(stage.base.kind === 'stage' ? stage.base.index : []),
	);
	const state = new Map<number, 'open' | 'done'>();
	for (const start of edges.keys()) {
		// An explicit stack: ten thousand stages in a row must not exhaust the call stack.
		const stack: Array<{readonly index: number; next: number}> = [{index: start, next: 0}];
		while (stack.length > 0) {
			const frame = stack.at(-1)!;
			if (frame.next === 0 && state.get(frame.index) === 'done') {
				stack.pop();
				continue;
			}
			state.set(frame.index, 'open');
			const to = edges[frame.index]![frame.next++];
			if (to === undefined) {
				state.set(frame.index, 'done');
				stack.pop();
			} else if (state.get(to) === 'open') {
				const stage = stages[to]!;
				const message = `Circular dependency detected on stage: ${labelOf(stage)}`;
				return [diagnose(stage.from, tree, {severity: 'error', code: 'CircularDependency', message})];
			} else if (state.get(to) !== 'done') {
				stack.push({index: to, next: 0});
			}
		}
	}
	return [];
}

function labelOf(stage: Stage): string {
	return stage.name ?? String(stage.index);
}

function unique<T>(items: readonly T[]): T[] {
	return [...new Set(items)];
}
