import {parsePattern, replacePattern, trimPattern, type WordPattern} from './word-pattern.js';
import type {ExpandOptions, Lookup, VariableNames} from './words.js';

/** One pass over one word. `run` answers with what is wrong, or undefined; the results are read afterwards. */
export interface WordLexer {
	run(): string | undefined;
	text(): string;
	words(): readonly string[];
	names(): VariableNames;
}

/** Substitutions nest through recursion; this keeps a hostile word from exhausting the stack. */
const maxDepth = 100;

const missingBrace = "Syntax error: missing '}'";

class LexError extends Error {}

export function createLexer(source: string, lookup: Lookup, options: ExpandOptions): WordLexer {
	const escapeChar = options.escape ?? '\\';
	const used = new Set<string>();
	const unset = new Set<string>();
	const splitter = createSplitter();
	let position = 0;
	let depth = 0;
	let output = '';

	/** Reads up to `stop` (consumed), or to the end when there is none. Only the outermost call feeds the splitter. */
	function processUntil(stop: string | undefined, keepEscapes: boolean, split: boolean): string {
		let result = '';
		while (position < source.length) {
			const char = source[position]!;
			if (char === stop) {
				position++;
				return result;
			}
			if (char === '$') {
				const value = processDollar();
				if (split) splitter.addSplit(value);
				result += value;
			} else if (options.literalQuotes !== true && (char === "'" || char === '"')) {
				const value = char === "'" ? processSingleQuote() : processDoubleQuote(keepEscapes);
				if (split) splitter.addWhole(value);
				result += value;
			} else if (char === escapeChar) {
				const value = (keepEscapes ? escapeChar : '') + source.slice(position + 1, position + 2);
				position += 2;
				if (split) splitter.addWhole(value);
				result += value;
			} else {
				position++;
				if (split) splitter.addSplit(char);
				result += char;
			}
		}
		if (stop !== undefined) throw new LexError(stop === '/' ? "Syntax error: missing '/' in ${" : missingBrace);
		return result;
	}

	function processSingleQuote(): string {
		const end = source.indexOf("'", position + 1);
		if (end === -1) throw new LexError('Unexpected end of statement while looking for matching single-quote');
		const value = source.slice(position + 1, end);
		position = end + 1;
		return value;
	}

	function processDoubleQuote(keepEscapes: boolean): string {
		let result = '';
		position++;
		while (position < source.length) {
			const char = source[position]!;
			if (char === '"') {
				position++;
				return result;
			}
			if (char === '$') {
				result += processDollar();
				continue;
			}
			position++;
			const next = source[position];
			if (char === escapeChar && (next === '"' || next === '$' || next === escapeChar)) {
				if (keepEscapes) result += char;
				result += next;
				position++;
			} else {
				result += char;
			}
		}
		throw new LexError('Unexpected end of statement while looking for matching double-quote');
	}

	function processDollar(): string {
		position++;
		if (source[position] !== '{') {
			const name = readName();
			return name === '' ? '$' : (value(name, true) ?? '');
		}
		position++;
		if (position >= source.length) throw new LexError(missingBrace);
		const name = readName();
		if (name === '') throw new LexError('Syntax error: bad substitution');
		if (++depth > maxDepth) throw new LexError(`Substitutions are nested more than ${maxDepth} deep`);
		const result = processBraces(name);
		depth--;
		return result;
	}

	function processBraces(name: string): string {
		let modifier = source[position++];
		if (modifier === undefined) throw new LexError(missingBrace);
		if (modifier === '}') return value(name, true) ?? '';
		if (modifier === '/') return processReplace(name);
		const nullIsUnset = modifier === ':';
		if (nullIsUnset) modifier = source[position++];
		if (modifier === undefined) throw new LexError(missingBrace);
		const isPattern = modifier === '#' || modifier === '%';
		if (!'-+?#%'.includes(modifier) || (nullIsUnset && isPattern)) {
			throw new LexError(`Unsupported modifier (${nullIsUnset ? ':' : ''}${modifier}) in substitution`);
		}
		const word = processUntil('}', isPattern, false);
		return isPattern ? trimmed(name, modifier, word) : conditional(name, modifier, nullIsUnset, word);
	}

	function conditional(name: string, modifier: string, nullIsUnset: boolean, word: string): string {
		const current = value(name, false);
		const missing = current === undefined || (nullIsUnset && current === '');
		if (modifier === '+') return missing ? '' : word;
		if (!missing) return current;
		if (modifier === '-') return word;
		const why = current === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
		throw new LexError(`${name}: ${word === '' ? why : word}`);
	}

	function trimmed(name: string, modifier: string, word: string): string {
		const longest = word.startsWith(modifier);
		const pattern = readPattern(longest ? word.slice(1) : word);
		return trimPattern(value(name, true) ?? '', pattern, modifier === '#' ? 'prefix' : 'suffix', longest);
	}

	function processReplace(name: string): string {
		const all = source[position] === '/';
		if (all) position++;
		const pattern = readPattern(processUntil('/', true, false));
		const replacement = processUntil('}', false, false);
		return replacePattern(value(name, true) ?? '', pattern, replacement, all);
	}

	function readPattern(text: string): WordPattern {
		const pattern = parsePattern(text);
		if (pattern === undefined) throw new LexError(`Invalid escape in pattern "${text}"`);
		return pattern;
	}

	/** A run of digits, one special character, or letters, digits and underscores; empty when none of these is next. */
	function readName(): string {
		namePattern.lastIndex = position;
		const name = namePattern.exec(source)?.[0] ?? '';
		position += name.length;
		return name;
	}

	function value(name: string, required: boolean): string | undefined {
		used.add(name);
		const found = lookup(name);
		if (found === undefined && required) unset.add(name);
		return found;
	}

	return {
		run() {
			try {
				output = processUntil(undefined, false, true);
				return undefined;
			} catch (error) {
				if (error instanceof LexError) return error.message;
				throw error;
			}
		},
		text: () => output,
		words: () => splitter.finish(),
		names: () => ({used: [...used], unset: [...unset]}),
	};
}

const namePattern = /\p{Nd}+|[@*#?$!0-]|[\p{L}_][\p{L}\p{Nd}_]*/uy;

/** Collects words: blanks in split text end a word, whole text joins the word at hand. Empty words are dropped. */
function createSplitter(): {addSplit(text: string): void; addWhole(text: string): void; finish(): readonly string[]} {
	const words: string[] = [];
	let word = '';
	const end = (): void => {
		if (word !== '') words.push(word);
		word = '';
	};
	return {
		addSplit(text) {
			const [first, ...rest] = text.split(/\s+/u);
			word += first;
			for (const part of rest) {
				end();
				word += part;
			}
		},
		addWhole(text) {
			word += text;
		},
		finish() {
			end();
			return words;
		},
	};
}
