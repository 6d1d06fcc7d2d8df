/** Data of a template: what a dot at top level stands for. */
export type TemplateData = Readonly<Record<string, unknown>>;

export interface TemplateScope {
	readonly root: TemplateData;
	/** The dot, innermost last. */
	readonly dots: unknown[];
	readonly variables: Map<string, unknown>;
}

/** The value of what is not known without running the template. */
export const unresolved: unique symbol = Symbol('unresolved');

/** Nesting above this is not looked at: no reference needs it. */
const maxDepth = 20;

/**
 * The value of a pipeline of look-ups and the few functions with which charts put image references together
 * (`default`, `quote`, `printf`, ...); `unresolved` for everything else. Missing keys are undefined.
 */
export function evaluate(text: string, scope: TemplateScope, depth = 0): unknown {
	if (depth > maxDepth) return unresolved;
	let value: unknown;
	let first = true;
	for (const command of split(text, '|')) {
		value = runCommand(command, scope, first ? [] : [value], depth);
		if (value === unresolved) return unresolved;
		first = false;
	}
	return first ? unresolved : value;
}

function runCommand(command: string, scope: TemplateScope, piped: readonly unknown[], depth: number): unknown {
	const [head, ...rest] = split(command, ' ');
	if (head === undefined) return unresolved;
	if (rest.length === 0 && piped.length === 0 && !/^[a-zA-Z]\w*$/.test(head)) return operand(head, scope, depth);
	const call = Object.hasOwn(functions, head) ? functions[head] : undefined;
	if (call === undefined) return literal(head);
	const args = [...rest.map(item => operand(item, scope, depth)), ...piped];
	return args.includes(unresolved) ? unresolved : call(...args);
}

function literal(word: string): unknown {
	return word === 'true' ? true : word === 'false' ? false : unresolved;
}

function operand(text: string, scope: TemplateScope, depth: number): unknown {
	if (text.startsWith('(') && text.endsWith(')')) return evaluate(text.slice(1, -1), scope, depth + 1);
	if (text.startsWith('`') && text.endsWith('`')) return text.slice(1, -1);
	if (text.startsWith('"')) return unquote(text);
	if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
	if (text === '.') return scope.dots.at(-1);
	if (text.startsWith('.')) return follow(scope.dots.at(-1), text.slice(1));
	if (text === '$') return scope.root;
	if (text.startsWith('$.')) return follow(scope.root, text.slice(2));
	if (text.startsWith('$')) {
		const dot = text.indexOf('.');
		const name = dot === -1 ? text : text.slice(0, dot);
		if (!scope.variables.has(name)) return unresolved;
		const value = scope.variables.get(name);
		return dot === -1 ? value : follow(value, text.slice(dot + 1));
	}
	return literal(text);
}

function follow(start: unknown, path: string): unknown {
	let value = start;
	for (const key of path.split('.')) {
		if (!/^\w+$/.test(key) || value === unresolved) return unresolved;
		value = property(value, key);
	}
	return value;
}

function property(value: unknown, key: unknown): unknown {
	if (typeof value !== 'object' || value === null || typeof key !== 'string') return undefined;
	return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

const functions: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
	default: (fallback, value) => (empty(value) ? fallback : value),
	coalesce: (...args) => args.find(value => !empty(value)),
	quote: value => text(value),
	squote: value => text(value),
	toString: (value: unknown) => text(value),
	trim: value => text(value).trim(),
	lower: value => text(value).toLowerCase(),
	trimPrefix: (prefix, value) =>
		text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : value,
	trimSuffix: (suffix, value) =>
		text(suffix) !== '' && text(value).endsWith(text(suffix)) ? text(value).slice(0, -text(suffix).length) : value,
	replace: (from, to, value) => text(value).replaceAll(text(from), text(to)),
	required: (_message, value) => (empty(value) ? unresolved : value),
	tpl: value => (text(value).includes('{{') ? unresolved : value),
	index: (start, ...keys) => keys.reduce(property, start),
	get: (start, key) => property(start, key) ?? '',
	printf: (format, ...args) => printf(text(format), args),
	print: (...args) => args.map(text).join(''),
};

/** As templates judge it: absent, "", 0, false and empty collections. */
function empty(value: unknown): boolean {
	if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
	return typeof value === 'object' && Object.keys(value).length === 0;
}

function text(value: unknown): string {
	if (typeof value === 'string') return value;
	return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function printf(format: string, args: readonly unknown[]): unknown {
	let next = 0;
	let unknown = false;
	const result = format.replace(/%(.)/g, (_, verb: string) => {
		if (verb === '%') return '%';
		if (verb !== 's' && verb !== 'v' && verb !== 'd') unknown = true;
		return text(args[next++]);
	});
	return unknown ? unresolved : result;
}

function unquote(value: string): unknown {
	try {
		const parsed: unknown = JSON.parse(value);
		return typeof parsed === 'string' ? parsed : unresolved;
	} catch {
		return unresolved;
	}
}

/** Parts between separators outside quotes and parentheses, trimmed, empty ones left out. */
function split(source: string, separator: '|' | ' '): string[] {
	const parts: string[] = [];
	let start = 0;
	let nesting = 0;
	let quote = '';
	for (let i = 0; i < source.length; i++) {
		const char = source[i] as string;
		if (quote !== '') {
			if (char === '\\' && quote === '"') i++;
			else if (char === quote) quote = '';
		} else if (char === '"' || char === '`') quote = char;
		else if (char === '(') nesting++;
		else if (char === ')') nesting--;
		else if (nesting === 0 && (char === separator || (separator === ' ' && /\s/.test(char)))) {
			parts.push(source.slice(start, i));
			start = i + 1;
		}
	}
	parts.push(source.slice(start));
	return parts.map(part => part.trim()).filter(part => part !== '');
}
