import {SealError} from '../../core/errors.js';
import {type Digest, isDigest} from '../../oci/digest.js';

/** Reads what came over the wire, field by field. Every function throws SealError ERR_USAGE and names the field. */
export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown, what: string): Fields {
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
	throw wrongParam(what, 'an object');
}

export function digestIn(fields: Fields, name: string): Digest {
	const value = fields[name];
	if (isDigest(value)) return value;
	throw wrongParam(name, 'a digest');
}

/** A whole number from 0 to `most`. */
export function numberIn(fields: Fields, name: string, most: number): number {
	const value = fields[name];
	if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
	throw wrongParam(name, `a number from 0 to ${most}`);
}

/** A text of 1 to `mostChars` characters without control characters. */
export function textIn(fields: Fields, name: string, mostChars: number): string {
	const value = fields[name];
	const isText = typeof value === 'string' && value.length > 0 && value.length <= mostChars;
	if (isText && !/[\p{Cc}\p{Cs}]/u.test(value)) return value;
	throw wrongParam(name, `a text of at most ${mostChars} characters`);
}

export function listIn<T>(fields: Fields, name: string, most: number, read: (value: unknown) => T): readonly T[] {
	const value = fields[name];
	if (Array.isArray(value) && value.length <= most) return value.map(read);
	throw wrongParam(name, `a list of at most ${most}`);
}

export function wrongParam(name: string, expected: string): SealError {
	return new SealError('ERR_USAGE', `${name} is not ${expected}`, {
		hint: 'Use the agent of the same version as sealimage.',
		details: {param: name},
	});
}
