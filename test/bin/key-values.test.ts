import test from 'ava';
import {readFields, readPairs} from '../../bin/key-values.js';

test('pairs are NAME=VALUE, the last of equal names wins, and values may hold anything', t => {
	t.deepEqual(readPairs('--label', ['a=1', 'b=x=y', 'a=2', 'c=', 'd']), {a: '2', b: 'x=y', c: '', d: ''});
});

test('a name alone takes its value from the environment, or is left out', t => {
	t.deepEqual(readPairs('--build-arg', ['HOME', 'NOT_THERE', 'A=1'], {HOME: '/root'}), {HOME: '/root', A: '1'});
});

test('a pair without a name is refused', t => {
	t.throws(() => readPairs('--label', ['=x']), {message: '--label is NAME=VALUE, found "=x"'});
	t.throws(() => readPairs('--label', ['']), {message: '--label is NAME=VALUE, found ""'});
});

test('names that objects have by themselves are ordinary names', t => {
	t.deepEqual(Object.entries(readPairs('--label', ['__proto__=x', 'constructor'])), [
		['__proto__', 'x'],
		['constructor', ''],
	]);
});

test('fields are checked against the known ones', t => {
	t.deepEqual(readFields('--secret', 'id=a,src=/x=y', ['id', 'src']), {id: 'a', src: '/x=y'});
	t.throws(() => readFields('--secret', 'id=a,sorce=x', ['id', 'src']), {
		message: '--secret is a list of id=...,src=..., found "sorce=x"',
	});
});
