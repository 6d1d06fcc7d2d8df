import test from 'ava';
import fc from 'fast-check';
import {compareNames, decodeName, encodeName} from '../../lib/core/name.js';

const decodes = test.macro({
	exec(t, bytes: readonly number[], name: string) {
		t.is(decodeName(Buffer.from(bytes)), name);
		t.deepEqual(encodeName(name), Buffer.from(bytes));
	},
	title: (title = '') => `${title} becomes a string and the same bytes again`,
});

test('ASCII', decodes, [0x61, 0x2f, 0x0a], 'a/\n');
test('UTF-8', decodes, [0xc3, 0xbc, 0xf0, 0x9f, 0x98, 0x80], 'ü😀');
test('Latin-1', decodes, [0x63, 0x61, 0x66, 0xe9], 'caf\udce9');
test('a cut-off sequence', decodes, [0x61, 0xf0, 0x9f, 0x98], 'a\udcf0\udc9f\udc98');
test('a surrogate in UTF-8', decodes, [0xed, 0xa0, 0x80], '\udced\udca0\udc80');
test('an overlong slash', decodes, [0xc0, 0xaf], '\udcc0\udcaf');
test('a broken byte between characters', decodes, [0xc3, 0xbc, 0xff, 0xc3, 0xbc], 'ü\udcffü');

test('any bytes survive', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 40}), bytes => {
			t.deepEqual(encodeName(decodeName(bytes)), Buffer.from(bytes));
		}),
	);
	t.pass();
});

test('a surrogate that stands for no byte becomes the replacement character', t => {
	t.deepEqual(encodeName('a\ud800'), Buffer.from('a\ufffd'));
});

test('a folder comes directly before what it holds', t => {
	const sorted = ['a', 'a/b', 'a/b/c', 'a/b.c', 'a.b', 'a0', 'b'];
	t.deepEqual(sorted.toReversed().toSorted(compareNames), sorted);
});

test('characters beyond the basic plane come after those in it, as their bytes do', t => {
	t.deepEqual(['😀', '\uffff', '\ue000', 'z'].toSorted(compareNames), ['z', '\ue000', '\uffff', '😀']);
});

test('names sort as their bytes with the slash first', t => {
	const key = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map(byte => (byte === 0x2f ? 0 : byte)));
	const byte = fc.oneof(
		fc.constantFrom(0x2f, 0x61, 0x2e, 0xc3, 0xbc, 0xff, 0xed, 0xa0, 0x80),
		fc.integer({min: 1, max: 255}),
	);
	const name = fc.array(byte, {maxLength: 12}).map(list => Uint8Array.from(list));
	fc.assert(
		fc.property(name, name, (a, b) => {
			const expected = Buffer.compare(key(a), key(b));
			t.is(Math.sign(compareNames(decodeName(a), decodeName(b))), expected);
		}),
	);
	t.pass();
});
