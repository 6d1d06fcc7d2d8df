import test from 'ava';
import {renderHostFailures} from '../../../bin/render/host-failures.js';
import {plainStyle} from '../../../bin/render/style.js';
import {SealError} from '../../../lib/core/errors.js';
import type {HostOutcome} from '../../../lib/runtime/host/each.js';
import {HostError} from '../../../lib/runtime/host/error.js';

function failed(host: string, message: string, hint?: string): HostOutcome<never> {
	return {host, ok: false, error: new HostError(host, 'ERR_COMMAND_FAILED', message, {hint}), elapsedMs: 1};
}

const fine = {host: 'n0', ok: true, value: undefined, elapsedMs: 1} as const;

test('failures are one table, and each hint stands once with its hosts', t => {
	const text = renderHostFailures(
		[
			fine,
			failed('n1', 'It broke', 'Mend it.'),
			failed('n22', 'It is full', 'Free it.'),
			failed('n3', 'It broke', 'Mend it.'),
		],
		plainStyle,
		undefined,
	);
	t.is(
		text,
		[
			'HOST   ERROR                WHAT HAPPENED',
			'n1     ERR_COMMAND_FAILED   It broke',
			'n3     ERR_COMMAND_FAILED   It broke',
			'n22    ERR_COMMAND_FAILED   It is full',
			'hint: n1, n3: Mend it.',
			'hint: n22: Free it.',
		].join('\n'),
	);
});

test('many hosts with the same failure share a row', t => {
	const outcomes = Array.from({length: 40}, (_, i) => failed(`10.0.0.${i}`, 'Port 22 is closed', 'Check it.'));
	t.is(
		renderHostFailures([...outcomes, failed('other', 'Odd')], plainStyle, undefined),
		[
			'HOST                            ERROR                WHAT HAPPENED',
			'10.0.0.0-10.0.0.39 (40 hosts)   ERR_COMMAND_FAILED   Port 22 is closed',
			'other                           ERR_COMMAND_FAILED   Odd',
			'hint: 10.0.0.0-10.0.0.39 (40 hosts): Check it.',
		].join('\n'),
	);
});

test('a system call that failed is in the message already', t => {
	const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:22'), {code: 'ECONNREFUSED'});
	const error = new HostError('n1', 'ERR_COMMAND_FAILED', 'Port 22 is closed', {cause});
	t.regex(renderHostFailures([{host: 'n1', ok: false, error, elapsedMs: 1}], plainStyle, undefined), /is closed$/);
});

test('the innermost cause is told when it says more', t => {
	const innermost = new SealError('ERR_IO', 'The disk of the host is broken', {cause: new Error('EIO')});
	const cause = new HostError('n1', 'ERR_COMMAND_FAILED', 'Inner', {cause: innermost});
	const error = new HostError('n1', 'ERR_COMMAND_FAILED', 'Outer', {cause});
	t.regex(
		renderHostFailures([{host: 'n1', ok: false, error, elapsedMs: 1}], plainStyle, undefined),
		/Outer: The disk of the host is broken$/,
	);
});

test('rows fit a terminal, and what hosts say cannot control it', t => {
	const text = renderHostFailures([failed('n1', `\x1b[2J${'long '.repeat(50)}end`)], plainStyle, 60);
	t.true(text.split('\n').every(line => line.length < 60));
	t.true(text.includes('\\x1b[2J'));
	t.regex(text, /^ {28}long .*end$/m, 'nothing is cut off');
});
