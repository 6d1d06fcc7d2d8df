import test from 'ava';
import {formatCidr, isSame, overlap, parseCidr, readCidr} from '../../../lib/runtime/preflight/cidr.js';

test('a network is all addresses that share its prefix, whatever address of it is written', t => {
	t.like(parseCidr('10.1.2.3/8'), {family: 4, first: 10n << 24n, last: (11n << 24n) - 1n});
	t.like(parseCidr('0.0.0.0/0'), {first: 0n, last: 2n ** 32n - 1n});
	t.like(parseCidr('fd00::1/64'), {family: 6, first: 0xfdn << 120n, last: (0xfdn << 120n) + 2n ** 64n - 1n});
	t.like(parseCidr('::ffff:1.2.3.4'), {first: 0xffff_0102_0304n, last: 0xffff_0102_0304n});
});

test('networks overlap when they have an address in common', t => {
	const pairs: [string, string, boolean][] = [
		['10.0.0.0/8', '10.255.255.255', true],
		['10.0.0.0/9', '10.128.0.0/9', false],
		['192.168.0.0/16', '192.168.7.0/24', true],
		['::/0', '10.0.0.0/8', false],
		['fd00::/8', 'fdff:1::/32', true],
	];
	for (const [one, other, expected] of pairs) {
		t.is(overlap(parseCidr(one), parseCidr(other)), expected, `${one} ${other}`);
		t.is(overlap(parseCidr(other), parseCidr(one)), expected, `${other} ${one}`);
	}
});

test('one network in two spellings is the same', t => {
	t.true(isSame(parseCidr('10.1.2.3/16'), parseCidr('10.1.0.0/16')));
	t.false(isSame(parseCidr('10.1.0.0/16'), parseCidr('10.1.0.0/17')));
});

test('a network is written by its first address', t => {
	const texts = ['10.1.2.3/8', '0.0.0.0/0', '10.1.2.3', 'fd00::1/64', '::/0', '2001:db8::5/128'];
	t.deepEqual(
		texts.map(text => formatCidr(parseCidr(text))),
		['10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', 'fd00::/64', '::/0', '2001:db8::5/128'],
	);
});

test('what is no network is refused or undefined', t => {
	t.like(
		t.throws(() => parseCidr('10.0.0.0/33')),
		{code: 'ERR_CIDR', message: '"10.0.0.0/33" is no network'},
	);
	t.deepEqual(['x', '1.2.3', 'fe80::1%eth0', '1.2.3.4/5/6', '1.2.3.4/-1'].map(readCidr), Array<undefined>(5));
});
