import test from 'ava';
import {jsonLines, prefixedLines} from '../../../bin/render/host-output.js';
import {createStyle, plainStyle} from '../../../bin/render/style.js';

const plain = {
	names: ['n1', 'node2'],
	style: {stdout: plainStyle, stderr: plainStyle},
	isTerminal: {stdout: false, stderr: false},
};
const terminal = {...plain, isTerminal: {stdout: true, stderr: true}};

test('lines carry their host in one column, whatever chunks they come in', t => {
	const output = prefixedLines(plain);
	t.is(output.push('n1', 'stdout', Buffer.from('on')).toString(), '');
	t.is(output.push('node2', 'stdout', Buffer.from('x\n')).toString(), 'node2 | x\n');
	t.is(output.push('n1', 'stderr', Buffer.from('bad\n')).toString(), 'n1    ! bad\n');
	t.is(output.push('n1', 'stdout', Buffer.from('e\ntwo\nthr')).toString(), 'n1    | one\nn1    | two\n');
	t.is(output.end('n1', 'stdout').toString(), 'n1    | thr\n');
	t.is(output.end('n1', 'stdout').toString(), '');
});

test('in a pipe the bytes of a host stay as they are', t => {
	const bytes = Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x00, 0x0a]);
	t.deepEqual(prefixedLines({...plain, names: undefined}).push('n1', 'stdout', bytes), bytes);
});

const shows = test.macro({
	exec(t, printed: string, shown: string) {
		const output = prefixedLines({...terminal, names: undefined});
		t.is(output.push('n1', 'stdout', Buffer.from(`${printed}\n`)).toString(), `${shown}\n`);
	},
	title: (_, printed: string) => `a terminal shows ${JSON.stringify(printed)}`,
});

test(shows, '\x1b[2J\x1b]0;title\x07', '\\x1b[2J\\x1b]0;title\\x07');
test(shows, '\x1b[31mred', '\x1b[31mred\x1b[0m');
test(shows, '10%\r50%\r100%', '100%');
test(shows, 'dos\r', 'dos');
test(shows, 'a\tb', 'a       b');
test(shows, 'évil\u202egnp', 'évil\\u{202e}gnp');

test('prefixes are coloured, and those of stderr otherwise', t => {
	const style = createStyle(true);
	const output = prefixedLines({...plain, style: {stdout: style, stderr: style}});
	t.is(output.push('n1', 'stdout', Buffer.from('a\n')).toString(), '\x1b[36mn1    | \x1b[39ma\n');
	t.is(output.push('n1', 'stderr', Buffer.from('a\n')).toString(), '\x1b[33mn1    ! \x1b[39ma\n');
});

test('a line without an end is shown in pieces', t => {
	const output = prefixedLines(plain);
	const pieces = output.push('n1', 'stdout', Buffer.alloc(150_000, 'x')).toString().split('\n');
	t.is(pieces.length, 3);
	t.is(pieces[0], `n1    | ${'x'.repeat(65_536)}`);
	t.is(output.end('n1', 'stdout').length, 'n1    | '.length + 150_000 - 2 * 65_536 + 1);
});

test('JSON lines hold text, or base64 of what is none', t => {
	const output = jsonLines();
	const lines = output.push('n1', 'stdout', Buffer.from('a"b\n\xff\n\n', 'latin1')).toString().trimEnd().split('\n');
	t.deepEqual(
		lines.map(line => JSON.parse(line) as unknown),
		[
			{type: 'output', host: 'n1', stream: 'stdout', text: 'a"b'},
			{type: 'output', host: 'n1', stream: 'stdout', base64: '/w=='},
			{type: 'output', host: 'n1', stream: 'stdout', text: ''},
		],
	);
});
