import type {Directives} from '../syntax.js';

export interface DirectiveProblem {
	/** From 1. */
	readonly line: number;
	readonly message: string;
	readonly hint: string;
}

export interface ParsedDirectives {
	readonly directives: Directives;
	/** How many lines the directives take at the top of the file. */
	readonly lineCount: number;
	readonly problems: readonly DirectiveProblem[];
}

const known = ['syntax', 'escape', 'check'];

/**
 * Reads the run of `# key=value` lines at the top: it ends at the first line that is anything else, an unknown key
 * included. Continuations mean nothing here.
 */
export function parseDirectives(text: string): ParsedDirectives {
	const values = new Map<string, string>();
	let escapeLine = 0;
	const problems: DirectiveProblem[] = [];
	let lineCount = 0;
	for (let start = 0; start < text.length; ) {
		const newline = text.indexOf('\n', start);
		const end = newline === -1 ? text.length : newline;
		// A directive is short; a longer line is left to the line reader, which refuses it.
		const match = end - start > 4096 ? null : directive.exec(text.slice(start, end));
		const key = match?.[1]?.toLowerCase();
		if (key === undefined || !known.includes(key)) break;
		lineCount++;
		if (values.has(key)) {
			const message = `Only one ${key} parser directive can be used`;
			problems.push({line: lineCount, message, hint: 'Remove one of them.'});
		} else {
			values.set(key, match![2]!);
			if (key === 'escape') escapeLine = lineCount;
		}
		start = end + 1;
	}
	const escapeChar = values.get('escape') ?? '\\';
	if (escapeChar !== '\\' && escapeChar !== '`') {
		const message = `Invalid escape token '${escapeChar}' does not match \` or \\`;
		problems.push({line: escapeLine, message, hint: 'Use a backslash or a backtick.'});
	}
	const syntax = values.get('syntax');
	const check = values.get('check');
	return {
		directives: {
			...(syntax === undefined ? {} : {syntax}),
			escape: escapeChar === '`' ? '`' : '\\',
			...(check === undefined ? {} : {check}),
		},
		lineCount,
		problems,
	};
}

/**
 * The frontend that a file asks for, in any of the places where BuildKit looks: the `syntax` directive (also below a `#!`
 * line), `// syntax=`, or JSON. For display only: a build never loads a frontend.
 */
export function detectSyntax(text: string): string | undefined {
	const body = text.startsWith('#!') ? text.slice(text.indexOf('\n') + 1 || text.length) : text;
	const directives = parseDirectives(body).directives;
	if (directives.syntax !== undefined) return directives.syntax;
	const slashes = /^\/\/[ \t]*syntax[ \t]*=[ \t]*(\S+)/i.exec(body);
	if (slashes !== null) return slashes[1];
	if (!/^\s*\{/.test(body)) return undefined;
	try {
		const {syntax} = JSON.parse(body) as {syntax?: unknown};
		return typeof syntax === 'string' ? syntax : undefined;
	} catch {
		return undefined;
	}
}

const directive = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S(?:.*\S)?)\s*$/;
