// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the substitutions of a Sealfile
import test from 'ava';
import {expandWord, expandWords} from '../../../lib/sealfile/words/words.js';

const values = new Map([
	['x', 'value'],
	['empty', ''],
	['path', '/usr/local/bin'],
	['uni', 'äöüä'],
	['list', 'a b  c'],
	['1', 'one'],
	['né', 'accent'],
]);
const lookup = (name: string): string | undefined => values.get(name);

const expands = test.macro({
	exec(t, word: string, expected: string) {
		const result = expandWord(word, lookup);
		t.deepEqual(result.ok ? result.value : result.message, expected);
		t.true(result.ok);
	},
	title: (_, word, expected) => `${word} becomes ${expected === '' ? 'nothing' : expected}`,
});

const fails = test.macro({
	exec(t, word: string, message: string) {
		const result = expandWord(word, lookup);
		t.false(result.ok);
		t.is(result.ok ? '' : result.message, message);
	},
	title: (_, word, message) => `${word === '' ? 'nothing' : word} fails: ${message}`,
});

for (const [word, expected] of [
	['plain', 'plain'],
	['$x', 'value'],
	['${x}', 'value'],
	['a${x}b', 'avalueb'],
	['$unset', ''],
	['"$x y"', 'value y'],
	["'$x'", '$x'],
	["'a\\'b''", 'a\\b'],
	['"a\\"b"', 'a"b'],
	['"a\\$x"', 'a$x'],
	['"a\\nb"', 'a\\nb'],
	['"a\\\\b"', 'a\\b'],
	['a\\nb', 'anb'],
	['a\\', 'a'],
	['\\$x', '$x'],
	['\\${x}', '${x}'],
	['$.', '$.'],
	['$', '$'],
	['a$', 'a$'],
	['$1x', 'onex'],
	['$12', ''],
	['$né', 'accent'],
	['${x:-d}', 'value'],
	['${unset:-d}', 'd'],
	['${empty:-d}', 'd'],
	['${empty-d}', ''],
	['${unset-d}', 'd'],
	['${x:+d}', 'd'],
	['${empty:+d}', ''],
	['${empty+d}', 'd'],
	['${unset+d}', ''],
	['${x:?no}', 'value'],
	['${empty?no}', ''],
	['${unset:-$x}', 'value'],
	['${unset:-${empty:-"a b"}}', 'a b'],
	['${path#*/}', 'usr/local/bin'],
	['${path##*/}', 'bin'],
	['${path%/*}', '/usr/local'],
	['${path%%/*}', ''],
	['${path#/usr}', '/local/bin'],
	['${path%nothing}', '/usr/local/bin'],
	['${uni%ä}', 'äöü'],
	['${uni#?}', 'öüä'],
	['${uni%%?ü*}', 'ä'],
	['${x/l/L}', 'vaLue'],
	['${path//u/U}', '/Usr/local/bin'],
	['${path/l*l/-}', '/usr/-/bin'],
	['${uni//ä/a}', 'aöüa'],
	['${empty/*/r}', 'r'],
	['${x/nothing/r}', 'value'],
	['${x/e/}', 'valu'],
	['${path//\\//-}', '-usr-local-bin'],
	['${x/l/\\}}', 'va\\}ue'],
] as const) {
	test(expands, word, expected);
}

for (const [word, message] of [
	["'a\\'b'", 'Unexpected end of statement while looking for matching single-quote'],
	['"a', 'Unexpected end of statement while looking for matching double-quote'],
	['${', "Syntax error: missing '}'"],
	['${x', "Syntax error: missing '}'"],
	['${x:-d', "Syntax error: missing '}'"],
	['${}', 'Syntax error: bad substitution'],
	['${:x}', 'Syntax error: bad substitution'],
	['${{x}', 'Syntax error: bad substitution'],
	['${x:Y}', 'Unsupported modifier (:Y) in substitution'],
	['${x:#y}', 'Unsupported modifier (:#) in substitution'],
	['${x:%y}', 'Unsupported modifier (:%) in substitution'],
	['${x^y}', 'Unsupported modifier (^) in substitution'],
	['${unset:?}', 'unset: is not allowed to be unset'],
	['${unset?}', 'unset: is not allowed to be unset'],
	['${empty:?}', 'empty: is not allowed to be empty'],
	['${unset:?please set it}', 'unset: please set it'],
	['${x/l}', "Syntax error: missing '/' in ${}"],
	['${x/l/L', "Syntax error: missing '}'"],
	['${x#\\y}', "Invalid pattern (\\y) in substitution: invalid escape '\\y'"],
	['${.x}', 'Unsupported modifier (.) in substitution'],
] as const) {
	test(fails, word, message);
}

test('every form that fails on an unset variable leaves a set one alone', t => {
	for (const form of ['${x:?m}', '${x?m}']) t.like(expandWord(form, lookup), {ok: true, value: 'value'});
});

test('a pattern takes escaped stars, question marks and backslashes literally', t => {
	const star = (name: string): string | undefined => (name === 's' ? 'a*b?c\\d' : undefined);
	t.like(expandWord('${s#a\\*}', star), {value: 'b?c\\d'});
	t.like(expandWord('${s%\\?c*}', star), {value: 'a*b'});
	t.like(expandWord('${s##*\\\\}', star), {value: 'd'});
});

test('the backtick escapes where the file says so', t => {
	t.like(expandWord('c:\\x`$x', lookup, {escape: '`'}), {value: 'c:\\x$x'});
});

test('quotes are text in a heredoc, variables and escapes are not', t => {
	t.like(expandWord('"$x" it\'s \\$x \\\n', lookup, {literalQuotes: true}), {value: '"value" it\'s $x \n'});
});

test('splitting happens at blanks that come out of an unquoted variable, and only there', t => {
	t.like(expandWords('$list', lookup), {value: ['a', 'b', 'c']});
	t.like(expandWords('"$list"', lookup), {value: ['a b  c']});
	t.like(expandWords('x$list"y z"', lookup), {value: ['xa', 'b', 'cy z']});
	t.like(expandWords('$empty', lookup), {value: []});
	t.like(expandWords('80 443', lookup), {value: ['80', '443']});
});

test('the names a word uses are told apart from those it misses', t => {
	const {names} = expandWord('$x $a ${b:-$c} ${d:+e} ${f%g}', lookup);
	t.deepEqual(names.used, ['x', 'a', 'c', 'b', 'd', 'f']);
	t.deepEqual(names.unset, ['a', 'c', 'f']);
});

test('substitutions nested ten thousand deep are refused, not a crash', t => {
	const result = expandWord('${a:-'.repeat(10_000) + '}'.repeat(10_000), lookup);
	t.like(result, {ok: false, message: 'Substitutions are nested more than 100 deep'});
});
