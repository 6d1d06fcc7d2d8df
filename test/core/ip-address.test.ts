import test from 'ava';
import fc from 'fast-check';
import {addressBytes, addressText, endpointText} from '../../lib/core/ip-address.js';

const texts = test.macro<[string, string, string]>({
	exec(t, written, hex, shown) {
		const bytes = addressBytes(written);
		t.is(bytes.toString('hex'), hex);
		t.is(addressText(bytes), shown);
	},
	title: (_, written) => `${written} is read and shown`,
});

test(texts, '10.103.97.2', '0a676102', '10.103.97.2');
test(texts, '::', '00'.repeat(16), '::');
test(texts, '::1', `${'00'.repeat(15)}01`, '::1');
test(texts, 'FD00:0:0:1:0:0:0:2', 'fd000000000000010000000000000002', 'fd00:0:0:1::2');
test(texts, 'fd00::', `fd${'00'.repeat(15)}`, 'fd00::');
test(texts, '2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1');
test(texts, '::ffff:10.0.0.1', '00000000000000000000ffff0a000001', '::ffff:a00:1');
test(texts, '1::2:3:4:10.0.0.1', '000100000000000200030004' + '0a000001', '1::2:3:4:a00:1');

for (const wrong of ['', '10.0.0', '10.0.0.256', '[::1]', 'fe80::1%eth0', 'localhost', '10.0.0.1:6443'])
	test(`${JSON.stringify(wrong)} is no address`, t => {
		t.throws(() => addressBytes(wrong), {code: 'ERR_ADDRESS'});
	});

test('any bytes come back from their text', t => {
	fc.assert(
		fc.property(fc.uint8Array({minLength: 16, maxLength: 16}), bytes => {
			t.deepEqual(addressBytes(addressText(bytes)), Buffer.from(bytes));
		}),
	);
});

test('an IPv6 endpoint has brackets', t => {
	t.is(endpointText({address: 'fd00::2', port: 6443}), '[fd00::2]:6443');
	t.is(endpointText({address: '10.0.0.1', port: 1}), '10.0.0.1:1');
});
