import type {Diagnostic} from '../diagnostic.js';
import {SealfileError} from '../error.js';
import {parseMount} from '../parse/instructions/run-mount.js';
import {diagnose, diagnoseExpansion, type SourceInfo} from '../place.js';
import type {Heredoc, Instruction, KeyValue, RunMount} from '../syntax.js';
import {type Expansion, expandWord, expandWords} from '../words/words.js';
import {argValue, lookupIn, type StageScope, withArgs} from './scope.js';

/** An instruction of the same kind whose words are final text. */
export interface Expanded<I extends Instruction = Instruction> {
	readonly instruction: I;
	/** The variables it looked at: with their values, what its cache key depends on. */
	readonly used: readonly string[];
	/** Variables that are not set. */
	readonly warnings: readonly Diagnostic[];
}

/**
 * Replaces the variables in those parts of an instruction where the language allows them, and removes quotes there.
 * Every part sees the values from before the instruction. An ARG gets its effective value. RUN, CMD, ENTRYPOINT, SHELL,
 * HEALTHCHECK, MAINTAINER and ONBUILD keep their text (but the mounts of RUN are expanded).
 * @throws SealfileError for a substitution that is wrong or fails (`${NAME:?message}`)
 */
export function expandInstruction<I extends Instruction>(
	instruction: I,
	scope: StageScope,
	source: SourceInfo,
): Expanded<I> {
	const words = createExpander(instruction, scope, source, new Set(), []);
	return {instruction: expandParts(instruction, scope, words) as I, used: [...words.used], warnings: words.warnings};
}

interface Expander {
	readonly used: Set<string>;
	readonly warnings: Diagnostic[];
	one(word: string): string;
	many(word: string): readonly string[];
	body(heredoc: Heredoc): Heredoc;
	/** The same expander reading other values. */
	within(scope: StageScope): Expander;
	fail(message: string): never;
}

function expandParts(instruction: Instruction, scope: StageScope, words: Expander): Instruction {
	switch (instruction.kind) {
		case 'ARG':
			return {...instruction, args: expandArgs(instruction.args, scope, words)};
		case 'ENV':
		case 'LABEL':
			return {...instruction, pairs: instruction.pairs.map(pair => expandPair(pair, words))};
		case 'COPY':
		case 'ADD':
			return {
				...instruction,
				sources: instruction.sources.map(words.one),
				heredocs: instruction.heredocs.map(words.body),
				destination: words.one(instruction.destination),
				...optional('chown', instruction.chown, words),
				...optional('chmod', instruction.chmod, words),
				...(instruction.kind === 'ADD' ? optional('checksum', instruction.checksum, words) : {}),
			};
		case 'RUN':
			return {...instruction, mounts: instruction.mountWords.map(word => expandMount(word, words))};
		case 'WORKDIR':
			return {...instruction, path: words.one(instruction.path)};
		case 'USER':
			return {...instruction, user: words.one(instruction.user)};
		case 'STOPSIGNAL':
			return {...instruction, signal: words.one(instruction.signal)};
		case 'VOLUME':
			return {...instruction, paths: instruction.paths.map(words.one)};
		case 'EXPOSE':
			return {...instruction, ports: instruction.ports.flatMap(words.many)};
		default:
			return instruction;
	}
}

function createExpander(
	instruction: Instruction,
	scope: StageScope,
	source: SourceInfo,
	used: Set<string>,
	warnings: Diagnostic[],
): Expander {
	const lookup = lookupIn(scope);
	const options = {escape: source.directives.escape};
	const settle = <T>(expansion: Expansion<T>): T => {
		for (const name of expansion.names.used) used.add(name);
		const found = diagnoseExpansion(expansion, instruction, source);
		warnings.push(...found.filter(({message}) => !warnings.some(warning => warning.message === message)));
		if (!expansion.ok) throw new SealfileError(warnings);
		return expansion.value;
	};
	return {
		used,
		warnings,
		one: word => settle(expandWord(word, lookup, options)),
		many: word => settle(expandWords(word, lookup, options)),
		// The escape directive does not reach into heredocs: their bodies are file contents.
		body: heredoc =>
			heredoc.expand ? {...heredoc, body: settle(expandWord(heredoc.body, lookup, {literalQuotes: true}))} : heredoc,
		within: inner => createExpander(instruction, inner, source, used, warnings),
		fail(message) {
			throw new SealfileError([diagnose(instruction, source, {severity: 'error', code: 'InvalidFlag', message})]);
		},
	};
}

function expandPair(pair: KeyValue, words: Expander): KeyValue {
	return {key: words.one(pair.key), value: words.one(pair.value)};
}

type Arg = {readonly name: string; readonly value?: string};

/** Unlike ENV, each argument of one ARG sees those before it. A default that `--build-arg` overrides is never read. */
function expandArgs(args: readonly Arg[], scope: StageScope, words: Expander): readonly Arg[] {
	let inner = scope;
	return args.map(({name, value}) => {
		const overridden = scope.header.build.buildArgs.has(name);
		const own = overridden || value === undefined ? undefined : words.within(inner).one(value);
		const effective = argValue(scope, name, own);
		const arg: Arg = effective === undefined ? {name} : {name, value: effective};
		inner = withArgs(inner, [arg]);
		return arg;
	});
}

function expandMount(word: string, words: Expander): RunMount {
	const result = parseMount(word, words.one);
	return result.ok ? result.mount : words.fail(result.message);
}

function optional<K extends string>(key: K, word: string | undefined, words: Expander): {readonly [key in K]?: string} {
	return word === undefined ? {} : ({[key]: words.one(word)} as {readonly [key in K]: string});
}
