import test from 'ava';
import fc from 'fast-check';
import {compilePattern, hasWildcard, unescapeLiteral} from '../../../lib/sealfile/context/pattern.js';

const matching = test.macro({
	exec(t, pattern: string, yes: readonly string[], no: readonly string[]) {
		const compiled = compilePattern(pattern);
		for (const path of yes) t.true(compiled.matches(path), `${pattern} should match ${path}`);
		for (const path of no) t.false(compiled.matches(path), `${pattern} should not match ${path}`);
	},
	title: (_, pattern) => `pattern ${pattern} matches what it should`,
});

test(matching, 'a', ['a'], ['b', 'a/b', 'aa', '']);
test(matching, '*', ['a', '.hidden', 'ü'], ['a/b']);
test(matching, 'a*', ['a', 'ab'], ['ba', 'a/b']);
test(matching, 'a*b', ['ab', 'axb'], ['a/b', 'abc']);
test(matching, '?', ['a', 'ü', '😀'], ['', 'ab', '/']);
test(matching, 'a?b', ['axb'], ['a/b', 'ab']);
test(matching, '[a-c]x', ['ax', 'bx', 'cx'], ['dx', 'x']);
test(matching, '[^a]', ['b', '^'], ['a', '/']);
test(matching, '[!a]', ['!', 'a'], ['b']);
test(matching, 'a[^b]c', ['axc'], ['abc', 'a/c']);
test(matching, 'arr[[]0].txt', ['arr[0].txt'], ['arr0.txt', 'arr[[]0].txt']);
test(matching, '[\\]]', [']'], ['\\']);
test(matching, '\\*', ['*'], ['a', '\\*']);
test(matching, 'a.c', ['a.c'], ['abc']);
test(matching, 'a+(b)$|{c}^', ['a+(b)$|{c}^'], ['ab']);
test(matching, '**', ['a', 'a/b', 'a/b/c'], []);
test(matching, '**/a', ['a', 'x/a', 'x/y/a'], ['xa', 'a/x']);
test(matching, '**a', ['a', 'xa', 'x/a', 'x/ya'], ['ab']);
test(matching, '**/*.go', ['a.go', 'x/a.go', 'x/y/a.go'], ['a.gox', 'a.go/x']);
test(matching, 'dir/**', ['dir/a', 'dir/a/b'], ['dir', 'dirx', 'x/dir/a']);
test(matching, 'a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb', 'a/b/c']);
test(matching, 'a/**/b/**/c', ['a/b/c', 'a/x/b/y/z/c'], ['a/c', 'a/x/c']);
test(matching, 'a**b', ['ab', 'ax/b', 'a/b'], ['axb']);
test(matching, '**/x/*', ['x/a', 'b/x/a'], ['x', 'x/a/b']);
test(matching, '**/*/x', ['a/x', 'a/b/x'], ['x']);
test(matching, '**/**', ['a', 'a/b'], []);
test(matching, 'a/*/c', ['a/b/c'], ['a/c', 'a/b/d/c']);

const refusal = test.macro({
	exec(t, pattern: string) {
		t.throws(() => compilePattern(pattern), {code: 'ERR_PATTERN'});
	},
	title: (_, pattern) => `pattern ${pattern} is refused`,
});

for (const pattern of [
	'[',
	'a[',
	'[a',
	'[]',
	'[]a]',
	'[^]',
	'[^]a]',
	'[-]',
	'[-x]',
	'[x-]',
	'[a-b-c]',
	'[a-',
	'\\',
	'a\\',
	'[\\',
]) {
	test(refusal, pattern);
}

test('mayMatchBelow is true for the folders on the way to a match only', t => {
	const pattern = compilePattern('a/*/c');
	t.true(pattern.mayMatchBelow(''));
	t.true(pattern.mayMatchBelow('a'));
	t.true(pattern.mayMatchBelow('a/b'));
	t.false(pattern.mayMatchBelow('b'));
	t.false(pattern.mayMatchBelow('a/b/c'));
	t.true(compilePattern('**/x').mayMatchBelow('any/where'));
	t.true(compilePattern('dir/sub/file').mayMatchBelow('dir/sub'));
	t.false(compilePattern('dir/sub/file').mayMatchBelow('dir/su'));
});

test('hasWildcard sees wildcards that no backslash protects', t => {
	for (const text of ['*', 'a?', 'x[a]', '\\\\*', 'a/\\*/b*']) t.true(hasWildcard(text), text);
	for (const text of ['', 'a', '\\*', 'a\\[b', 'a\\\\', ']']) t.false(hasWildcard(text), text);
	t.is(unescapeLiteral('a\\*b\\\\'), 'a*b\\');
});

/** Says the same as slowly and plainly as possible: every way to split the path is tried. */
function reference(pattern: string, path: string): boolean {
	if (pattern === '') return path === '';
	if (pattern.startsWith('**/') || (pattern.startsWith('**') && pattern.length > 2)) {
		const rest = pattern.slice(pattern[2] === '/' ? 3 : 2);
		if (rest === '') return true;
		const tails = [...path].flatMap((character, at) => (character === '/' ? [[...path].slice(at + 1).join('')] : []));
		return [path, ...tails].some(tail => reference(rest, tail));
	}
	if (pattern === '**') return true;
	const [first, ...tail] = [...path];
	const rest = pattern.slice(1);
	if (pattern[0] === '*') {
		return reference(rest, path) || (first !== undefined && first !== '/' && reference(pattern, tail.join('')));
	}
	if (first === undefined) return false;
	if (pattern[0] === '?') return first !== '/' && reference(rest, tail.join(''));
	return first === pattern[0] && reference(rest, tail.join(''));
}

const patternText = fc
	.array(fc.constantFrom('a', 'b', '/', '*', '?', '**/', '/**'), {maxLength: 7})
	.map(parts => parts.join(''));
const pathText = fc.array(fc.constantFrom('a', 'b', '/'), {minLength: 1, maxLength: 8}).map(parts => parts.join(''));

test('a pattern agrees with a plain recursive matcher', t => {
	fc.assert(
		fc.property(patternText, pathText, (pattern, path) => {
			// `**` right before a name means "ends with" when nothing else is special: tested by itself above.
			fc.pre(!/^\*\*[^/*]/.test(pattern));
			return compilePattern(pattern).matches(path) === reference(pattern, path);
		}),
		{numRuns: 3000},
	);
	t.pass();
});

test('mayMatchBelow never denies a folder that holds a match', t => {
	fc.assert(
		fc.property(patternText, pathText, (pattern, path) => {
			const compiled = compilePattern(pattern);
			fc.pre(compiled.matches(path) && path.includes('/'));
			const folders = [...path].flatMap((character, at) => (character === '/' && at > 0 ? [path.slice(0, at)] : []));
			return folders.every(folder => compiled.mayMatchBelow(folder));
		}),
		{numRuns: 3000},
	);
	t.pass();
});

test('a pattern made to explode is matched in one pass', t => {
	const pattern = compilePattern(`${'**/*a*'.repeat(40)}b`);
	t.false(pattern.matches('a/'.repeat(400)));
	t.true(compilePattern(`${'*a'.repeat(30)}*`).matches('a'.repeat(3000)));
});
