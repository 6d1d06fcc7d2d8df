import {type GlobStep, globMayContinue, matchGlob, parseGlob} from './glob.js';

/** A compiled pattern over relative, cleaned paths. */
export interface Pattern {
	readonly text: string;
	/** The whole path must match; see exclusions.ts for rules that reach into folders. */
	matches(path: string): boolean;
	/** True unless no path below the folder `dir` can match. */
	mayMatchBelow(dir: string): boolean;
}

/**
 * Compiles a pattern of an ignore file, of `--exclude`, or of a COPY source: `*` and `?` within a name, `[a-z]`, `[^a]`,
 * `\` before a character meant as it is, `**` for any number of folders.
 * @throws SealError ERR_PATTERN
 */
export function compilePattern(text: string): Pattern {
	const steps = parseGlob(text);
	const first = steps.findIndex(step => step.kind !== 'char');
	if (first === -1) return literalPattern(text, literalOf(steps));
	const prefix = literalOf(steps.slice(0, first));
	const suffix = literalOf(steps.slice(steps.findLastIndex(step => step.kind !== 'char') + 1));
	const mayMatchBelow = (dir: string): boolean => {
		const start = dir === '' ? '' : `${dir}/`;
		return (prefix.startsWith(start) || start.startsWith(prefix)) && globMayContinue(steps, start);
	};
	return {text, matches: matcherOf(steps, prefix, suffix), mayMatchBelow};
}

/** True when the text has a character that makes it more than a name. A backslash hides the one after it. */
export function hasWildcard(text: string): boolean {
	return /^(?:[^\\*?[]|\\.)*[*?[]/su.test(text);
}

/** A name without the backslashes that protect its characters. */
export function unescapeLiteral(text: string): string {
	return text.replace(/\\(.)/gsu, '$1');
}

function literalPattern(text: string, literal: string): Pattern {
	return {
		text,
		matches: path => path === literal,
		mayMatchBelow: dir => dir === '' || literal.startsWith(`${dir}/`),
	};
}

/** The forms that make up most ignore files need no run over the steps. */
function matcherOf(steps: readonly GlobStep[], prefix: string, suffix: string): (path: string) => boolean {
	const specials = steps.filter(step => step.kind !== 'char');
	if (specials.length === 1 && specials[0]!.kind === 'all') {
		const shortest = prefix.length + suffix.length;
		return path => path.length >= shortest && path.startsWith(prefix) && path.endsWith(suffix);
	}
	if (specials.length === 2 && specials[0]!.kind === 'enter' && prefix === '') {
		const tail = `/${suffix}`;
		return path => path === suffix || path.endsWith(tail);
	}
	const slashes = steps.some(step => step.kind === 'all' || step.kind === 'enter') ? undefined : countSlashes(steps);
	return path => {
		if (!path.startsWith(prefix) || !path.endsWith(suffix)) return false;
		if (slashes !== undefined && slashesIn(path) !== slashes) return false;
		return matchGlob(steps, path);
	};
}

function countSlashes(steps: readonly GlobStep[]): number {
	return steps.filter(step => step.kind === 'char' && step.code === 0x2f).length;
}

function slashesIn(path: string): number {
	let count = 0;
	for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) count++;
	return count;
}

function literalOf(steps: readonly GlobStep[]): string {
	return steps.map(step => (step.kind === 'char' ? String.fromCodePoint(step.code) : '')).join('');
}
