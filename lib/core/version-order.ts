/**
 * Orders tags as people count versions: numbers by value, a pre-release before its release, an optional `v` in front.
 * Tags that are no versions (`latest`) come first, in byte order. Negative, zero or positive as `sort` wants it.
 */
export function compareVersions(a: string, b: string): number {
	const left = parseVersion(a);
	const right = parseVersion(b);
	if (left === undefined || right === undefined) {
		return Number(left !== undefined) - Number(right !== undefined) || compareText(a, b);
	}
	return (
		compareParts(left.numbers, right.numbers) ||
		Number(left.rest === '') - Number(right.rest === '') ||
		compareParts(partsOf(left.rest), partsOf(right.rest)) ||
		compareText(a, b)
	);
}

/** True for tags that say a version: `v1.30.2`, `7`, `1.0-rc.1`, `3.20-alpine`. */
export function isVersion(tag: string): boolean {
	return parseVersion(tag) !== undefined;
}

interface Version {
	readonly numbers: readonly string[];
	/** What follows the numbers: `rc.1`, `alpine3.20`. */
	readonly rest: string;
}

function parseVersion(tag: string): Version | undefined {
	const [, numbers, rest = ''] = /^v?(\d+(?:\.\d+)*)(?:[-+_.]?(.*))$/.exec(tag) ?? [];
	return numbers === undefined ? undefined : {numbers: numbers.split('.'), rest};
}

function partsOf(text: string): readonly string[] {
	return text.match(/\d+|[^\d.+_-]+/g) ?? [];
}

function compareParts(a: readonly string[], b: readonly string[]): number {
	for (let i = 0; i < Math.max(a.length, b.length); i++) {
		const [left, right] = [a[i], b[i]];
		if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
		const [isNumber, isOther] = [/^\d/.test(left), /^\d/.test(right)];
		// semver: numbers before words.
		if (isNumber !== isOther) return isNumber ? -1 : 1;
		const order = isNumber ? compareNumbers(left, right) : compareText(left, right);
		if (order !== 0) return order;
	}
	return 0;
}

/** Dates and build numbers may have more digits than a number holds. */
function compareNumbers(a: string, b: string): number {
	const [left, right] = [a.replace(/^0+(?=\d)/, ''), b.replace(/^0+(?=\d)/, '')];
	return left.length - right.length || compareText(left, right);
}

function compareText(a: string, b: string): number {
	return a < b ? -1 : Number(a > b);
}
