import {closest} from '../lib/core/closest.js';
import type {Flag, Flags, Operand} from './command.js';
import {UsageError} from './usage-error.js';

export interface Parsed {
	/** Every flag of the table has its value or default; a string or integer without a default is undefined. */
	readonly flags: Readonly<Record<string, unknown>>;
	/** The names of the flags that were written. */
	readonly given: ReadonlySet<string>;
	readonly operands: readonly string[];
}

/**
 * Reads a command line against a table of flags: `--x=v`, `--x v`, `-x v`, `-xv`, grouped short booleans, `--no-x`, `--`.
 * Behind the operand number `flagsEndAfter` nothing is a flag any more. A value that starts with `-` must be written with `=`, so that `--tag --no-cache` is not a tag.
 * @throws UsageError
 */
export function parseArguments(
	argv: readonly string[],
	flags: Flags,
	flagsEndAfter = Number.POSITIVE_INFINITY,
): Parsed {
	const values: Record<string, unknown> = defaultsOf(flags);
	const given = new Set<string>();
	const operands: string[] = [];
	for (let i = 0; i < argv.length; i++) {
		const argument = argv[i]!;
		if (argument === '--') {
			operands.push(...argv.slice(i + 1));
			break;
		}
		if (operands.length >= flagsEndAfter) {
			operands.push(...argv.slice(i));
			break;
		}
		if (!argument.startsWith('-') || argument === '-') {
			operands.push(argument);
			continue;
		}
		for (const {name, flag, written, text} of argument.startsWith('--')
			? [readLong(argument, flags)]
			: readShort(argument, flags)) {
			const value = text ?? (takesNext(flag) ? nextValue(written, argv[++i]) : undefined);
			values[name] = combine(values[name], readValue(flag, written, value), flag, given.has(name));
			given.add(name);
		}
	}
	return {flags: values, given, operands};
}

/** @throws UsageError when there are too few or too many operands. */
export function checkOperands(
	operands: readonly string[],
	table: readonly Operand[],
	command: string,
	flags: Readonly<Record<string, unknown>> = {},
): void {
	const missing = table[operands.length];
	if (missing !== undefined && missing.optional !== true) {
		throw new UsageError(`${command} needs ${missing.name}: ${missing.help}`, {hint: helpHint(command)});
	}
	const surplus = operands[table.length];
	if (surplus !== undefined && table.at(-1)?.variadic !== true) {
		throw new UsageError(
			`${command} takes ${table.length === 0 ? 'no' : `only ${table.length}`} argument${table.length === 1 ? '' : 's'}, found "${surplus}" too`,
			// A cluster is an operand of the verbs that only look at one.
			{hint: 'cluster' in flags ? `Name a cluster with --cluster ${surplus}.` : helpHint(command)},
		);
	}
}

export function helpHint(command: string): string {
	return `Run "sealimage ${command} --help".`;
}

interface Occurrence {
	readonly name: string;
	readonly flag: Flag;
	/** As the user wrote it: `-t`, `--tag`. */
	readonly written: string;
	readonly text: string | undefined;
}

function readLong(argument: string, flags: Flags): Occurrence {
	const equals = argument.indexOf('=');
	const name = argument.slice(2, equals < 0 ? undefined : equals);
	const text = equals < 0 ? undefined : argument.slice(equals + 1);
	const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
	if (flag !== undefined) return {name, flag, written: `--${name}`, text};
	const positive = name.startsWith('no-') ? name.slice(3) : undefined;
	const negated = positive !== undefined && Object.hasOwn(flags, positive) ? flags[positive] : undefined;
	if (positive !== undefined && negated?.type === 'boolean' && text === undefined)
		return {name: positive, flag: negated, written: argument, text: 'false'};
	throw unknownFlag(`--${name}`, name, flags);
}

function unknownFlag(written: string, word: string, flags: Flags): UsageError {
	const meant = Object.hasOwn(flags, word)
		? word
		: closest(
				word,
				Object.entries(flags).flatMap(([name, flag]) =>
					flag.hidden === true ? [] : flag.type === 'boolean' ? [name, `no-${name}`] : [name],
				),
			);
	return new UsageError(`Unknown flag ${written}`, {
		hint: meant === undefined ? 'Run the command with --help to see its flags.' : `Did you mean --${meant}?`,
	});
}

function readShort(argument: string, flags: Flags): Occurrence[] {
	const found: Occurrence[] = [];
	for (let i = 1; i < argument.length; i++) {
		const letter = argument[i]!;
		const name = Object.keys(flags).find(key => flags[key]?.short === letter);
		const flag = name === undefined ? undefined : flags[name];
		if (name === undefined || flag === undefined) {
			const grouped = argument.length > 2;
			throw unknownFlag(`-${letter}${grouped ? ` in ${argument}` : ''}`, grouped ? argument.slice(1) : '', flags);
		}
		const rest = argument.slice(i + 1);
		const written = `-${letter}`;
		if (flag.type === 'boolean' && !rest.startsWith('=')) {
			found.push({name, flag, written, text: undefined});
			continue;
		}
		const text = rest === '' ? undefined : rest.startsWith('=') ? rest.slice(1) : rest;
		return [...found, {name, flag, written, text}];
	}
	return found;
}

function takesNext(flag: Flag): boolean {
	return flag.type !== 'boolean' && !(flag.type === 'string' && flag.implied !== undefined);
}

function nextValue(written: string, next: string | undefined): string {
	if (next === undefined) throw new UsageError(`${written} needs a value`);
	if (next.startsWith('-') && next !== '-') {
		throw new UsageError(`${written} needs a value, found ${next}`, {
			hint: `Write ${written}=${next} when that is the value.`,
		});
	}
	return next;
}

function readValue(flag: Flag, written: string, text: string | undefined): unknown {
	switch (flag.type) {
		case 'boolean':
			return readBoolean(written, text);
		case 'integer':
			return readInteger(written, text!, flag.minimum ?? 0);
		case 'list':
			return (flag.separator === undefined ? [text!] : text!.split(flag.separator)).map(item => {
				if (item === '') throw new UsageError(`${written} has an empty value`);
				return checkChoice(written, item, flag.choices);
			});
		case 'string': {
			const value = text ?? flag.implied!;
			return checkChoice(written, value, flag.choices);
		}
	}
}

function combine(before: unknown, value: unknown, flag: Flag, again: boolean): unknown {
	return flag.type === 'list' && again ? [...(before as string[]), ...(value as string[])] : value;
}

function readBoolean(written: string, text: string | undefined): boolean {
	if (text === undefined || text === 'true' || text === '1') return true;
	if (text === 'false' || text === '0') return false;
	throw new UsageError(`${written} is true or false, found "${text}"`);
}

function readInteger(written: string, text: string, minimum: number): number {
	const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
	if (!(value >= minimum)) throw new UsageError(`${written} is a whole number from ${minimum} on, found "${text}"`);
	return value;
}

function checkChoice(written: string, value: string, choices: readonly string[] | undefined): string {
	if (choices === undefined || choices.includes(value)) return value;
	const meant = closest(value, choices);
	throw new UsageError(`${written} is one of ${choices.join(', ')}, found "${value}"`, {
		hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
	});
}

function defaultsOf(flags: Flags): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(flags).map(([name, flag]) => [
			name,
			flag.type === 'boolean' ? (flag.default ?? false) : flag.type === 'list' ? [] : flag.default,
		]),
	);
}
