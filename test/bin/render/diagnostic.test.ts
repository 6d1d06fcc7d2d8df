import test from 'ava';
import {countDiagnostics, renderDiagnostics} from '../../../bin/render/diagnostic.js';
import {plainStyle} from '../../../bin/render/style.js';
import type {Diagnostic} from '../../../lib/sealfile/diagnostic.js';

function diagnostic(
	lineText: string,
	startColumn: number,
	endColumn: number,
	more: Partial<Diagnostic> = {},
): Diagnostic {
	return {
		severity: 'error',
		code: 'Example',
		message: 'It is wrong',
		file: 'Sealfile',
		range: {startLine: 12, startColumn, endLine: 12, endColumn},
		lineText,
		...more,
	};
}

const renders = test.macro({
	exec: (t, given: Diagnostic, lines: string[]) =>
		t.is(renderDiagnostics([given], plainStyle), [...lines, ''].join('\n')),
	title: title => title ?? '',
});

test(
	'place, message, code, source line, carets and hint',
	renders,
	diagnostic('COPPY a b', 1, 6, {hint: 'Write COPY.'}),
	['Sealfile:12:1: error: It is wrong [Example]', '   |', '12 | COPPY a b', '   | ^^^^^', '   hint: Write COPY.'],
);

test('carets stand under tabs and wide characters', renders, diagnostic('\tRUN 漢字 x', 6, 8), [
	'Sealfile:12:6: error: It is wrong [Example]',
	'   |',
	'12 |     RUN 漢字 x',
	'   |         ^^^^',
]);

test(
	'a range over several lines is marked to the end of its first',
	renders,
	diagnostic('RUN a \\', 1, 3, {range: {startLine: 12, startColumn: 1, endLine: 14, endColumn: 3}}),
	['Sealfile:12:1: error: It is wrong [Example]', '   |', '12 | RUN a \\', '   | ^^^^^^^'],
);

test('an empty range has one caret', renders, diagnostic('FROM', 5, 5), [
	'Sealfile:12:5: error: It is wrong [Example]',
	'   |',
	'12 | FROM',
	'   |     ^',
]);

test(
	'notes name their places',
	renders,
	diagnostic('FROM x AS a', 11, 12, {
		severity: 'warning',
		notes: [{message: 'first defined here', range: {startLine: 3, startColumn: 11, endLine: 3, endColumn: 12}}],
	}),
	[
		'Sealfile:12:11: warning: It is wrong [Example]',
		'   |',
		'12 | FROM x AS a',
		'   |           ^',
		'   note: Sealfile:3:11: first defined here',
	],
);

test('a very long line is shown in part, around the place', t => {
	const text = renderDiagnostics(
		[diagnostic(`${'x'.repeat(1_000_000)}BAD${'y'.repeat(1_000_000)}`, 1_000_001, 1_000_004)],
		plainStyle,
	);
	const [, , source, carets] = text.split('\n');
	t.is(source, `12 | …${'x'.repeat(40)}BAD${'y'.repeat(57)}…`);
	t.is(carets, `   | ${' '.repeat(41)}^^^`);
});

test('escape sequences in the source are shown, not obeyed', t => {
	t.false(renderDiagnostics([diagnostic('LABEL a=\x1b[2J', 1, 6)], plainStyle).includes('\x1b'));
});

test('diagnostics are counted in words', t => {
	const [error, warning] = [diagnostic('', 1, 1), diagnostic('', 1, 1, {severity: 'warning'})];
	t.is(countDiagnostics([]), 'no problems');
	t.is(countDiagnostics([error, error, warning]), '2 errors, 1 warning');
	t.is(countDiagnostics([warning, warning]), '2 warnings');
});
