import type {NetworkInterfaceInfo} from 'node:os';
import test from 'ava';
import {acceptableAddresses, ownAddresses} from '../../../lib/runtime/relay/addresses.js';

const info = (address: string, internal = false): NetworkInterfaceInfo[] => [
	{address, internal, netmask: '', mac: '', cidr: null, family: 'IPv4'},
];

test('a relay listens where others can reach it: the address that the operator uses first, never inside', t => {
	const interfaces = {
		lo: info('127.0.0.1', true),
		docker0: info('172.17.0.1'),
		eth0: [...info('10.0.0.5'), ...info('fe80::1')],
		eth1: info('192.168.7.5'),
		eth2: info('169.254.1.1'),
	};
	t.deepEqual(ownAddresses([], interfaces), ['10.0.0.5', '192.168.7.5']);
	t.deepEqual(ownAddresses(['192.168.7.5'], interfaces), ['192.168.7.5', '10.0.0.5']);
	t.deepEqual(ownAddresses(['203.0.113.9', '127.0.0.1'], interfaces), ['10.0.0.5', '192.168.7.5']);
	t.deepEqual(ownAddresses(['172.17.0.1'], interfaces)[0], '172.17.0.1');
});

const refused = test.macro({
	exec(t, address: unknown) {
		t.deepEqual(acceptableAddresses([address]), []);
	},
	title: (_, address) => `no host is sent to ${JSON.stringify(address)}`,
});

for (const address of [
	'127.0.0.1',
	'::1',
	'0.0.0.0',
	'::',
	'::ffff:127.0.0.1',
	'169.254.169.254',
	'224.0.0.1',
	'255.255.255.255',
	'fe80::1',
	'ff02::1',
	'master-1',
	'10.0.0.1%eth0',
	'',
	7,
])
	test(refused, {address, port: 5000});
for (const port of [0, 22, 1023, 65_536, 1.5, '5000', undefined]) test(refused, {address: '10.0.0.1', port});
test(refused, null);

test('plain addresses of other machines are passed on, and few of them', t => {
	t.deepEqual(acceptableAddresses([{address: '10.0.0.1', port: 40_000}]), [{address: '10.0.0.1', port: 40_000}]);
	t.deepEqual(acceptableAddresses([{address: 'fd00::5', port: 40_000}]), [{address: 'fd00::5', port: 40_000}]);
	t.is(acceptableAddresses(Array.from({length: 100}, () => ({address: '10.0.0.1', port: 5000}))).length, 4);
	t.deepEqual(acceptableAddresses('10.0.0.1'), []);
});
