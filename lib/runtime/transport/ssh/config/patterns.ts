/**
 * Patterns of OpenSSH (ssh_config(5), PATTERNS): `*`, `?`, and `!` before a pattern that takes back. A list matches when one of
 * it does and none of those with `!`.
 */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
	let matched = false;
	for (const pattern of patterns) {
		const negated = pattern.startsWith('!');
		if (!matchesPattern(text, negated ? pattern.slice(1) : pattern)) continue;
		if (negated) return false;
		matched = true;
	}
	return matched;
}

/** One pattern with `*` and `?`. Takes time in proportion to the product of the lengths, whatever the pattern. */
export function matchesPattern(text: string, pattern: string): boolean {
	let textAt = 0;
	let patternAt = 0;
	let star = -1;
	let starText = 0;
	while (textAt < text.length) {
		if (pattern[patternAt] === '*') {
			star = patternAt++;
			starText = textAt;
		} else if (pattern[patternAt] === '?' || pattern[patternAt] === text[textAt]) {
			textAt++;
			patternAt++;
		} else if (star >= 0) {
			patternAt = star + 1;
			textAt = ++starText;
		} else return false;
	}
	while (pattern[patternAt] === '*') patternAt++;
	return patternAt === pattern.length;
}
