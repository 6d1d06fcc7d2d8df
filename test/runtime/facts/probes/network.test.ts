import test from 'ava';
import {namesProbe} from '../../../../lib/runtime/facts/probes/names.js';
import {networkProbe} from '../../../../lib/runtime/facts/probes/network.js';
import {routesProbe} from '../../../../lib/runtime/facts/probes/routes.js';
import {defaultWanted} from '../../../../lib/runtime/facts/wanted.js';
import {answersOf} from '../../../helpers/answers.js';

test('an address with a peer is the network of the peer', t => {
	const found = networkProbe.read(
		answersOf('address 9: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0\\'),
		defaultWanted,
	);
	t.deepEqual(found, [{name: 'tun0', addresses: ['10.8.0.1/32'], hardware: false}]);
});

test('an interface without address or hardware is left out, and a MAC of zeros is none', t => {
	const found = networkProbe.read(
		answersOf('interface dummy0', 'interface eth0', 'hardware eth0', '/sys/class/net/eth0/address:00:00:00:00:00:00'),
		defaultWanted,
	);
	t.deepEqual(found, [{name: 'eth0', addresses: [], hardware: true}]);
});

test('without ip, an address that no connected network holds stands alone', t => {
	const found = networkProbe.read(
		answersOf('/proc/net/fib_trie: |-- 203.0.113.9', '/proc/net/fib_trie: /32 host LOCAL'),
		defaultWanted,
	);
	t.deepEqual(found, [{name: 'unknown', addresses: ['203.0.113.9/32'], hardware: false}]);
});

test('routes that refuse, and those of every host, are left out', t => {
	const reject = '/proc/net/route:eth0 0000000A 00000000 0201 0 0 0 000000FF 0 0 0';
	const local = `/proc/net/ipv6_route:fe80${'0'.repeat(28)} 40 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000100 1 0 00000001 eth0`;
	t.deepEqual(
		routesProbe.read(answersOf(reject, local, '/proc/net/route:garbage', '/proc/net/ipv6_route:'), defaultWanted),
		[],
	);
});

test('the stub of systemd-resolved gives way to the servers behind it, and stays where none is known', t => {
	const stub = '/etc/resolv.conf:nameserver 127.0.0.53';
	const behind = '/run/systemd/resolve/resolv.conf:nameserver fe80::1%eth0';
	t.deepEqual(namesProbe.read(answersOf(stub, behind), defaultWanted).nameServers, ['fe80::1%eth0']);
	t.deepEqual(namesProbe.read(answersOf(stub), defaultWanted).nameServers, ['127.0.0.53']);
	t.deepEqual(namesProbe.read(answersOf('/etc/resolv.conf:nameserver 9.9.9.9', behind), defaultWanted).nameServers, [
		'9.9.9.9',
	]);
});

test('whatever a login in a proxy holds, nothing of it is kept', t => {
	const read = (value: string): string | undefined =>
		namesProbe.read(answersOf(`/etc/environment:HTTP_PROXY=${value}`), defaultWanted).proxies.http_proxy;
	t.is(read('http://u:p@ss/w@proxy:1'), 'http://proxy:1');
	t.is(read('"u:p@proxy:1"'), 'proxy:1');
	t.is(read('socks5h://proxy:1/'), 'socks5h://proxy:1/');
});
