import {isIP} from 'node:net';
import {hasCode, SealError} from '../../../core/errors.js';
import {type MinorFacts, minorFacts} from '../../kubeadm/minors.js';
import {parseKubernetesMinor} from '../../kubeadm/version.js';
import {parseCidr} from '../../preflight/cidr.js';
import {canonicalName} from '../alternative-names.js';
import type {KeyAlgorithm} from '../keys.js';
import {addressNumber} from './service-address.js';

/** A cluster, as far as its certificates depend on it. What is absent is as in kubeadm. */
export interface PkiClusterSpec {
	/** `1.20` to `1.37`, with or without a patch number. */
	readonly kubernetesVersion: string;
	/** As kubeconfigs call it. Default `kubernetes`. */
	readonly name?: string | undefined;
	/** Default `cluster.local`. */
	readonly dnsDomain?: string | undefined;
	/** One, or one of each family. Default `10.96.0.0/12`. */
	readonly serviceCidrs?: readonly string[] | undefined;
	/** `HOST:PORT` or `HOST`, by which administrators and kubelets reach the API (controlPlaneEndpoint). Default: the first master. */
	readonly endpoint?: string | undefined;
	/** Of each master's own API server. Default 6443. */
	readonly apiPort?: number | undefined;
	/** The address of the balancer on every node, one of each family at most. */
	readonly virtualAddresses?: readonly string[] | undefined;
	/** Further names and addresses of the API server (certSANs). */
	readonly apiNames?: readonly string[] | undefined;
	/** Further names and addresses of etcd (serverCertSANs and peerCertSANs). */
	readonly etcdNames?: readonly string[] | undefined;
	readonly masters: readonly PkiHost[];
	readonly nodes?: readonly PkiHost[] | undefined;
	/** The master where `kubeadm init` runs, or ran. Default: the first. */
	readonly firstMaster?: string | undefined;
	/** Of all keys that are made. Default `ecdsa-p256`. */
	readonly algorithm?: KeyAlgorithm | undefined;
}

export interface PkiHost {
	/** The name of the node. */
	readonly name: string;
	/** The one that it is reached by: a master's API server advertises it. */
	readonly address: string;
	/** Others that it has, of the other family for example. */
	readonly addresses?: readonly string[] | undefined;
}

/** The same with every default filled in and every value checked. */
export interface PkiCluster {
	readonly facts: MinorFacts;
	readonly name: string;
	readonly dnsDomain: string;
	/** The first address of each service network: that of the service `kubernetes`. */
	readonly serviceAddresses: readonly string[];
	readonly endpoint: {readonly host: string; readonly port: number};
	readonly apiPort: number;
	readonly virtualAddresses: readonly string[];
	readonly apiNames: readonly string[];
	readonly etcdNames: readonly string[];
	readonly masters: readonly ClusterHost[];
	readonly nodes: readonly ClusterHost[];
	readonly firstMaster: string;
	readonly algorithm: KeyAlgorithm;
}

export interface ClusterHost {
	readonly name: string;
	/** The first is the one that it is reached by. */
	readonly addresses: readonly string[];
	readonly isMaster: boolean;
}

/** @throws SealError ERR_PKI_CLUSTER, ERR_KUBERNETES_VERSION, ERR_CIDR */
export function describeCluster(spec: PkiClusterSpec): PkiCluster {
	const {apiPort = 6443, nodes = [], virtualAddresses = [], serviceCidrs = ['10.96.0.0/12']} = spec;
	const masters = spec.masters.map(host => readHost(host, true));
	const [first] = masters;
	if (first === undefined) throw invalid('There is no master', 'Name at least one.');
	const firstMaster = spec.firstMaster ?? first.name;
	if (!masters.some(({name}) => name === firstMaster))
		throw invalid(`The first master ${shown(firstMaster)} is not among the masters`, 'Name one of the masters.');
	const hosts = [...masters, ...nodes.map(host => readHost(host, false))];
	const met = new Set<string>();
	const twice = hosts.find(({name}) => met.size === met.add(name).size);
	if (twice !== undefined) throw invalid(`Two hosts are called ${twice.name}`, 'Give each node a name of its own.');
	return {
		facts: minorFacts({minor: parseKubernetesMinor(spec.kubernetesVersion)}),
		name: readName(spec.name ?? 'kubernetes'),
		dnsDomain: readServed(spec.dnsDomain ?? 'cluster.local', 'The DNS domain'),
		serviceAddresses: readServices(serviceCidrs),
		endpoint: readEndpoint(spec.endpoint ?? first.addresses[0] ?? '', apiPort),
		apiPort: readPort(apiPort),
		virtualAddresses: virtualAddresses.map(address => readAddress(address, 'A virtual address')),
		apiNames: (spec.apiNames ?? []).map(name => readServed(name, 'A name of the API server')),
		etcdNames: (spec.etcdNames ?? []).map(name => readServed(name, 'A name of etcd')),
		masters,
		nodes: hosts.slice(masters.length),
		firstMaster,
		algorithm: spec.algorithm ?? 'ecdsa-p256',
	};
}

/** All hosts, masters first. */
export function hostsOf({masters, nodes}: PkiCluster): readonly ClusterHost[] {
	return [...masters, ...nodes];
}

function readHost({name, address, addresses = []}: PkiHost, isMaster: boolean): ClusterHost {
	// Kubernetes takes no other names for nodes (RFC 1123).
	if (name.length > 253 || !/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(name)) {
		throw invalid(
			`${shown(name)} cannot be the name of a node`,
			'Use small letters, digits, hyphens and dots, up to 253 characters.',
		);
	}
	const all = [address, ...addresses].map(text => readAddress(text, `An address of ${name}`));
	return {name, addresses: [...new Set(all)], isMaster};
}

function readName(name: string): string {
	if (/^[A-Za-z0-9](?:[\w.-]{0,252}[A-Za-z0-9])?$/.test(name)) return name;
	throw invalid(`${shown(name)} cannot be the name of a cluster`, 'Use letters, digits, hyphens and dots.');
}

function readServed(name: string, what: string): string {
	try {
		return canonicalName(name);
	} catch (error) {
		if (!hasCode(error, 'ERR_CERTIFICATE')) throw error;
		throw invalid(`${what} is ${shown(name)}`, 'Give a DNS name, or an address without brackets or a zone.');
	}
}

function readAddress(address: string, what: string): string {
	if (isIP(address) !== 0 && !address.includes('%')) return canonicalName(address);
	throw invalid(`${what} is ${shown(address)}`, 'Give an IPv4 or IPv6 address, without brackets or a zone.');
}

function readServices(cidrs: readonly string[]): readonly string[] {
	const networks = cidrs.map(text => parseCidr(text));
	const families = new Set(networks.map(({family}) => family));
	if (networks.length === 0 || networks.length > 2 || families.size !== networks.length)
		throw invalid(`The networks of services are ${shown(cidrs.join(', '))}`, 'Give one, or one of each family.');
	const small = networks.find(({first, last}) => last - first < 7n);
	if (small !== undefined)
		throw invalid(`The network of services ${small.text} has fewer than 8 addresses`, 'Give a larger one.');
	// The first address after that of the network itself is the service `kubernetes`.
	return networks.map(({first, family}) => addressNumber(first + 1n, family));
}

function readEndpoint(text: string, apiPort: number): {readonly host: string; readonly port: number} {
	const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
	const host = isIP(text) === 6 ? text : (bracketed ?? plain);
	if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6))
		throw invalid(`The endpoint of the API is ${shown(text)}`, 'Write HOST:PORT, and [ADDRESS]:PORT for IPv6.');
	return {
		host: readServed(host, 'The endpoint of the API'),
		port: readPort(port === undefined ? apiPort : Number(port)),
	};
}

function readPort(port: number): number {
	if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
	throw invalid(`A port is ${port}`, 'Give a number from 1 to 65535.');
}

function shown(text: string): string {
	return JSON.stringify(text.slice(0, 100));
}

function invalid(message: string, hint: string): SealError {
	return new SealError('ERR_PKI_CLUSTER', message, {hint});
}
