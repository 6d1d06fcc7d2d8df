import type {TemplateFunctions} from './render.js';

/** Sprig's arithmetic is on whole numbers; texts that are numbers are taken as such, because variables are texts. */
export const numbers: TemplateFunctions = {
	int: (value: unknown) => toInteger(value),
	int64: (value: unknown) => toInteger(value),
	atoi: (value: unknown) => toInteger(value),
	float64: (value: unknown) => toNumber(value),
	add: (...values: readonly unknown[]) => values.map(toInteger).reduce((sum, value) => sum + value, 0),
	add1: (value: unknown) => toInteger(value) + 1,
	sub: (a: unknown, b: unknown) => toInteger(a) - toInteger(b),
	mul: (...values: readonly unknown[]) => values.map(toInteger).reduce((product, value) => product * value, 1),
	div: (a: unknown, b: unknown) => Math.trunc(toInteger(a) / divisor(b)),
	mod: (a: unknown, b: unknown) => toInteger(a) % divisor(b),
	max: (...values: readonly unknown[]) => Math.max(...values.map(toInteger)),
	min: (...values: readonly unknown[]) => Math.min(...values.map(toInteger)),
	floor: (value: unknown) => Math.floor(toNumber(value)),
	ceil: (value: unknown) => Math.ceil(toNumber(value)),
	round: (value: unknown, digits: unknown) =>
		Number(toNumber(value).toFixed(Math.min(Math.max(toInteger(digits), 0), 20))),
	until: (count: unknown) => steps(0, toInteger(count), 1),
	untilStep: (start: unknown, stop: unknown, step: unknown) =>
		steps(toInteger(start), toInteger(stop), toInteger(step)),
};

function steps(start: number, stop: number, step: number): readonly number[] {
	const count = step === 0 ? 0 : Math.ceil((stop - start) / step);
	if (count > 100_000) throw new Error('there are too many');
	return Array.from({length: Math.max(count, 0)}, (_, index) => start + index * step);
}

function divisor(value: unknown): number {
	const number = toInteger(value);
	if (number === 0) throw new Error('nothing is divided by zero');
	return number;
}

function toInteger(value: unknown): number {
	return Math.trunc(toNumber(value));
}

/** What is no number is an error, where sprig makes a zero of it: a zero port is worse than none. */
function toNumber(value: unknown): number {
	if (typeof value === 'number') return value;
	if (typeof value === 'boolean') return Number(value);
	if (typeof value === 'string' && /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value.trim())) return Number(value);
	throw new Error(`${JSON.stringify(value) ?? 'nothing'} is no number`);
}
