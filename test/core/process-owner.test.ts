import {execFileSync} from 'node:child_process';
import test from 'ava';
import {createOwner, parseOwner, stateOf} from '../../lib/core/process-owner.js';

test('this process is alive, also when it is read back from a file', t => {
	const owner = createOwner();
	t.is(owner.pid, process.pid);
	const read = parseOwner(JSON.stringify(owner));
	t.deepEqual(read, owner);
	t.is(stateOf(read!), 'alive');
	t.not(createOwner().token, owner.token);
});

test('a process that ended is dead, and so is an earlier one with the same id', t => {
	const pid = Number(execFileSync('sh', ['-c', 'echo $$'], {encoding: 'utf8'}));
	t.is(stateOf({...createOwner(), pid}), 'dead');
	t.is(stateOf({...createOwner(), startTime: '1'}), 'dead');
});

test('nothing is known of processes of another kernel or container', t => {
	t.is(stateOf({...createOwner(), bootId: 'other'}), 'unknown');
	t.is(stateOf({...createOwner(), pidNamespace: 'pid:[1]'}), 'unknown');
});

test('what is no owner is read as none', t => {
	const owner = createOwner();
	const bad = ['', '{', 'null', '[]', '{}', JSON.stringify({...owner, pid: -1}), JSON.stringify({...owner, token: 1})];
	for (const text of bad) t.is(parseOwner(text), undefined, text);
});
