import test from 'ava';
import {meansContents, nameOf, readScp, readScpPlace, type ScpPlace} from '../../bin/scp-places.js';
import {UsageError} from '../../bin/usage-error.js';

const reads = test.macro({
	exec: (t, text: string, place: ScpPlace) => t.deepEqual(readScpPlace(text), place),
	title: (_, text: string) => `the place ${text}`,
});

test(reads, 'file', {kind: 'here', path: 'file'});
test(reads, './a:b', {kind: 'here', path: './a:b'});
test(reads, '/a:b', {kind: 'here', path: '/a:b'});
test(reads, ':/etc/hosts', {kind: 'hosts', hosts: '', path: '/etc/hosts'});
test(reads, 'web:', {kind: 'hosts', hosts: 'web', path: ''});
test(reads, 'ops@web:a:b', {kind: 'hosts', hosts: 'ops@web', path: 'a:b'});
test(reads, 'ops@[fd00::5]:/x', {kind: 'hosts', hosts: 'ops@[fd00::5]', path: '/x'});
test(reads, '10.0.0.5-10.0.0.9,web:/x', {kind: 'hosts', hosts: '10.0.0.5-10.0.0.9,web', path: '/x'});

test('a copy goes up or down', t => {
	t.deepEqual(readScp(['a', 'b', 'web:/tmp/']), {
		direction: 'up',
		sources: ['a', 'b'],
		target: '/tmp/',
		hosts: ['web'],
	});
	t.deepEqual(readScp([':/a', ':/b', '.']), {direction: 'down', sources: ['/a', '/b'], target: '.', hosts: []});
});

const refuses = test.macro({
	exec: (t, operands: string[], message: RegExp) =>
		void t.throws(() => readScp(operands), {instanceOf: UsageError, message}),
	title: (_, operands: string[]) => `scp ${operands.join(' ')} is refused`,
});

test(refuses, ['a'], /needs a source and a target/);
test(refuses, ['a', 'b'], /Neither/);
test(refuses, ['x:/a', 'y:/b'], /both on hosts/);
test(refuses, ['x:/a', 'b', '.'], /some are here/);
test(refuses, ['x:/a', 'y:/b', '.'], /different hosts/);

test('a slash or dot at the end means what is in a folder', t => {
	for (const source of ['conf/', '.', './', 'a/.', '']) t.true(meansContents(source), source);
	for (const source of ['conf', '/', '..', 'a/..', 'a.', '.ssh', '/etc/x.']) t.false(meansContents(source), source);
});

test('what has no name cannot go into a folder', t => {
	t.is(nameOf('/var/log/'), 'log');
	for (const source of ['/', '..', 'a/..', '.']) t.throws(() => nameOf(source), {instanceOf: UsageError});
});
