import {posix} from 'node:path';
import {SealError} from '../../core/errors.js';
import {compilePattern, type Pattern} from './pattern.js';

/**
 * Ordered rules of what is left out. A rule that matches a folder holds for everything below it; the last rule that
 * matches decides; `!` brings back.
 */
export interface Exclusions {
	/**
	 * The place of the last rule that matches `path` or a folder above it, given that of the folder it is in
	 * (`noRule` for the root): pass the result on when going down.
	 */
	lastRule(path: string, lastRuleOfParent: number): number;
	/** True when a path with this last rule is left out. */
	excludes(lastRule: number): boolean;
	/** True when something below an excluded folder may be brought back. */
	mayReturnBelow(dir: string, lastRule: number): boolean;
	/** The decision for one path, its folders looked at too. */
	excludesPath(path: string): boolean;
}

export const noRule = -1;

interface Rule {
	readonly negated: boolean;
	readonly pattern: Pattern;
}

/**
 * Compiles rules as they stand in an ignore file or in `--exclude`.
 * @throws SealError ERR_PATTERN; `details.index` is the place of the rule
 */
export function compileExclusions(patterns: readonly string[]): Exclusions {
	const rules = patterns.flatMap((text, index) => compileRule(text, index));
	const exclusions: Exclusions = {
		lastRule(path, lastRuleOfParent) {
			for (let at = rules.length - 1; at > lastRuleOfParent; at--) {
				if (rules[at]!.pattern.matches(path)) return at;
			}
			return lastRuleOfParent;
		},
		excludes: lastRule => lastRule !== noRule && !rules[lastRule]!.negated,
		mayReturnBelow: (dir, lastRule) =>
			rules.some((rule, at) => rule.negated && at > lastRule && rule.pattern.mayMatchBelow(dir)),
		excludesPath(path) {
			let last = noRule;
			for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
				last = exclusions.lastRule(path.slice(0, end), last);
			}
			return exclusions.excludes(exclusions.lastRule(path, last));
		},
	};
	return exclusions;
}

function compileRule(text: string, index: number): Rule[] {
	const trimmed = text.trim();
	if (trimmed === '') return [];
	const negated = trimmed.startsWith('!');
	const body = negated ? trimmed.slice(1).trim() : trimmed;
	if (body === '') {
		throw new SealError('ERR_PATTERN', 'Illegal exclusion pattern "!": it names nothing to bring back', {
			hint: 'Write what is to be kept after the exclamation mark.',
			details: {pattern: text, index},
		});
	}
	try {
		return [{negated, pattern: compilePattern(cleanPattern(body))}];
	} catch (error) {
		if (!(error instanceof SealError)) throw error;
		throw new SealError(error.code, error.message, {hint: error.hint, details: {...error.details, index}});
	}
}

/** Go's filepath.Clean, then without the leading slash: patterns are relative to the root of the source. */
function cleanPattern(text: string): string {
	const cleaned = posix.normalize(text).replace(/(?<=.)\/$/u, '');
	return cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned;
}
