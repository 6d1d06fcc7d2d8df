import test from 'ava';
import {checkOperands, parseArguments} from '../../bin/arguments.js';
import type {Flags} from '../../bin/command.js';
import {UsageError} from '../../bin/usage-error.js';

const flags = {
	tag: {type: 'list', short: 't', help: ''},
	platform: {type: 'list', separator: ',', help: ''},
	file: {type: 'string', short: 'f', help: ''},
	pull: {type: 'string', choices: ['always', 'missing', 'never'], implied: 'always', help: ''},
	cache: {type: 'boolean', default: true, help: ''},
	quiet: {type: 'boolean', short: 'q', help: ''},
	all: {type: 'boolean', short: 'a', help: ''},
	jobs: {type: 'integer', short: 'j', minimum: 1, help: ''},
	internal: {type: 'boolean', hidden: true, help: ''},
} as const satisfies Flags;

const parses = test.macro({
	exec(t, line: string[], expected: Record<string, unknown>, operands: string[] = []) {
		const parsed = parseArguments(line, flags);
		t.like(parsed.flags, expected);
		t.deepEqual(parsed.operands, operands);
	},
	title: (_, line: string[]) => `reads ${line.join(' ') || 'an empty command line'}`,
});

test(parses, [], {tag: [], platform: [], file: undefined, pull: undefined, cache: true, quiet: false, jobs: undefined});
test(parses, ['-t', 'a', '--tag', 'b', '--tag=c', '-td', '-t=e'], {tag: ['a', 'b', 'c', 'd', 'e']});
test(parses, ['--platform', 'a,b', '--platform=c'], {platform: ['a', 'b', 'c']});
test(parses, ['-qa'], {quiet: true, all: true});
test(parses, ['-qtname', 'x'], {quiet: true, tag: ['name']}, ['x']);
test(parses, ['-qa=false'], {quiet: true, all: false});
test(parses, ['--no-cache'], {cache: false});
test(parses, ['--cache=false', '--quiet=1'], {cache: false, quiet: true});
test(parses, ['--pull', 'never'], {pull: 'always'}, ['never']);
test(parses, ['--pull=never'], {pull: 'never'});
test(parses, ['-f', 'a', '-f', 'b'], {file: 'b'});
test(parses, ['-f', '-'], {file: '-'});
test(parses, ['-'], {quiet: false}, ['-']);
test(parses, ['a', '--', '-q', '--tag'], {quiet: false}, ['a', '-q', '--tag']);
test(parses, ['--file='], {file: ''});
test(parses, ['-j4'], {jobs: 4});
test(parses, ['--internal'], {internal: true});

test('behind the operand where flags end, dashes belong to the command that follows', t => {
	t.deepEqual(parseArguments(['-q', 'ls', '-l', '--tag', '--', 'x'], flags, 1).operands, [
		'ls',
		'-l',
		'--tag',
		'--',
		'x',
	]);
	t.deepEqual(parseArguments(['host', '-q', 'ls', '-a'], flags, 2).operands, ['host', 'ls', '-a']);
	t.deepEqual(parseArguments(['-q', '--', 'ls', '--', '-a'], flags, 1).operands, ['ls', '--', '-a']);
});

const refuses = test.macro({
	exec(t, line: string[], message: string, hint?: string) {
		const error = t.throws(() => parseArguments(line, flags), {instanceOf: UsageError, message, code: 'ERR_USAGE'});
		t.is(error?.hint, hint);
	},
	title: (_, line: string[]) => `refuses ${line.join(' ')}`,
});

test(refuses, ['--platfrom', 'x'], 'Unknown flag --platfrom', 'Did you mean --platform?');
test(refuses, ['--zzz'], 'Unknown flag --zzz', 'Run the command with --help to see its flags.');
test(refuses, ['--intrnal'], 'Unknown flag --intrnal', 'Run the command with --help to see its flags.');
test(refuses, ['-z'], 'Unknown flag -z', 'Run the command with --help to see its flags.');
test(refuses, ['-platform'], 'Unknown flag -p in -platform', 'Did you mean --platform?');
test(refuses, ['-t'], '-t needs a value');
test(
	refuses,
	['--tag', '--no-cache'],
	'--tag needs a value, found --no-cache',
	'Write --tag=--no-cache when that is the value.',
);
test(refuses, ['--no-tag'], 'Unknown flag --no-tag', 'Run the command with --help to see its flags.');
test(refuses, ['--no-quiet=true'], 'Unknown flag --no-quiet', 'Run the command with --help to see its flags.');
test(refuses, ['--quiet=maybe'], '--quiet is true or false, found "maybe"');
test(refuses, ['--pull=newer'], '--pull is one of always, missing, never, found "newer"', 'Did you mean never?');
test(refuses, ['-j', '0'], '-j is a whole number from 1 on, found "0"');
test(refuses, ['--jobs=1e3'], '--jobs is a whole number from 1 on, found "1e3"');
test(refuses, ['--platform', 'a,,b'], '--platform has an empty value');
test(refuses, ['--__proto__'], 'Unknown flag --__proto__', 'Run the command with --help to see its flags.');
test(refuses, ['--constructor'], 'Unknown flag --constructor', 'Run the command with --help to see its flags.');

test('given names the flags that were written', t => {
	t.deepEqual([...parseArguments(['-q', '--file', 'x', '-q'], flags).given], ['quiet', 'file']);
});

test('operands are counted against the table', t => {
	const table = [
		{name: 'SOURCE', help: 'the image'},
		{name: 'NAME', help: 'names for it', variadic: true},
	];
	t.notThrows(() => checkOperands(['a', 'b', 'c'], table, 'tag'));
	t.throws(() => checkOperands(['a'], table, 'tag'), {message: 'tag needs NAME: names for it'});
	t.throws(() => checkOperands(['a', 'b'], [table[0]!], 'x'), {message: 'x takes only 1 argument, found "b" too'});
	t.throws(() => checkOperands(['a'], [], 'x'), {message: 'x takes no arguments, found "a" too'});
	t.like(
		t.throws(() => checkOperands(['east'], [], 'reset', {cluster: {}})),
		{hint: 'Name a cluster with --cluster east.'},
	);
});
