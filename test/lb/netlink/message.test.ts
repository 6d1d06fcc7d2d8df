import test from 'ava';
import fc from 'fast-check';
import {
	attribute,
	listAttributes,
	nested,
	netUint16,
	readAttributes,
	readText,
	readUint32,
	text,
	uint16,
	uint32,
} from '../../../lib/lb/netlink/attributes.js';
import {decodeMessages, encodeMessage} from '../../../lib/lb/netlink/message.js';

test('a message is a header of 16 bytes and its payload, little-endian', t => {
	const message = encodeMessage({type: 16, flags: 5, sequence: 7, payload: Buffer.from([3, 1, 0, 0])});
	t.is(message.toString('hex'), '14000000' + '1000' + '0500' + '07000000' + '00000000' + '03010000');
});

test('attributes are padded to four bytes, and their length says what is padding', t => {
	t.is(text(2, 'IPVS').toString('hex'), '0900' + '0200' + '4950565300' + '000000');
	t.is(netUint16(4, 6443).toString('hex'), '0600' + '0400' + '192b' + '0000');
	t.is(
		nested(1, [uint16(1, 2), uint32(4, 0xffffffff)]).toString('hex'),
		'1400' + '0180' + '06000100' + '02000000' + '08000400' + 'ffffffff',
	);
});

test('several messages of one datagram are told apart', t => {
	const first = encodeMessage({type: 1, flags: 0, sequence: 1, payload: Buffer.from('abcd')});
	const second = encodeMessage({type: 2, flags: 2, sequence: 1, payload: Buffer.alloc(0)});
	t.deepEqual(
		decodeMessages(Buffer.concat([first, second])).map(({type, payload}) => [type, payload.toString()]),
		[
			[1, 'abcd'],
			[2, ''],
		],
	);
});

const refused = test.macro<[string, string, RegExp]>({
	exec(t, _, hex, message) {
		t.throws(() => decodeMessages(Buffer.from(hex, 'hex')), {code: 'ERR_NETLINK', message});
	},
	title: (_, what) => `refused: ${what}`,
});
test(refused, 'half a header', '1000000010', /5 bytes are left/);
test(refused, 'a message longer than the datagram', `11000000${'00'.repeat(12)}`, /claims 17 of 16/);
test(refused, 'a message shorter than its header', '00'.repeat(16), /claims 0 of 16/);

test('an attribute that lies about its length is refused', t => {
	for (const hex of ['09000100aabbccdd', '00000100aabbccdd', '03000100aabbccdd'])
		t.throws(() => readAttributes(Buffer.from(hex, 'hex')), {code: 'ERR_NETLINK'});
});

test('what is missing or too short is refused by name', t => {
	const attributes = readAttributes(attribute(3, Buffer.from([1, 2])));
	t.throws(() => readUint32(attributes, 4), {message: /attribute 4 is missing/});
	t.throws(() => readUint32(attributes, 3), {message: /attribute 3 has 2 bytes instead of 4/});
	t.is(readText(readAttributes(attribute(1, Buffer.from('rr\0garbage'))), 1), 'rr');
});

test('any bytes are read to an end, or refused: nothing loops, nothing is read beyond', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 200}), bytes => {
			for (const read of [decodeMessages, listAttributes]) {
				try {
					const found = read(Buffer.from(bytes));
					t.true(found.length <= bytes.length);
				} catch (error) {
					t.is((error as {code?: string}).code, 'ERR_NETLINK');
				}
			}
		}),
		{numRuns: 2000},
	);
});

test('what was written is read', t => {
	const value = fc.tuple(fc.integer({min: 1, max: 0x3fff}), fc.uint8Array({maxLength: 40}));
	fc.assert(
		fc.property(fc.array(value), values => {
			const bytes = Buffer.concat(values.map(([type, content]) => attribute(type, content)));
			t.deepEqual(
				listAttributes(bytes).map(([type, content]) => [type, new Uint8Array(content)]),
				values,
			);
		}),
	);
});
