import test from 'ava';
import {assignments, count, readAnswers} from '../../../lib/runtime/facts/answers.js';

const answers = (text: string): ReturnType<typeof readAnswers> => readAnswers(Buffer.from(text));

test('lines belong to the file or the tag that they begin with', t => {
	const found = answers('/etc/a:one: two\n/etc/b:x\nport 1\n/etc/a:three\nport 2\nend\n');
	t.deepEqual(found.lines('/etc/a'), ['one: two', 'three']);
	t.is(found.line('/etc/b'), 'x');
	t.deepEqual(found.said('port'), ['1', '2']);
	t.deepEqual(found.lines('/etc/c'), []);
	t.true(found.complete);
});

test('what a file holds cannot pass for another file', t => {
	const found = answers('/etc/os-release:ID=x\n/etc/os-release:/etc/machine-id:evil\n/etc/os-release:uid 0\nend\n');
	t.deepEqual(found.lines('/etc/machine-id'), []);
	t.deepEqual(found.said('uid'), []);
});

test('characters that steer a terminal, or turn the direction of writing, are gone', t => {
	const found = answers('/proc/sys/kernel/hostname:a\u001b[31mb\u0007\u202ec\u009b\u0000d\r\n');
	t.is(found.line('/proc/sys/kernel/hostname'), 'a[31mbcd');
	t.false(found.complete);
	t.is(found.last, '/proc/sys/kernel/hostname');
});

test('bytes that are no text become a sign for that, and a line is cut where it is too long', t => {
	const found = readAnswers(Buffer.concat([Buffer.from('tag \xff\xfe', 'latin1'), Buffer.alloc(100_000, 'x')]));
	t.true(found.said('tag')[0]!.startsWith('\ufffd\ufffdx'));
	t.true(found.said('tag')[0]!.length < 5000);
});

test('names that objects have of their own are no files and no tags', t => {
	const found = answers('__proto__ x\nconstructor y\n/__proto__:z\n');
	t.deepEqual(found.said('toString'), []);
	t.deepEqual(found.said('constructor'), ['y']);
	t.is(found.line('/__proto__'), 'z');
});

test('assignments lose their quotes, and what is none is passed over', t => {
	t.deepEqual(
		[...assignments(['ID=debian', "NAME='a b'", 'P="x \\"y\\" \\$z"', '# C=1', 'no', 'export E=1 ', 'B="open'])],
		[
			['ID', 'debian'],
			['NAME', 'a b'],
			['P', 'x "y" $z'],
			['E', '1'],
			['B', '"open'],
		],
	);
});

test('only whole numbers count', t => {
	t.deepEqual(['12', ' 7 ', '', '-1', '1.5', '0x1', undefined].map(count), [12, 7, ...Array<undefined>(5)]);
});
