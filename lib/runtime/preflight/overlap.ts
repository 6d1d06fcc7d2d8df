import type {HostFacts} from '../facts/facts.js';
import {type FleetCheck, listing, type Seen} from './check.js';
import {type Cidr, formatCidr, isSame, overlap, parseCidr, readCidr} from './cidr.js';
import type {PreflightOptions} from './options.js';

/** Do the networks inside the cluster keep clear of each other, and of those that the hosts are in? */
export const overlapChecks: readonly FleetCheck[] = [
	{
		id: 'networks-overlap',
		severity: 'error',
		why: 'An address that means two things reaches only one of them.',
		mend: 'Choose networks that have no address in common.',
		compare: (all, options) => {
			const networks = readNetworks(options);
			return networks.flatMap((one, index) =>
				networks
					.slice(index + 1)
					.filter(other => overlap(one.cidr, other.cidr))
					.map(other => ({
						hosts: all.map(facts => facts.host),
						seen: `The network of ${one.use}, ${one.cidr.text}, overlaps that of ${other.use}, ${other.cidr.text}`,
					})),
			);
		},
	},
	{
		id: 'address-overlap',
		severity: 'error',
		why: 'Once the cluster runs, the host sends packets for its neighbours into the cluster, and is cut off from them.',
		mend: 'Choose another network for the cluster.',
		compare: (all, options) =>
			judgeEach(all, options, facts => {
				const own = facts.network.interfaces.map(({name, hardware, addresses}) => ({
					name,
					hardware,
					networks: networksIn(addresses),
					held: networksIn(addresses.map(address => address.split('/')[0]!)),
				}));
				return ({use, cidr}) =>
					own
						// A virtual address that is here already was left by an earlier installation, on an interface without hardware.
						.filter(({hardware, held}) => hardware || !held.some(address => isSame(address, cidr)))
						.flatMap(({name, networks}) => networks.map(network => ({name, network})))
						.filter(({network}) => overlap(network, cidr))
						.map(({name, network}) => ({
							what: `The network of ${use}, ${cidr.text}, overlaps one that the host is in`,
							detail: `${formatCidr(network)} of ${name}`,
						}));
			}),
	},
	{
		id: 'route-overlap',
		severity: 'warning',
		why: 'What the route leads to cannot be reached from the host, or from pods, once the cluster runs.',
		mend: 'Choose another network for the cluster, or remove the route.',
		compare: (all, options) =>
			judgeEach(all, options, ({network: {routes, interfaces}}) => {
				const own = interfaces.flatMap(({addresses}) => networksIn(addresses));
				const away = routes.map(route => ({route, network: readCidr(route.to)}));
				return ({use, cidr}) =>
					away
						.filter(
							({network}) => network !== undefined && overlap(network, cidr) && !own.some(one => isSame(one, network)),
						)
						.map(({route}) => ({
							what: `The network of ${use}, ${cidr.text}, overlaps one that a route leads to`,
							detail: `${route.to} through ${route.interface}`,
						}));
			}),
	},
	{
		id: 'name-server-overlap',
		severity: 'error',
		why: 'The host asks a name server that it can no longer reach once the cluster runs.',
		mend: 'Choose another network for the cluster, or another name server.',
		compare: (all, options) =>
			judgeEach(all, options, ({network: {nameServers}}) => {
				const servers = networksIn(nameServers);
				return ({use, cidr}) =>
					servers
						.filter(server => overlap(server, cidr))
						.map(({text}) => ({what: `A name server is inside the network of ${use}, ${cidr.text}`, detail: text}));
			}),
	},
	{
		id: 'proxy-covers-cluster',
		severity: 'warning',
		why: 'Programs that obey the proxy send what is meant for the cluster to it.',
		mend: 'Add the networks to no_proxy in /etc/environment.',
		compare: (all, options) => judgeProxies(all, readNetworks(options)),
	},
];

interface ClusterNetwork {
	readonly use: string;
	readonly cidr: Cidr;
}

/** @throws SealError ERR_CIDR */
function readNetworks({networks = {}}: PreflightOptions): readonly ClusterNetwork[] {
	return Object.entries(networks).flatMap(([use, texts]) => texts.map(text => ({use, cidr: parseCidr(text)})));
}

function judgeEach(
	all: readonly HostFacts[],
	options: PreflightOptions,
	/** What a host has is read once, and held against each network. */
	look: (facts: HostFacts) => (network: ClusterNetwork) => readonly Seen[],
): readonly {readonly hosts: readonly string[]; readonly seen: Seen}[] {
	const networks = readNetworks(options);
	return all.flatMap(facts => {
		const against = look(facts);
		return networks.flatMap(network => against(network).map(seen => ({hosts: [facts.host], seen})));
	});
}

function networksIn(texts: readonly string[]): readonly Cidr[] {
	return texts.flatMap(text => readCidr(text) ?? []);
}

function judgeProxies(
	all: readonly HostFacts[],
	networks: readonly ClusterNetwork[],
): readonly {readonly hosts: readonly string[]; readonly seen: string}[] {
	return all.flatMap(({host, network: {proxies}}) => {
		const used = Object.keys(proxies).filter(name => name !== 'no_proxy' && proxies[name] !== '');
		const around = (proxies.no_proxy ?? '').split(/[\s,]+/).map(text => (text === '*' ? '*' : readCidr(text)));
		const covered = networks.filter(
			({cidr}) =>
				!around.some(
					free =>
						free === '*' ||
						(free !== undefined && free.first <= cidr.first && cidr.last <= free.last && overlap(free, cidr)),
				),
		);
		if (used.length === 0 || covered.length === 0) return [];
		return [
			{
				hosts: [host],
				seen: `${listing(used)} is set, and no_proxy leaves out ${listing(covered.map(({cidr}) => cidr.text))}`,
			},
		];
	});
}
