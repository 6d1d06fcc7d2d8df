/** How Go's templates see values. */

/** False, zero, nothing, and what is empty are not true. */
export function isTrue(value: unknown): boolean {
	if (value === undefined || value === null) return false;
	if (typeof value === 'object') return (Array.isArray(value) ? value : Object.keys(value)).length > 0;
	return value !== '' && value !== 0 && value !== false;
}

/** What a value is, for people. */
export function kindOf(value: unknown): string {
	if (value === undefined || value === null) return 'not set';
	if (Array.isArray(value)) return 'a list';
	switch (typeof value) {
		case 'string':
			return 'a text';
		case 'number':
			return 'a number';
		case 'boolean':
			return 'true or false';
		default:
			return 'a map';
	}
}

/** As Go prints with `%v`. */
export function print(value: unknown): string {
	if (value === undefined || value === null) return '<nil>';
	if (Array.isArray(value)) return `[${value.map(print).join(' ')}]`;
	if (typeof value === 'object') {
		const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
		return `map[${entries.map(([key, item]) => `${key}:${print(item)}`).join(' ')}]`;
	}
	if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
	// Go: an exponent from 21 on, with two digits.
	return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}
