import test from 'ava';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import type {PreflightOptions} from '../../../lib/runtime/preflight/options.js';
import {preflight} from '../../../lib/runtime/preflight/preflight.js';
import {otherHost, soundFacts} from '../../helpers/recorded-facts.js';

type Found = readonly [id: string, severity: string, what: string, hosts: readonly string[]];

/** What is found about hosts together. */
const finds = test.macro({
	exec: (t, hosts: readonly HostFacts[], expected: readonly Found[], options: PreflightOptions = {}) => {
		t.deepEqual(
			preflight(hosts, options).map(({id, severity, what, hosts: of}) => [id, severity, what, of]),
			expected,
		);
	},
	title: (title = '') => title,
});

const [a, b, c] = [otherHost('a'), otherHost('b'), otherHost('c')] as const;

test('sound hosts of their own have no finding together', finds, [a, b, c], []);

test(
	'hosts of one name are told, whatever its letters',
	finds,
	[a, otherHost('b', f => (f.identity.hostname = 'HOST-A'.toLowerCase())), c],
	[['duplicate-hostname', 'error', 'Several hosts are called "host-a"', ['a', 'b']]],
);

test(
	'clones with one machine-id and one product_uuid are told',
	finds,
	[
		a,
		otherHost('b', f => {
			f.identity.machineId = a.identity.machineId!;
			f.identity.productUuid = a.identity.productUuid!;
		}),
		otherHost('c', f => (f.identity.machineId = a.identity.machineId!)),
	],
	[
		['duplicate-machine-id', 'error', `Several hosts have the machine-id ${a.identity.machineId}`, ['a', 'b', 'c']],
		['duplicate-product-uuid', 'error', `Several hosts have the product_uuid ${a.identity.productUuid}`, ['a', 'b']],
	],
);

test(
	'one machine under two names is told once, and its other likenesses are not',
	finds,
	[a, {...a, host: 'alias'}, b],
	[['one-host-twice', 'error', 'These are names of one and the same machine', ['a', 'alias']]],
);

test(
	'containers of one kernel are hosts of their own',
	finds,
	[a, otherHost('b', f => (f.identity.bootId = a.identity.bootId!))],
	[],
);

test(
	'clones with one MAC address are told',
	finds,
	[a, otherHost('b', f => (f.network.interfaces[0]!.mac = a.network.interfaces[0]!.mac!))],
	[['duplicate-mac', 'error', `Several hosts have the MAC address ${a.network.interfaces[0]!.mac}`, ['a', 'b']]],
);

test(
	'the clock that differs from most is the one that is wrong',
	finds,
	[a, b, otherHost('c', f => (f.clock.offsetMs = -7_200_000))],
	[['clock-skew', 'error', 'The clock is behind those of most hosts (2 h)', ['c']]],
);

test(
	'a small skew is a warning',
	finds,
	[a, b, otherHost('c', f => (f.clock.offsetMs = 900))],
	[['clock-skew', 'warning', 'The clock is ahead of those of most hosts (0.9 s)', ['c']]],
);

test(
	'a skew that a slow answer explains is none',
	finds,
	[
		a,
		b,
		otherHost('c', f => {
			f.clock.offsetMs = 6000;
			f.clock.uncertaintyMs = 5900;
		}),
	],
	[],
);

test(
	'clocks that agree with each other but not with this machine are told of all hosts',
	finds,
	[a, b].map(facts => ({...facts, clock: {...facts.clock, offsetMs: 600_000}})),
	[['clock-off-operator', 'error', 'The clocks of most hosts are ahead of that of this machine (10 min)', ['a', 'b']]],
);

test('a host that did not tell its time is not judged by it', finds, [a, {...b, clock: {service: 'chronyd'}}], []);

test(
	'an address that two hosts have is told; a bridge that every host has is not',
	finds,
	[a, b].map(facts => ({
		...facts,
		network: {
			...facts.network,
			interfaces: [
				...facts.network.interfaces,
				{name: 'docker0', addresses: ['172.17.0.1/16'], hardware: false},
				{name: 'eth9', addresses: ['192.168.9.9/24'], hardware: true},
			],
		},
	})),
	[['duplicate-address', 'error', 'Several hosts have the address 192.168.9.9', ['a', 'b']]],
);

test(
	'the host whose MTU differs from most is told',
	finds,
	[a, b, otherHost('c', f => (f.network.interfaces[0]!.mtu = 9000))],
	[['mtu-differs', 'warning', 'The MTU is 9000, and 1500 on the other hosts', ['c']]],
);

test(
	'networks of the cluster that overlap each other are told',
	finds,
	[a],
	[['networks-overlap', 'error', 'The network of pods, 10.96.0.0/11, overlaps that of services, 10.100.0.0/16', ['a']]],
	{networks: {pods: ['10.96.0.0/11'], services: ['10.100.0.0/16', 'fd01::/108']}},
);

test(
	'a network that overlaps those of the hosts, or their name servers, is told of each',
	finds,
	[a, otherHost('b', f => (f.network.nameServers = ['192.0.2.1']))],
	[
		[
			'address-overlap',
			'error',
			'The network of pods, 10.16.0.0/12, overlaps one that the host is in (10.20.0.0/24 of ens160)',
			['a', 'b'],
		],
		[
			'name-server-overlap',
			'error',
			'A name server is inside the network of pods, 10.16.0.0/12 (10.20.0.2; 10.20.0.3)',
			['a'],
		],
	],
	{networks: {pods: ['10.16.0.0/12']}},
);

test(
	'a route into a network of the cluster is a warning',
	finds,
	[
		otherHost('a', f =>
			f.network.routes.push({to: '10.96.0.0/16', family: 4, interface: 'tun0', via: '10.20.0.9', metric: 0}),
		),
	],
	[
		[
			'route-overlap',
			'warning',
			'The network of services, 10.96.0.0/12, overlaps one that a route leads to (10.96.0.0/16 through tun0)',
			['a'],
		],
	],
	{networks: {services: ['10.96.0.0/12']}},
);

test(
	'a virtual address is told when a host has it or its network, and not when it was left on no hardware',
	finds,
	[
		a,
		otherHost('b', f => f.network.interfaces.push({name: 'lo', addresses: ['10.103.97.2/32'], hardware: false})),
		otherHost('c', f => f.network.interfaces.push({name: 'eth7', addresses: ['10.103.97.2/24'], hardware: true})),
	],
	[
		[
			'address-overlap',
			'error',
			'The network of virtual, 10.103.97.2, overlaps one that the host is in (10.103.97.0/24 of eth7)',
			['c'],
		],
	],
	{networks: {virtual: ['10.103.97.2']}},
);

test(
	'a proxy that would take what is meant for the cluster is told',
	finds,
	[
		otherHost('a', f => {
			f.network.proxies = {https_proxy: 'http://p:3128', no_proxy: 'localhost,.example.org,10.244.0.0/16'};
		}),
		otherHost('b', f => (f.network.proxies = {https_proxy: 'http://p:3128', no_proxy: '*'})),
	],
	[['proxy-covers-cluster', 'warning', 'https_proxy is set, and no_proxy leaves out 10.96.0.0/12', ['a']]],
	{networks: {pods: ['10.244.0.0/16'], services: ['10.96.0.0/12']}},
);

test('hosts that differ only in numbers are one finding, with a few of the numbers', t => {
	const hosts = ['a', 'b', 'c', 'd', 'e'].map((host, index) =>
		otherHost(host, f => (f.hardware.memoryBytes = (1000 + Math.max(0, index - 1)) * 2 ** 20)),
	);
	const roles = Object.fromEntries(hosts.map(({host}) => [host, ['master']]));
	t.deepEqual(
		preflight(hosts, {roles}).map(({what, hosts: of}) => [what, of.length]),
		[['The host has less memory than 1621 MiB (1000 MiB; 1001 MiB; 1002 MiB; ...)', 5]],
	);
});

test('a network that is none is refused before anything is judged', t => {
	for (const text of ['10.0.0.0/33', '10.0.0/8', 'pods', 'fd00::/129', '1.2.3.4/', '']) {
		t.like(
			t.throws(() => preflight([soundFacts], {networks: {pods: [text]}})),
			{code: 'ERR_CIDR'},
			text,
		);
	}
});

test('a thousand hosts are judged in one go', t => {
	const many = Array.from({length: 1000}, (_, index) => ({
		...soundFacts,
		host: `h${index}`,
		identity: {
			...soundFacts.identity,
			hostname: `h${index}`,
			machineId: `${index}`,
			productUuid: `${index}`,
			bootId: `${index}`,
		},
	}));
	const found = preflight(many, {networks: {pods: ['10.244.0.0/16']}});
	t.deepEqual(
		found.map(({id, hosts}) => [id, hosts.length]),
		[
			['duplicate-address', 1000],
			['duplicate-address', 1000],
			['duplicate-address', 1000],
			['duplicate-mac', 1000],
			['duplicate-mac', 1000],
		],
	);
});
