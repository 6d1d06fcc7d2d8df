import {lexWord} from './lexer.js';

/** The value of a variable, or undefined when it is not set. The empty string is a set value. */
export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
	/** The escape character of the file. Default: backslash. */
	readonly escape?: '\\' | '`' | undefined;
	/** Quotes are ordinary characters, as in the body of a heredoc. Default: quotes group and disappear. */
	readonly literalQuotes?: boolean | undefined;
}

/**
 * What became of a word. Expansion never throws: `message` says in one clause what is wrong with the word, and the
 * caller, who knows the place, turns it into a diagnostic.
 */
export type Expansion<T> = {readonly ok: true; readonly value: T; readonly names: VariableNames} | ExpansionFailure;

export interface ExpansionFailure {
	readonly ok: false;
	readonly message: string;
	readonly names: VariableNames;
}

export interface VariableNames {
	/** Every variable the word looks at, in order of appearance; what a cache key of the word depends on. */
	readonly used: readonly string[];
	/** Those that are not set and for which the word gives no answer of its own, such as `:-default`. */
	readonly unset: readonly string[];
}

/** Removes quotes and escapes and replaces variables: BuildKit's rules for one word. */
export function expandWord(word: string, lookup: Lookup, options: ExpandOptions = {}): Expansion<string> {
	const {failure, text, names} = lexWord(word, lookup, options);
	return failure === undefined ? {ok: true, value: text, names} : {ok: false, message: failure, names};
}

/** As `expandWord`, but blanks outside quotes, also those that come out of an unquoted variable, separate words. */
export function expandWords(word: string, lookup: Lookup, options: ExpandOptions = {}): Expansion<readonly string[]> {
	const {failure, words, names} = lexWord(word, lookup, options);
	return failure === undefined ? {ok: true, value: words, names} : {ok: false, message: failure, names};
}
