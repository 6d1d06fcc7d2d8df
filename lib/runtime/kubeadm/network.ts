import {SealError} from '../../core/errors.js';
import {formatCidr, isSame, overlap, parseCidr} from '../preflight/cidr.js';
import {fieldsOf, type KubeadmDocument} from './document.js';

/** The networks inside of a cluster. Of two networks the first is that of the family which addresses are of when one must be chosen. */
export interface ClusterNetwork {
	/** One, or one of each family, in CIDR form. */
	readonly pods: readonly string[];
	readonly services: readonly string[];
	readonly dnsDomain: string;
	/** The port of every API server, and of the virtual address. */
	readonly apiPort: number;
	/** On every node the way to the API servers, whichever of them live. */
	readonly virtualAddress: string;
}

export interface NetworkOptions {
	/** Of the hosts: which defaults count. Default 4. */
	readonly family?: 4 | 6 | undefined;
	/** Default 10.103.97.2, for IPv6 fd00:103:97::2. */
	readonly virtualAddress?: string | undefined;
}

/** What counts when nobody says anything: the networks that sealos users know. */
const defaults = {
	4: {pods: '100.64.0.0/10', services: '10.96.0.0/22', virtualAddress: '10.103.97.2'},
	6: {pods: 'fd00:100:64::/48', services: 'fd00:10:96::/112', virtualAddress: 'fd00:103:97::2'},
} as const;

/**
 * The networks that the documents of a user ask for, and the defaults where they say nothing.
 * @throws SealError ERR_CLUSTER_NETWORK, ERR_CIDR
 */
export function readNetwork(documents: readonly KubeadmDocument[], options: NetworkOptions = {}): ClusterNetwork {
	const of = (kind: string): KubeadmDocument | undefined => documents.find(document => document.kind === kind);
	const {podSubnet, serviceSubnet, dnsDomain = 'cluster.local'} = fieldsOf(of('ClusterConfiguration')?.networking);
	const {bindPort = 6443} = fieldsOf(of('InitConfiguration')?.localAPIEndpoint);
	// A user who gives networks of one family wants a cluster of that family.
	const given = [...splitNetworks(podSubnet, 'podSubnet'), ...splitNetworks(serviceSubnet, 'serviceSubnet')];
	const family = options.family ?? (given.length > 0 ? parseCidr(given[0]!).family : 4);
	const usual = defaults[family];
	const network = {
		pods: podSubnet === undefined ? [usual.pods] : splitNetworks(podSubnet, 'podSubnet'),
		services: serviceSubnet === undefined ? [usual.services] : splitNetworks(serviceSubnet, 'serviceSubnet'),
		dnsDomain: readDomain(dnsDomain),
		apiPort: readPort(bindPort),
		virtualAddress: options.virtualAddress ?? usual.virtualAddress,
	};
	checkNetwork(network);
	return network;
}

/** @throws SealError ERR_CLUSTER_NETWORK, ERR_CIDR */
function checkNetwork({pods, services, virtualAddress}: ClusterNetwork): void {
	const all = [
		...pods.map(text => ({what: 'the network of pods', ...parseCidr(text)})),
		...services.map(text => ({what: 'the network of services', ...parseCidr(text)})),
		{what: 'the virtual address', ...parseCidr(virtualAddress)},
	];
	for (const [what, networks] of [
		['pods', pods],
		['services', services],
	] as const) {
		const families = new Set(networks.map(text => parseCidr(text).family));
		if (networks.length === 0 || networks.length !== families.size) {
			throw wrong(
				`The networks of ${what} are ${JSON.stringify(networks.join(','))}`,
				'Give one, or one of each family.',
			);
		}
	}
	const familyOf = (networks: readonly string[]): string => networks.map(text => parseCidr(text).family).join(' and ');
	if (familyOf(pods) !== familyOf(services)) {
		throw wrong(
			`Pods have addresses of IPv${familyOf(pods)}, and services of IPv${familyOf(services)}`,
			'Give both the same families, in the same order.',
		);
	}
	const clash = all.flatMap((one, index) => {
		const other = all.slice(index + 1).find(candidate => overlap(one, candidate));
		return other === undefined ? [] : [{one, other}];
	})[0];
	if (clash === undefined) return;
	const {one, other} = clash;
	const how = isSame(one, other) ? 'are the same' : 'overlap';
	throw wrong(
		`${capital(one.what)} ${formatCidr(one)} and ${other.what} ${formatCidr(other)} ${how}`,
		'Give networks that have no address in common.',
	);
}

function splitNetworks(value: unknown, name: string): readonly string[] {
	if (value === undefined) return [];
	if (typeof value !== 'string')
		throw wrong(`networking.${name} is no text`, 'Write it as 10.0.0.0/16, or two of them with a comma between.');
	return value.split(',').map(text => formatCidr(parseCidr(text.trim())));
}

function readDomain(value: unknown): string {
	if (typeof value === 'string' && value.length <= 200 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(value))
		return value;
	throw wrong(`networking.dnsDomain is ${JSON.stringify(value)}`, 'Write a domain such as cluster.local.');
}

function readPort(value: unknown): number {
	if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536) return value as number;
	throw wrong(`localAPIEndpoint.bindPort is ${JSON.stringify(value)}`, 'Write a number from 1 to 65535.');
}

function capital(text: string): string {
	return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function wrong(message: string, hint: string): SealError {
	return new SealError('ERR_CLUSTER_NETWORK', message, {hint});
}
