import test from 'ava';
import {maskLength, readIPv4, readIPv6} from '../../../lib/runtime/facts/hexadecimal.js';

test('addresses of IPv4 are little-endian words', t => {
	t.is(readIPv4('0500000A'), '10.0.0.5');
	t.is(readIPv4('3500007f'), '127.0.0.53');
	t.is(readIPv4('0500000'), undefined);
	t.is(readIPv4('0500000G'), undefined);
});

test('addresses of IPv6 are four little-endian words for sockets, and plain for routes', t => {
	t.is(readIPv6('00000000000000000000000001000000', 'wordwise'), '::1');
	t.is(readIPv6('B80D0120000000000000000077000000', 'wordwise'), '2001:db8::77');
	t.is(readIPv6('20010db8000000000000000000000077', 'plain'), '2001:db8::77');
	t.is(readIPv6('fd000000000000000000000000000000', 'plain'), 'fd00::');
	t.is(readIPv6('0000', 'plain'), undefined);
});

test('masks count the bits that are set', t => {
	t.deepEqual(['00000000', '00FFFFFF', '00F0FFFF', 'FFFFFFFF', 'xyz'].map(maskLength), [0, 24, 20, 32, undefined]);
});
