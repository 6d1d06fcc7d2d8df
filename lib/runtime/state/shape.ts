/** Says whether a value that came from outside has a form. */
export type Shape = (value: unknown) => boolean;

/** A text of at most so many characters, and of a form when one is given. */
export function text(mostChars: number, form?: RegExp): Shape {
	return value => typeof value === 'string' && value.length <= mostChars && (form?.test(value) ?? true);
}

/** A whole number within both ends. */
export function whole(least: number, most: number): Shape {
	return value => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

export function listOf(item: Shape, most: number): Shape {
	return value => Array.isArray(value) && value.length <= most && value.every(item);
}

/** An object with any keys of a form. */
export function mapOf(key: Shape, item: Shape, most: number): Shape {
	return value => {
		if (!isObject(value)) return false;
		const entries = Object.entries(value);
		return entries.length <= most && entries.every(([name, content]) => key(name) && item(content));
	};
}

/** An object with these fields. Others are passed over: a newer sealimage may have more to say. */
export function fields(shapes: Readonly<Record<string, Shape>>): Shape {
	const list = Object.entries(shapes);
	return value => isObject(value) && list.every(([name, shape]) => shape(value[name]));
}

export function optional(shape: Shape): Shape {
	return value => value === undefined || shape(value);
}

export function oneOf(...choices: readonly unknown[]): Shape {
	return value => choices.includes(value);
}

/** Whatever JSON can say, not nested deeper than so: who walks through it must not run out of stack. */
export function json(deepest: number): Shape {
	return value => {
		if (typeof value !== 'object' || value === null) return true;
		return deepest > 0 && Object.values(value).every(json(deepest - 1));
	};
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
