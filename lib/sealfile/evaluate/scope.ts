import {formatPlatform, type Platform} from '../../oci/platform.js';
import type {Diagnostic} from '../diagnostic.js';
import {SealfileError} from '../error.js';
import {diagnoseExpansion, type SourceInfo} from '../place.js';
import type {ArgInstruction, Instruction} from '../syntax.js';
import {expandWord, type Lookup} from '../words/words.js';

/** What a build says about variables before the first line is read. */
export interface BuildVariables {
	/** `--build-arg`: an empty value counts as set. */
	readonly buildArgs: ReadonlyMap<string, string>;
	/** Where the build runs (BUILDPLATFORM). */
	readonly buildPlatform: Platform;
	/** What is built (TARGETPLATFORM). */
	readonly targetPlatform: Platform;
	/** `--target` (TARGETSTAGE). Default: `default`. */
	readonly targetStage?: string | undefined;
}

/** The variables of the lines above the first FROM: what FROM lines see, and what an ARG without a value in a stage takes. */
export interface HeaderScope {
	readonly build: BuildVariables;
	readonly values: ReadonlyMap<string, string>;
	readonly warnings: readonly Diagnostic[];
}

/** The variables at one point of a stage. Plain data: each instruction that changes it gives a new one. */
export interface StageScope {
	readonly header: HeaderScope;
	/** Every ARG declared so far, its parents' included, in the order first seen; undefined when it has no value. */
	readonly args: ReadonlyMap<string, string | undefined>;
	readonly env: ReadonlyMap<string, string>;
}

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
/** Arguments that a RUN gets without an ARG, and that leave no trace in history. */
export const predefinedNames: ReadonlySet<string> = new Set(proxyNames.flatMap(name => [name, name.toLowerCase()]));

/**
 * Evaluates the ARGs above the first FROM.
 * @throws SealfileError when a default cannot be expanded
 */
export function openHeader(
	globalArgs: readonly ArgInstruction[],
	build: BuildVariables,
	source: SourceInfo,
): HeaderScope {
	const values = new Map(platformArgs(build));
	for (const name of values.keys()) {
		const given = build.buildArgs.get(name);
		if (given !== undefined) values.set(name, given);
	}
	const warnings: Diagnostic[] = [];
	for (const instruction of globalArgs) {
		for (const {name, value} of instruction.args) {
			const given = build.buildArgs.get(name);
			if (given !== undefined) values.set(name, given);
			else if (value !== undefined) {
				const expansion = expandWord(value, key => values.get(key), {escape: source.directives.escape});
				warnings.push(...diagnoseExpansion(expansion, instruction, source));
				if (!expansion.ok) throw new SealfileError(warnings);
				values.set(name, expansion.value);
			}
		}
	}
	return {build, values, warnings};
}

/** The automatic arguments: BUILD* and TARGET* of both platforms, and TARGETSTAGE. */
export function platformArgs(build: BuildVariables): ReadonlyMap<string, string> {
	const describe = (prefix: string, platform: Platform): Array<[string, string]> => [
		[`${prefix}PLATFORM`, formatPlatform(platform)],
		[`${prefix}OS`, platform.os],
		[`${prefix}OSVERSION`, platform['os.version'] ?? ''],
		[`${prefix}ARCH`, platform.architecture],
		[`${prefix}VARIANT`, platform.variant ?? ''],
	];
	return new Map([
		...describe('BUILD', build.buildPlatform),
		...describe('TARGET', build.targetPlatform),
		['TARGETSTAGE', build.targetStage ?? 'default'],
	]);
}

/** The scope at the first instruction of a stage. `parentArgs` are the ARGs of the stage it is built FROM. */
export function openStageScope(
	header: HeaderScope,
	env: readonly string[] = [],
	parentArgs: StageScope['args'] = new Map(),
): StageScope {
	return {header, args: parentArgs, env: new Map(env.map(splitEnv))};
}

/** ENV wins over ARG of the same name, wherever each stands. */
export function lookupIn(scope: StageScope): Lookup {
	return name => scope.env.get(name) ?? scope.args.get(name);
}

/** The value an ARG gets: `--build-arg`, else its own (expanded) default, else what the header says. */
export function argValue(scope: StageScope, name: string, value: string | undefined): string | undefined {
	return scope.header.build.buildArgs.get(name) ?? value ?? scope.header.values.get(name);
}

/** `args` carry their final values, see `argValue`. */
export function withArgs(scope: StageScope, args: ArgInstruction['args']): StageScope {
	const declared = new Map(scope.args);
	for (const {name, value} of args) declared.set(name, value);
	return {...scope, args: declared};
}

export function withEnv(
	scope: StageScope,
	pairs: ReadonlyArray<{readonly key: string; readonly value: string}>,
): StageScope {
	const env = new Map(scope.env);
	for (const {key, value} of pairs) env.set(key, value);
	return {...scope, env};
}

/**
 * The arguments in front of a RUN in history, `|2 A=1 B=2`: every declared ARG once, in the order first seen, with the
 * value that RUN sees. Empty without ARGs. Proxy arguments that nobody declared leave no trace.
 */
export function runHistoryArgs(scope: StageScope): readonly string[] {
	if (scope.args.size === 0) return [];
	const lookup = lookupIn(scope);
	return [`|${scope.args.size}`, ...[...scope.args.keys()].map(name => `${name}=${lookup(name) ?? ''}`)];
}

/** The environment of a RUN, `NAME=value`: the image's, the ARGs that have a value, and the proxy arguments given. */
export function runEnvironment(scope: StageScope): readonly string[] {
	const all = new Map<string, string>();
	for (const [name, value] of scope.header.build.buildArgs) if (predefinedNames.has(name)) all.set(name, value);
	for (const [name, value] of scope.args) if (value !== undefined) all.set(name, value);
	for (const [name, value] of scope.env) all.set(name, value);
	return [...all].map(([name, value]) => `${name}=${value}`);
}

/** The names given with `--build-arg` that no ARG of these instructions declares and that nothing predefines. */
export function unusedBuildArgs(
	buildArgs: ReadonlyMap<string, string>,
	instructions: Iterable<Instruction>,
): readonly string[] {
	const known = new Set(predefinedNames);
	for (const name of automaticNames) known.add(name);
	for (const instruction of instructions) {
		const declared = instruction.kind === 'ONBUILD' ? instruction.instruction : instruction;
		if (declared.kind === 'ARG') for (const {name} of declared.args) known.add(name);
	}
	return [...buildArgs.keys()].filter(name => !known.has(name));
}

const parts = ['PLATFORM', 'OS', 'OSVERSION', 'ARCH', 'VARIANT'];

/** The names of `platformArgs`, and SOURCE_DATE_EPOCH, which the build itself reads. */
export const automaticNames: readonly string[] = [
	...parts.map(part => `BUILD${part}`),
	...parts.map(part => `TARGET${part}`),
	'TARGETSTAGE',
	'SOURCE_DATE_EPOCH',
];

function splitEnv(entry: string): [string, string] {
	const at = entry.indexOf('=');
	return at === -1 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
