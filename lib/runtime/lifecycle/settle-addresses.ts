import {isIP} from 'node:net';
import {SealError} from '../../core/errors.js';
import type {HostFacts} from '../facts/facts.js';
import {parseHostAddress} from '../host/address.js';
import {HostError} from '../host/error.js';

/** Under which of its own addresses a host is known to the others, of one family. */
export type Family = 4 | 6;

export interface AddressWish {
	/** As the user named the host: an address, a name, or `local`. */
	readonly reached: string;
	/** What the user said of it, in place of what is found: at most one of each family. */
	readonly said?: readonly string[] | undefined;
	/** Addresses of the cluster itself, which nodes carry too. */
	readonly virtual?: readonly string[] | undefined;
}

/**
 * One address of each family, in the order of the families: what the user said, else the one that the operator reaches the host
 * by, else the first on the interface of the default route, else the only one there is.
 * @throws HostError ERR_CLUSTER_ADDRESS when a family has none, or several of which none is the obvious one
 */
export function addressesOf(facts: HostFacts, wish: AddressWish, families: readonly Family[]): readonly string[] {
	const own = ownAddresses(facts, wish);
	for (const said of wish.said ?? []) {
		if (own.some(({address}) => address === said)) continue;
		throw new HostError(facts.host, 'ERR_CLUSTER_ADDRESS', `${said} is none of the addresses of the host`, {
			hint: own.length === 0 ? 'Give the host this address.' : `Use one of ${list(own)}.`,
		});
	}
	return families.map(family => choose(facts, wish, own, family));
}

/** The family of the address that the host is best known by. @throws HostError ERR_CLUSTER_ADDRESS */
export function mainFamily(facts: HostFacts, wish: AddressWish): Family {
	const [said] = wish.said ?? [];
	const known = said ?? wish.reached;
	const own = ownAddresses(facts, wish);
	const reached = own.find(({address}) => address === known);
	if (reached !== undefined) return reached.family;
	// A cluster of IPv4 is what a host with both is meant for, unless somebody says otherwise.
	const family = own.some(one => one.family === 4) ? 4 : 6;
	choose(facts, wish, own, family);
	return family;
}

/** Reads `--address HOST=ADDRESS[,ADDRESS]`. @throws SealError ERR_HOST_INVALID */
export function readSaidAddresses(text: string): readonly string[] {
	const addresses = text.split(',').map(part => parseHostAddress(part.trim()).address);
	const wrong = addresses.find(address => isIP(address) === 0);
	if (wrong === undefined && new Set(addresses.map(isIP)).size === addresses.length) return addresses;
	throw new SealError('ERR_HOST_INVALID', `${JSON.stringify(text.slice(0, 100))} is not one address of each family`, {
		hint: 'Write HOST=ADDRESS, or HOST=ADDRESS,ADDRESS with one of IPv4 and one of IPv6.',
	});
}

interface OwnAddress {
	readonly address: string;
	readonly family: Family;
	readonly interface: string;
}

/** Of bridges and tunnels that networks of pods make, and of services. */
const inner =
	/^(?:cbr|cilium|cni|docker|dummy|flannel|kube-|lxdbr|nodelocaldns|podman|tunl|virbr|vxlan|weave)|^br-[0-9a-f]{12}$/;

function ownAddresses({network}: HostFacts, {reached, said = [], virtual = []}: AddressWish): readonly OwnAddress[] {
	const named = new Set([reached, ...said]);
	return network.interfaces.flatMap(({name, addresses}) =>
		addresses.flatMap(text => {
			const address = text.split('/')[0] ?? '';
			const family = isIP(address);
			const isOurs = named.has(address) || (!inner.test(name) && !virtual.includes(address));
			return isOurs && (family === 4 || family === 6) ? [{address, family, interface: name}] : [];
		}),
	);
}

function choose(facts: HostFacts, wish: AddressWish, own: readonly OwnAddress[], family: Family): string {
	const ofFamily = own.filter(one => one.family === family);
	const named =
		ofFamily.find(({address}) => wish.said?.includes(address)) ??
		ofFamily.find(({address}) => address === wish.reached);
	if (named !== undefined) return named.address;
	const routes = facts.network.routes.filter(route => route.to === 'default' && route.family === family);
	const [route] = routes.toSorted((a, b) => a.metric - b.metric);
	const found =
		ofFamily.find(one => one.interface === route?.interface) ?? (ofFamily.length === 1 ? ofFamily[0] : undefined);
	if (found !== undefined) return found.address;
	if (ofFamily.length === 0) {
		throw new HostError(facts.host, 'ERR_CLUSTER_ADDRESS', `The host has no address of IPv${family}`, {
			hint: `Give it one, or use networks of IPv${family === 4 ? 6 : 4} for pods and services.`,
		});
	}
	throw new HostError(
		facts.host,
		'ERR_CLUSTER_ADDRESS',
		`The host has the addresses ${list(ofFamily)}, and no default route says which of them others should use`,
		{hint: `Say it with --address ${facts.host}=${ofFamily[0]!.address}.`},
	);
}

function list(addresses: readonly OwnAddress[]): string {
	return addresses
		.slice(0, 8)
		.map(({address}) => address)
		.join(', ');
}
