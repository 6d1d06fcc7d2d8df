export type JsonForm =
	| {readonly kind: 'array'; readonly items: readonly string[]}
	/** JSON, but no list of strings: an error, not shell form. */
	| {readonly kind: 'invalid'; readonly message: string}
	/** Anything else, also text that only looks like JSON. */
	| {readonly kind: 'none'};

/** Reads the arguments of an instruction as a JSON list of strings. */
export function parseJsonForm(text: string): JsonForm {
	if (!text.startsWith('[')) return {kind: 'none'};
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return {kind: 'none'};
	}
	if (!Array.isArray(value) || !value.every(item => typeof item === 'string')) {
		return {kind: 'invalid', message: 'When using JSON array syntax, arrays must be comprised of strings only'};
	}
	return {kind: 'array', items: value as string[]};
}
