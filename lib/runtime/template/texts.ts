import type {TemplateFunctions} from './render.js';
import {kindOf, print} from './values.js';

/** Functions on texts. Sprig puts the text last, so that it can come out of a pipe. */
export const texts: TemplateFunctions = {
	print: (...values: readonly unknown[]) => values.map(print).join(''),
	println: (...values: readonly unknown[]) => `${values.map(print).join(' ')}\n`,
	printf: (format: string, ...values: readonly unknown[]) => printf(text(format), values),
	trim: (value: string) => text(value).trim(),
	trimAll: (cut: string, value: string) => trimSet(text(value), text(cut)),
	trimPrefix: (cut: string, value: string) => (text(value).startsWith(cut) ? text(value).slice(cut.length) : value),
	trimSuffix: (cut: string, value: string) =>
		cut !== '' && text(value).endsWith(cut) ? text(value).slice(0, -cut.length) : value,
	upper: (value: string) => text(value).toUpperCase(),
	lower: (value: string) => text(value).toLowerCase(),
	title: (value: string) => text(value).replaceAll(/(?<=^|\s)\S/g, letter => letter.toUpperCase()),
	untitle: (value: string) => text(value).replaceAll(/(?<=^|\s)\S/g, letter => letter.toLowerCase()),
	nospace: (value: string) => text(value).replaceAll(/\s/g, ''),
	repeat: (count: number, value: string) => repeated(text(value), Number(count)),
	substr: (start: number, end: number, value: string) =>
		[...text(value)].slice(Math.max(start, 0), end < 0 ? undefined : end).join(''),
	trunc: (count: number, value: string) =>
		count < 0 ? [...text(value)].slice(count).join('') : [...text(value)].slice(0, count).join(''),
	contains: (part: string, value: string) => text(value).includes(part),
	hasPrefix: (part: string, value: string) => text(value).startsWith(part),
	hasSuffix: (part: string, value: string) => text(value).endsWith(part),
	quote: (...values: readonly unknown[]) =>
		values
			.filter(isThere)
			.map(value => JSON.stringify(print(value)))
			.join(' '),
	squote: (...values: readonly unknown[]) =>
		values
			.filter(isThere)
			.map(value => `'${print(value)}'`)
			.join(' '),
	cat: (...values: readonly unknown[]) => values.filter(isThere).map(print).join(' '),
	indent: (count: number, value: string) => indented(count, text(value)),
	nindent: (count: number, value: string) => `\n${indented(count, text(value))}`,
	replace: (from: string, to: string, value: string) => text(value).replaceAll(from, () => to),
	split: (separator: string, value: string) =>
		Object.fromEntries(
			text(value)
				.split(separator)
				.map((part, index) => [`_${index}`, part]),
		),
	splitList: (separator: string, value: string) => text(value).split(separator),
	join: (separator: string, values: unknown) => (Array.isArray(values) ? values : [values]).map(print).join(separator),
	sortAlpha: (values: readonly unknown[]) => values.map(print).sort(),
	toString: (value: unknown) => print(value),
	toStrings: (values: readonly unknown[]) => values.map(print),
	regexMatch: (pattern: string, value: string) => expression(pattern).test(text(value)),
	regexFind: (pattern: string, value: string) => expression(pattern).exec(text(value))?.[0] ?? '',
	regexReplaceAll: (pattern: string, value: string, to: string) =>
		text(value).replaceAll(expression(pattern), to.replaceAll(/\$\{(\d+)\}/g, '$$$1')),
};

function text(value: unknown): string {
	if (typeof value === 'string') return value;
	throw new Error(`a text is needed, and this is ${kindOf(value)}`);
}

function isThere(value: unknown): boolean {
	return value !== undefined && value !== null;
}

function repeated(value: string, count: number): string {
	if (!Number.isInteger(count) || count < 0 || count * value.length > 1_000_000)
		throw new Error('the result is too long');
	return value.repeat(count);
}

function indented(count: number, value: string): string {
	const pad = repeated(' ', count);
	return pad + value.replaceAll('\n', `\n${pad}`);
}

function trimSet(value: string, cut: string): string {
	const letters = [...value];
	while (letters.length > 0 && cut.includes(letters[0]!)) letters.shift();
	while (letters.length > 0 && cut.includes(letters.at(-1)!)) letters.pop();
	return letters.join('');
}

/** Patterns come from images: long ones, and long texts for them, are refused because JavaScript may take for ever. */
function expression(pattern: string): RegExp {
	if (pattern.length > 200 || /[*+}]\)?[*+{]|\([^)]*[*+][^)]*\)[*+{]/.test(pattern))
		throw new Error('the pattern is too complex');
	return new RegExp(pattern, 'gu');
}

/** The verbs of Go that configuration is written with. */
function printf(format: string, values: readonly unknown[]): string {
	const rest = [...values];
	const result = format.replaceAll(
		/%(-?0?)(\d{0,3})(?:\.(\d{1,2}))?([%a-zA-Z])/g,
		(whole, flag: string, width: string, precision: string, verb: string) => {
			if (verb === '%') return '%';
			if (rest.length === 0) throw new Error(`${JSON.stringify(whole)} has no value`);
			const shown = formatted(
				verb,
				rest.shift(),
				precision === undefined || precision === '' ? undefined : Number(precision),
				whole,
			);
			const size = Number(width);
			if (flag.includes('-')) return shown.padEnd(size);
			return flag === '0' ? shown.replace(/^-?/, sign => sign).padStart(size, '0') : shown.padStart(size);
		},
	);
	if (rest.length > 0) throw new Error(`${rest.length} values are left over`);
	return result;
}

function formatted(verb: string, value: unknown, precision: number | undefined, whole: string): string {
	switch (verb) {
		case 's':
		case 'v':
			return print(value);
		case 'q':
			return JSON.stringify(print(value));
		case 't':
			return String(value);
		case 'd':
			return integer(value).toString();
		case 'x':
			return typeof value === 'string' ? Buffer.from(value).toString('hex') : integer(value).toString(16);
		case 'X':
			return integer(value).toString(16).toUpperCase();
		case 'o':
			return integer(value).toString(8);
		case 'f':
			if (typeof value === 'number') return value.toFixed(precision ?? 6);
			throw new Error(`${kindOf(value)} is no number`);
		default:
			throw new Error(`${JSON.stringify(whole)} is not known`);
	}
}

function integer(value: unknown): number {
	if (typeof value === 'number' && Number.isInteger(value)) return value;
	throw new Error(`${kindOf(value)} is no whole number`);
}
