import {closest} from '../../core/closest.js';
import type {Word} from './split.js';

/** What the flags of an instruction take. A list may be given more than once. */
export type FlagTypes = Readonly<Record<string, 'text' | 'boolean' | 'list'>>;

export interface SplitFlags {
	/** Each `--name[=value]`, quotes and escapes removed. */
	readonly flags: readonly Word[];
	/** Where the arguments begin. */
	readonly end: number;
}

export interface FlagProblem {
	readonly code: string;
	readonly message: string;
	readonly hint?: string;
	readonly at: Word;
}

export interface FlagValues {
	text(name: string): string | undefined;
	boolean(name: string): boolean | undefined;
	list(name: string): readonly string[];
	readonly given: readonly string[];
}

/** Takes the words that begin with `--` off the front of a line; a lone `--` ends them and disappears. */
export function splitFlags(text: string, offset: number): SplitFlags {
	const flags: Word[] = [];
	let position = skipBlanks(text, offset);
	while (text.startsWith('--', position)) {
		const word = readFlag(text, position);
		position = skipBlanks(text, word.end);
		if (word.text === '--') break;
		flags.push(word);
	}
	return {flags, end: position};
}

/** Checks the flags of one instruction against what it knows. */
export function parseFlags(flags: readonly Word[], types: FlagTypes): FlagValues | FlagProblem {
	const values = new Map<string, string[]>();
	for (const flag of flags) {
		const at = flag.text.indexOf('=');
		const name = flag.text.slice(2, at === -1 ? undefined : at);
		const type = Object.hasOwn(types, name) ? types[name] : undefined;
		if (type === undefined) {
			const near = closest(name, Object.keys(types));
			const hint = near === undefined ? describe(types) : `Did you mean --${near}?`;
			return {code: 'UnknownFlag', message: `Unknown flag: --${name}`, hint, at: flag};
		}
		const earlier = values.get(name);
		if (earlier !== undefined && type !== 'list') {
			return {code: 'DuplicateFlag', message: `Duplicate flag specified: --${name}`, at: flag};
		}
		const value = at === -1 ? undefined : flag.text.slice(at + 1);
		if (value === undefined && type !== 'boolean') return missing(name, flag);
		if (type === 'boolean') {
			if (value === '') return missing(name, flag);
			const lower = value?.toLowerCase() ?? 'true';
			if (lower !== 'true' && lower !== 'false') {
				const message = `Expecting boolean value for flag --${name}, not: ${value}`;
				return {code: 'InvalidFlag', message, hint: `Write --${name} or --${name}=false.`, at: flag};
			}
			values.set(name, [lower]);
		} else {
			values.set(name, [...(earlier ?? []), value!]);
		}
	}
	return {
		text: name => values.get(name)?.[0],
		boolean: name => (values.has(name) ? values.get(name)![0] === 'true' : undefined),
		list: name => values.get(name) ?? [],
		given: [...values.keys()],
	};
}

function readFlag(text: string, start: number): Word {
	let word = '';
	let quote: string | undefined;
	let position = start;
	for (; position < text.length; position++) {
		const char = text[position]!;
		if (char === '\\') word += text[++position] ?? '';
		else if (quote !== undefined) {
			if (char === quote) quote = undefined;
			else word += char;
		} else if (char === '"' || char === "'") quote = char;
		else if (/\s/u.test(char)) break;
		else word += char;
	}
	return {text: word, start, end: Math.min(position, text.length)};
}

function missing(name: string, at: Word): FlagProblem {
	return {code: 'InvalidFlag', message: `Missing a value on flag: --${name}`, hint: `Write --${name}=VALUE.`, at};
}

function describe(types: FlagTypes): string {
	const names = Object.keys(types).map(name => `--${name}`);
	return names.length === 0 ? 'This instruction takes no flags.' : `The flags are: ${names.join(', ')}.`;
}

function skipBlanks(text: string, from: number): number {
	let position = from;
	while (position < text.length && /\s/u.test(text[position]!)) position++;
	return position;
}
