import test from 'ava';
import {compileExclusions, noRule} from '../../../lib/sealfile/context/exclusions.js';

const excluding = test.macro<[readonly string[], readonly string[], readonly string[]]>({
	exec(t, rules, out, kept) {
		const exclusions = compileExclusions(rules);
		for (const path of out) t.true(exclusions.excludesPath(path), `${path} should be out`);
		for (const path of kept) t.false(exclusions.excludesPath(path), `${path} should be kept`);
	},
	title: (_, rules = []) => `rules ${rules.join(' , ')} leave out what they should`,
});

test(excluding, ['dir'], ['dir', 'dir/a', 'dir/a/b'], ['dirx', 'x/dir']);
test(excluding, ['dir/'], ['dir', 'dir/a'], []);
test(excluding, ['/dir'], ['dir'], ['x/dir']);
test(excluding, ['./dir'], ['dir'], []);
test(excluding, ['a/../dir'], ['dir'], ['a']);
test(excluding, ['dir/**'], ['dir/a', 'dir/a/b'], ['dir']);
test(excluding, ['**'], ['a', 'a/b'], []);
test(excluding, ['**', '!sub/file'], ['a', 'sub', 'sub/other'], ['sub/file']);
test(excluding, ['*.md', '!README.md'], ['a.md'], ['README.md', 'sub/a.md']);
test(excluding, ['!README.md', '*.md'], ['README.md'], []);
test(excluding, ['dir', '!dir/keep', 'dir/keep/not'], ['dir/x', 'dir/keep/not'], ['dir/keep', 'dir/keep/a']);
test(excluding, ['! /kept', '*'], ['kept'], []);
test(excluding, ['*', '! /kept'], ['a'], ['kept']);
test(excluding, ['.'], [], ['a', '.hidden']);
test(excluding, ['../x'], [], ['x']);
test(excluding, ['', '  '], [], ['a']);

test('a lone exclamation mark is refused', t => {
	const error = t.throws(() => compileExclusions(['a', '!']), {
		code: 'ERR_PATTERN',
		message: /Illegal exclusion pattern "!"/,
	});
	t.is((error as {details?: {index?: number}} | undefined)?.details?.index, 1);
});

test('a malformed rule is refused with its place', t => {
	t.throws(() => compileExclusions(['a', 'b', '[']), {code: 'ERR_PATTERN'});
});

test('mayReturnBelow looks only at later rules that bring back', t => {
	const exclusions = compileExclusions(['!dir/early', 'dir', '!dir/sub/*.txt']);
	const last = exclusions.lastRule('dir', noRule);
	t.true(exclusions.excludes(last));
	t.true(exclusions.mayReturnBelow('dir', last));
	t.true(exclusions.mayReturnBelow('dir/sub', last));
	t.false(exclusions.mayReturnBelow('dir/early', last));
});
