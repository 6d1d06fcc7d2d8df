import {closest} from '../lib/core/closest.js';
import type {Flags, Verb} from './command.js';
import {UsageError} from './usage-error.js';

export interface Found {
	/** Undefined when only global flags were written. */
	readonly verb: Verb | undefined;
	/** The first word of a group without a second (`sealimage manifest`). */
	readonly group: string | undefined;
	/** The command line without the words of the verb. */
	readonly rest: readonly string[];
}

/**
 * Finds the verb: the first word that is neither a flag nor the value of a global flag written before it.
 * @throws UsageError for an unknown verb, with the nearest known one.
 */
export function findVerb(argv: readonly string[], verbs: readonly Verb[], globals: Flags): Found {
	const at = nextWord(argv, 0, globals);
	if (at === undefined) return {verb: undefined, group: undefined, rest: argv};
	const first = argv[at]!;
	const single = verbs.find(verb => verb.name === first || verb.aliases?.includes(first) === true);
	const members = verbs.filter(verb => verb.name.startsWith(`${first} `));
	if (single === undefined && members.length === 0) throw unknown(first, verbs);
	const next = members.length === 0 ? undefined : nextWord(argv, at + 1, globals);
	const second = next === undefined ? '' : argv[next]!;
	const member = members.find(
		verb => verb.name === `${first} ${second}` || verb.aliases?.includes(`${first} ${second}`) === true,
	);
	if (next === undefined || member === undefined) {
		// A verb that others are grouped under (`clusters`) may have operands of its own.
		if (single !== undefined) return {verb: single, group: undefined, rest: argv.toSpliced(at, 1)};
		if (next === undefined) return {verb: undefined, group: first, rest: argv.toSpliced(at, 1)};
		throw unknown(`${first} ${second}`, members);
	}
	return {verb: member, group: undefined, rest: argv.toSpliced(next, 1).toSpliced(at, 1)};
}

function nextWord(argv: readonly string[], from: number, globals: Flags): number | undefined {
	for (let i = from; i < argv.length; i++) {
		const argument = argv[i]!;
		if (argument === '--') return undefined;
		if (!argument.startsWith('-') || argument === '-') return i;
		const name = argument.startsWith('--')
			? argument.slice(2)
			: Object.keys(globals).find(key => `-${globals[key]?.short}` === argument);
		const flag = name === undefined || !Object.hasOwn(globals, name) ? undefined : globals[name];
		if (flag !== undefined && flag.type !== 'boolean') i++;
	}
	return undefined;
}

function unknown(word: string, verbs: readonly Verb[]): UsageError {
	const names = verbs.filter(verb => verb.hidden !== true).flatMap(verb => [verb.name, ...(verb.aliases ?? [])]);
	const meant = closest(word, names);
	return new UsageError(`Unknown command "${word}"`, {
		hint: meant === undefined ? 'Run "sealimage help" to see the commands.' : `Did you mean "sealimage ${meant}"?`,
	});
}
