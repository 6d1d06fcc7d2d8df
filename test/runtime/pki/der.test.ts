import test from 'ava';
import * as der from '../../../lib/runtime/pki/der.js';
import {readDer} from '../../../lib/runtime/pki/read-der.js';

const encodes = test.macro((t, bytes: Buffer, hex: string) => t.is(bytes.toString('hex'), hex));

test(
	'a number with a set first bit gets a zero in front',
	encodes,
	der.unsignedInteger(Buffer.from('80', 'hex')),
	'02020080',
);
test('zeros in front of a number are left out', encodes, der.unsignedInteger(Buffer.from('00007f', 'hex')), '02017f');
test('zero is one byte', encodes, der.unsignedInteger(Buffer.from('0000', 'hex')), '020100');
test(
	'an identifier with a large arc',
	encodes,
	der.objectIdentifier('1.2.840.113549.1.1.11'),
	'06092a864886f70d01010b',
);
test('an identifier below 2', encodes, der.objectIdentifier('2.5.29.17'), '0603551d11');
test('named bits end where the last one is', encodes, der.namedBits(5, 6), '03020106');
test('named bits of one byte', encodes, der.namedBits(0), '03020780');
test('bits beyond the first byte', encodes, der.namedBits(8), '0303070080');
test('a true value is ff', encodes, der.boolean(true), '0101ff');
test(
	'lengths from 128 on have a byte for their length',
	encodes,
	der.octetString(Buffer.alloc(128)).subarray(0, 3),
	'048180',
);
test('lengths from 256 on have two', encodes, der.octetString(Buffer.alloc(256)).subarray(0, 4), '04820100');
test(
	'plain names are printable strings',
	encodes,
	der.text('system:node:a-1'),
	`130f${Buffer.from('system:node:a-1').toString('hex')}`,
);
test('other names are UTF-8', encodes, der.text('a_ü'), '0c04615fc3bc');
test(
	'the last second of 2049 has two digits for its year',
	encodes,
	der.time(new Date('2049-12-31T23:59:59.999Z')),
	`170d${Buffer.from('491231235959Z').toString('hex')}`,
);
test(
	'the first second of 2050 has four',
	encodes,
	der.time(new Date('2050-01-01T00:00:00Z')),
	`180f${Buffer.from('20500101000000Z').toString('hex')}`,
);
test(
	'the end of all time',
	encodes,
	der.time(new Date('9999-12-31T23:59:59Z')),
	`180f${Buffer.from('99991231235959Z').toString('hex')}`,
);

test('years that a certificate cannot hold are refused', t => {
	t.throws(() => der.time(new Date('1949-12-31T23:59:59Z')), {instanceOf: RangeError});
	t.throws(() => der.time(new Date(Number.NaN)), {instanceOf: RangeError});
	t.throws(() => der.time(new Date('+010000-01-01T00:00:00Z')), {instanceOf: RangeError});
});

test('the values of a set are sorted', t => {
	const [a, b] = [der.text('a'), der.text('b')];
	t.deepEqual(der.set(b, a), der.set(a, b));
});

test('what was written is read back', t => {
	const written = der.sequence(der.text('x'), der.tagged(3, der.octetString(Buffer.alloc(300, 7))));
	const [whole, more] = readDer(written);
	t.is(more, undefined);
	const [name, rest] = readDer(whole?.content ?? Buffer.alloc(0));
	t.is(name?.content.toString(), 'x');
	t.is(rest?.tag, 0xa3);
	t.is(readDer(rest?.content ?? Buffer.alloc(0))[0]?.content.length, 300);
});

const refuses = test.macro((t, hex: string) => {
	t.throws(() => readDer(Buffer.from(hex, 'hex')), {instanceOf: RangeError});
});

test('a value that is longer than its document', refuses, '0405aa');
test('a length without end', refuses, '3080');
test('a length of five bytes', refuses, '308500000000010000');
test('a tag of many bytes', refuses, '1f8101');
test('a tag alone', refuses, '30');
test('more values than a certificate has', refuses, '0500'.repeat(1001));
