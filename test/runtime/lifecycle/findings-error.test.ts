import test from 'ava';
import {FindingsError} from '../../../lib/runtime/lifecycle/findings-error.js';
import type {HostFinding} from '../../../lib/runtime/preflight/finding.js';

function finding(id: string, severity: HostFinding['severity'], hosts: readonly string[]): HostFinding {
	return {id, severity, hosts, what: `It is ${id}`, why: '', mend: 'Mend it.'};
}

test('one thing that is wrong is the message, with the way to accept it', t => {
	const error = new FindingsError([finding('port-taken', 'error', ['a', 'b']), finding('swap-on', 'warning', ['a'])]);
	t.is(error.code, 'ERR_PREFLIGHT');
	t.is(error.message, 'a, b: It is port-taken; nothing was done');
	t.regex(error.hint ?? '', /--ignore port-taken\.$/);
	t.is(error.findings.length, 2);
});

test('several things are counted, and each can be accepted by its name', t => {
	const error = new FindingsError([finding('port-taken', 'error', ['a']), finding('disk-small', 'error', ['b'])]);
	t.is(error.message, '2 things are wrong with the hosts; nothing was done');
	t.regex(error.hint ?? '', /--ignore port-taken,disk-small\.$/);
});
