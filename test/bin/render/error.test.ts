import {readFileSync} from 'node:fs';
import test from 'ava';
import {renderError, renderStacks, reportError} from '../../../bin/render/error.js';
import {plainStyle} from '../../../bin/render/style.js';
import {SealError} from '../../../lib/core/errors.js';

const shows = test.macro({
	exec: (t, error: unknown, lines: string[]) => t.is(renderError(error, plainStyle), [...lines, ''].join('\n')),
	title: title => title ?? '',
});

test('an error has a message, a code and a hint', shows, new SealError('ERR_IO', 'It broke', {hint: 'Mend it.'}), [
	'error: It broke [ERR_IO]',
	'hint: Mend it.',
]);

test(
	'details that the message holds already are not repeated',
	shows,
	new SealError('ERR_IO', 'Cannot read /x', {details: {path: '/x', size: 3}}),
	['error: Cannot read /x [ERR_IO]', '  size: 3'],
);

test(
	'lists and several lines are indented',
	shows,
	new SealError('ERR_IO', 'No', {details: {images: ['a', 'b'], output: 'one\ntwo\n'}}),
	['error: No [ERR_IO]', '  images:', '    a', '    b', '  output:', '    one', '    two'],
);

test(
	'the place of an instruction is one line',
	shows,
	new SealError('ERR_IO', 'No', {details: {file: 'Sealfile', line: 4, instruction: 'COPY a b'}}),
	['error: No [ERR_IO]', '  at Sealfile:4: COPY a b'],
);

test(
	'causes follow, those that say something new',
	shows,
	new SealError('ERR_IO', 'Outer: inner', {cause: new SealError('ERR_IO', 'inner', {cause: new Error('deepest')})}),
	['error: Outer: inner [ERR_IO]', '  because: deepest [Error]'],
);

test('a failed system call is explained', t => {
	try {
		readFileSync('/nowhere/at/all');
		t.fail();
	} catch (error) {
		t.is(
			renderError(error, plainStyle),
			'error: Cannot open /nowhere/at/all: it does not exist [ERR_IO]\nhint: Check the path.\n',
		);
	}
	const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {code: 'ENOSPC', syscall: 'write'});
	t.like(reportError(full), {code: 'ERR_NO_SPACE', message: 'Cannot write a file: the disk is full'});
});

test('a defect is called one', t => {
	t.like(reportError(new TypeError('x is undefined')), {code: 'ERR_INTERNAL', message: 'x is undefined'});
	t.like(reportError('text'), {code: 'ERR_INTERNAL', message: 'text'});
	t.like(reportError(undefined), {code: 'ERR_INTERNAL'});
});

test('stacks include those of causes', t => {
	const text = renderStacks(new Error('outer', {cause: new Error('inner')}));
	t.regex(text, /outer\n\s+at [\s\S]*inner\n\s+at /);
});
