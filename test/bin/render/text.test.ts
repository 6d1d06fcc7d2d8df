import test from 'ava';
import fc from 'fast-check';
import {formatJson} from '../../../bin/render/json.js';
import {printable, printableLines, textWidth, truncate, wrap} from '../../../bin/render/text.js';

const shows = test.macro({
	exec: (t, text: string, expected: string) => t.is(printable(text), expected),
	title: (_, text: string) => `${JSON.stringify(text)} is shown without power over the terminal`,
});

test(shows, 'plain 漢字 é 🚀', 'plain 漢字 é 🚀');
test(shows, '\x1b[2J\x07', '\\x1b[2J\\x07');
test(shows, 'a\nb\tc\r', 'a\\nb\\tc\\r');
test(shows, 'C1 \x9b31m', 'C1 \\x9b31m');
test(shows, 'right\u202eleft', 'right\\u{202e}left');
test(shows, 'byte \udcff', 'byte \\xff');
test(shows, 'half \ud83d', 'half \\u{d83d}');

test('no text keeps a control character, and lines stay lines', t => {
	fc.assert(
		fc.property(fc.string({unit: 'binary'}), text => {
			t.notRegex(printable(text), /[\x00-\x1f\x7f-\x9f]/);
			for (const line of printableLines(text)) t.notRegex(line, /[\x00-\x1f\x7f-\x9f]/);
		}),
	);
});

test('truncated text is never wider than asked', t => {
	fc.assert(
		fc.property(fc.string({unit: 'grapheme'}), fc.integer({min: 1, max: 40}), (text, width) => {
			t.true(textWidth(truncate(printable(text), width)) <= width);
		}),
	);
});

test('widths count columns, not characters', t => {
	t.is(textWidth('abc'), 3);
	t.is(textWidth('漢字'), 4);
	t.is(textWidth('e\u0301'), 1);
	t.is(textWidth('\x1b[31mred\x1b[39m'), 3);
	t.is(truncate('漢字漢字', 5), '漢字…');
});

test('lines are broken between words, and a long word stays whole', t => {
	t.deepEqual(wrap('one two three four five six', 20), ['one two three four', 'five six']);
	t.deepEqual(wrap(`a ${'x'.repeat(30)} b`, 20), ['a', 'x'.repeat(30), 'b']);
	t.deepEqual(wrap('a\nb', 20), ['a', 'b']);
});

test('JSON is shown without the control characters of C1, and reads back the same', t => {
	fc.assert(
		fc.property(fc.string({unit: 'binary'}), text => {
			const json = formatJson({text});
			t.notRegex(json, /[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
			t.deepEqual(JSON.parse(json), {text});
		}),
	);
});
