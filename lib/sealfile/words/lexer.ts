import {parsePattern, replacePattern, trimPattern, type WordPattern} from './pattern.js';
import type {ExpandOptions, Lookup, VariableNames} from './words.js';

/** What came out of one word; `failure` says what is wrong with it. */
export interface LexedWord {
	readonly failure?: string;
	readonly text: string;
	readonly words: readonly string[];
	readonly names: VariableNames;
}

/** Reads one word in one pass. Never throws. */
export function lexWord(source: string, lookup: Lookup, options: ExpandOptions): LexedWord {
	const lexer: Lexer = {
		source,
		lookup,
		escapeChar: options.escape ?? '\\',
		literalQuotes: options.literalQuotes === true,
		used: new Set(),
		unset: new Set(),
		splitter: createSplitter(),
		position: 0,
		depth: 0,
	};
	const finish = (text: string, failure?: string): LexedWord => ({
		...(failure === undefined ? {} : {failure}),
		text,
		words: lexer.splitter.finish(),
		names: {used: [...lexer.used], unset: [...lexer.unset]},
	});
	try {
		return finish(processUntil(lexer, undefined, false));
	} catch (error) {
		if (error instanceof LexError) return finish('', error.message);
		throw error;
	}
}

/** One word on its way; `position` moves forwards only. */
interface Lexer {
	readonly source: string;
	readonly lookup: Lookup;
	readonly escapeChar: string;
	readonly literalQuotes: boolean;
	readonly used: Set<string>;
	readonly unset: Set<string>;
	readonly splitter: Splitter;
	position: number;
	depth: number;
}

/** Substitutions nest through recursion; this keeps a hostile word from exhausting the stack. */
const maxDepth = 100;

const missingBrace = "Syntax error: missing '}'";

class LexError extends Error {}

/** Reads up to `stop` (consumed), or to the end when there is none; only that outermost call feeds the splitter. */
function processUntil(lexer: Lexer, stop: string | undefined, keepEscapes: boolean): string {
	const {source, escapeChar, splitter} = lexer;
	const split = stop === undefined;
	let result = '';
	while (lexer.position < source.length) {
		const char = source[lexer.position]!;
		if (char === stop) {
			lexer.position++;
			return result;
		}
		let value = char;
		let whole = true;
		if (char === '$') {
			value = processDollar(lexer);
			whole = false;
		} else if (!lexer.literalQuotes && char === "'") {
			value = processSingleQuote(lexer);
		} else if (!lexer.literalQuotes && char === '"') {
			value = processDoubleQuote(lexer, keepEscapes);
		} else if (char === escapeChar) {
			value = (keepEscapes ? escapeChar : '') + source.slice(lexer.position + 1, lexer.position + 2);
			lexer.position += 2;
		} else {
			lexer.position++;
			whole = false;
		}
		if (split) splitter.add(value, whole);
		result += value;
	}
	if (!split) throw new LexError(stop === '/' ? "Syntax error: missing '/' in ${}" : missingBrace);
	return result;
}

function processSingleQuote(lexer: Lexer): string {
	const start = lexer.position + 1;
	const end = lexer.source.indexOf("'", start);
	if (end === -1) throw new LexError('Unexpected end of statement while looking for matching single-quote');
	lexer.position = end + 1;
	return lexer.source.slice(start, end);
}

function processDoubleQuote(lexer: Lexer, keepEscapes: boolean): string {
	const {source, escapeChar} = lexer;
	let result = '';
	lexer.position++;
	while (lexer.position < source.length) {
		const char = source[lexer.position]!;
		if (char === '"') {
			lexer.position++;
			return result;
		}
		if (char === '$') {
			result += processDollar(lexer);
			continue;
		}
		const next = source[++lexer.position];
		if (char === escapeChar && (next === '"' || next === '$' || next === escapeChar)) {
			if (keepEscapes) result += char;
			result += next;
			lexer.position++;
		} else {
			result += char;
		}
	}
	throw new LexError('Unexpected end of statement while looking for matching double-quote');
}

function processDollar(lexer: Lexer): string {
	lexer.position++;
	if (lexer.source[lexer.position] !== '{') {
		const name = readName(lexer);
		return name === '' ? '$' : (look(lexer, name, true) ?? '');
	}
	lexer.position++;
	if (lexer.position >= lexer.source.length) throw new LexError(missingBrace);
	if ('{}:'.includes(lexer.source[lexer.position]!)) throw new LexError('Syntax error: bad substitution');
	const name = readName(lexer);
	if (++lexer.depth > maxDepth) throw new LexError(`Substitutions are nested more than ${maxDepth} deep`);
	const result = processBraces(lexer, name);
	lexer.depth--;
	return result;
}

function processBraces(lexer: Lexer, name: string): string {
	const {source} = lexer;
	let modifier = source[lexer.position++];
	if (modifier === '}') return look(lexer, name, true) ?? '';
	if (modifier === '/') return processReplace(lexer, name);
	const nullIsUnset = modifier === ':';
	if (nullIsUnset) modifier = source[lexer.position++];
	if (modifier === undefined) throw new LexError(missingBrace);
	const isPattern = modifier === '#' || modifier === '%';
	if (!'-+?#%'.includes(modifier) || (nullIsUnset && isPattern)) {
		throw new LexError(`Unsupported modifier (${nullIsUnset ? ':' : ''}${modifier}) in substitution`);
	}
	const word = processUntil(lexer, '}', isPattern);
	return isPattern ? trimmed(lexer, name, modifier, word) : conditional(lexer, name, modifier, nullIsUnset, word);
}

function conditional(lexer: Lexer, name: string, modifier: string, nullIsUnset: boolean, word: string): string {
	const current = look(lexer, name, false);
	const missing = current === undefined || (nullIsUnset && current === '');
	if (modifier === '+') return missing ? '' : word;
	if (!missing) return current;
	if (modifier === '-') return word;
	const why = current === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
	throw new LexError(`${name}: ${word === '' ? why : word}`);
}

function trimmed(lexer: Lexer, name: string, modifier: string, word: string): string {
	const longest = word.startsWith(modifier);
	const pattern = readPattern(longest ? word.slice(1) : word);
	return trimPattern(look(lexer, name, true) ?? '', pattern, modifier === '#' ? 'prefix' : 'suffix', longest);
}

function processReplace(lexer: Lexer, name: string): string {
	const all = lexer.source[lexer.position] === '/';
	if (all) lexer.position++;
	const pattern = readPattern(processUntil(lexer, '/', true));
	// BuildKit keeps escapes here as well, so a backslash in a replacement is text.
	const replacement = processUntil(lexer, '}', true);
	return replacePattern(look(lexer, name, true) ?? '', pattern, replacement, all);
}

function readPattern(text: string): WordPattern {
	const {pattern, invalidEscape} = parsePattern(text);
	if (invalidEscape === undefined) return pattern;
	throw new LexError(`Invalid pattern (${text}) in substitution: invalid escape '${invalidEscape}'`);
}

const namePattern = /\p{Nd}+|[@*#?$!0-]|[\p{L}_][\p{L}\p{Nd}_]*/uy;

/** A run of digits, one special character, or letters, digits and underscores; empty when none of these is next. */
function readName(lexer: Lexer): string {
	namePattern.lastIndex = lexer.position;
	const name = namePattern.exec(lexer.source)?.[0] ?? '';
	lexer.position += name.length;
	return name;
}

function look(lexer: Lexer, name: string, required: boolean): string | undefined {
	lexer.used.add(name);
	const found = lexer.lookup(name);
	if (found === undefined && required) lexer.unset.add(name);
	return found;
}

interface Splitter {
	/** Whole text joins the word at hand; blanks in other text end it. */
	add(text: string, whole: boolean): void;
	/** The words, empty ones left out. */
	finish(): readonly string[];
}

function createSplitter(): Splitter {
	const words: string[] = [];
	let word = '';
	const end = (): void => {
		if (word !== '') words.push(word);
		word = '';
	};
	return {
		add(text, whole) {
			const [first, ...rest] = whole ? [text] : text.split(/\s+/u);
			word += first;
			for (const part of rest) {
				end();
				word += part;
			}
		},
		finish() {
			end();
			return words;
		},
	};
}
