import type {HostFacts, InterfaceFacts} from '../facts/facts.js';
import {type FleetCheck, type HostCheck, listing, seen} from './check.js';
import {distinct} from './identity.js';

/** Can the host be reached, and does it know its ways? */
export const networkChecks: readonly HostCheck[] = [
	{
		id: 'no-address',
		severity: 'error',
		why: 'Other hosts cannot reach this one.',
		mend: 'Give an interface of the host an address.',
		look: ({network}) =>
			seen(
				network.interfaces.every(({addresses}) => addresses.length === 0),
				() => 'No interface has an address beyond the host itself',
			),
	},
	{
		id: 'no-default-route',
		severity: 'warning',
		why: 'Services that pick the address of the default route find none, and addresses of services inside the cluster lead nowhere.',
		mend: 'Add a default route, or name the address of each host explicitly.',
		look: ({network}) => {
			const addresses = network.interfaces.flatMap(found => found.addresses);
			return seen(addresses.length > 0 && !network.routes.some(route => route.to === 'default'), () => ({
				what: 'There is no default route',
				detail: listing(addresses.slice(0, 8)),
			}));
		},
	},
	{
		id: 'default-route-ambiguous',
		severity: 'warning',
		why: 'Which address the host is known by may change from one start to the next.',
		mend: 'Give the default routes different metrics.',
		look: ({network}) =>
			([4, 6] as const).flatMap(family => {
				const routes = network.routes.filter(route => route.family === family && route.to === 'default');
				const best = Math.min(...routes.map(route => route.metric));
				const names = [...new Set(routes.filter(route => route.metric === best).map(route => route.interface))];
				return seen(names.length > 1, () => `Default routes of IPv${family} lead through ${listing(names)} alike`);
			}),
	},
	{
		id: 'no-name-server',
		severity: 'warning',
		why: 'Pods are given the name servers of their host; without one, DNS of the cluster complains and may not start.',
		mend: 'Write a name server into /etc/resolv.conf.',
		look: ({network}) => seen(network.nameServers.length === 0, () => 'There is no name server in /etc/resolv.conf'),
	},
];

/** Do the hosts agree about their network? */
export const networkFleetChecks: readonly FleetCheck[] = [
	{
		id: 'duplicate-address',
		severity: 'error',
		why: 'What is sent to the address reaches one host or the other, by chance.',
		mend: 'Give each host an address of its own.',
		compare: all => {
			const holders = new Map<string, string[]>();
			for (const facts of distinct(all)) {
				for (const address of outwardAddresses(facts)) append(holders, address, facts.host);
			}
			return [...holders]
				.filter(([, hosts]) => hosts.length > 1)
				.map(([address, hosts]) => ({hosts, seen: `Several hosts have the address ${address}`}));
		},
	},
	{
		id: 'duplicate-mac',
		severity: 'error',
		why: 'Switches send what is meant for one of the hosts to the other.',
		mend: 'Give the interfaces of cloned machines MAC addresses of their own.',
		compare: all => {
			const holders = new Map<string, string[]>();
			for (const facts of distinct(all)) {
				const macs = facts.network.interfaces.filter(found => found.hardware).map(found => found.mac);
				for (const mac of new Set(macs)) if (mac !== undefined) append(holders, mac, facts.host);
			}
			return [...holders]
				.filter(([, hosts]) => hosts.length > 1)
				.map(([mac, hosts]) => ({hosts, seen: `Several hosts have the MAC address ${mac}`}));
		},
	},
	{
		id: 'mtu-differs',
		severity: 'warning',
		why: 'Large packets between hosts with different MTUs are lost where nothing tells the sender.',
		mend: 'Set one MTU on the interfaces that the hosts reach each other by.',
		compare: all => {
			const byMtu = new Map<number, string[]>();
			for (const facts of all) {
				const mtu = outward(facts)[0]?.mtu;
				if (mtu !== undefined) append(byMtu, mtu, facts.host);
			}
			if (byMtu.size < 2) return [];
			const usual = [...byMtu].toSorted(([, a], [, b]) => b.length - a.length)[0]![0];
			return [...byMtu]
				.filter(([mtu]) => mtu !== usual)
				.map(([mtu, hosts]) => ({hosts, seen: `The MTU is ${mtu}, and ${usual} on the other hosts`}));
		},
	},
];

/**
 * The interfaces by which other hosts know this one, that of the default route first. Bridges of container runtimes have the same
 * address on every host, and that is no conflict.
 */
function outward({network}: HostFacts): readonly InterfaceFacts[] {
	const defaults = network.routes
		.filter(route => route.to === 'default')
		.toSorted((a, b) => a.family - b.family || a.metric - b.metric)
		.map(route => route.interface);
	const first = network.interfaces.filter(found => defaults.includes(found.name));
	const others = network.interfaces.filter(found => found.hardware && !defaults.includes(found.name));
	return [...first.toSorted((a, b) => defaults.indexOf(a.name) - defaults.indexOf(b.name)), ...others];
}

function outwardAddresses(facts: HostFacts): ReadonlySet<string> {
	return new Set(outward(facts).flatMap(found => found.addresses.map(address => address.split('/')[0]!)));
}

function append<K>(groups: Map<K, string[]>, key: K, host: string): void {
	const group = groups.get(key);
	if (group === undefined) groups.set(key, [host]);
	else group.push(host);
}
