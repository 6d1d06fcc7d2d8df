import {endpointText} from '../../core/ip-address.js';
import {lifetimeSettings} from '../pki/cluster/lifetimes.js';
import type {PairPlaces} from '../pki/cluster/places.js';
import {parseCidr} from '../preflight/cidr.js';
import {writeArguments} from './arguments.js';
import {convertDocuments} from './convert.js';
import {
	type Argument,
	documentKinds,
	type Fields,
	type KubeadmDocument,
	kubeadmGroup,
	kubeletApi,
	kubeProxyApi,
} from './document.js';
import {mergeDocuments} from './merge.js';
import {type MinorFacts, minorFacts} from './minors.js';
import type {ClusterNetwork} from './network.js';
import type {KubernetesVersion} from './version.js';

/** A cluster, as far as kubeadm is told of it. */
export interface KubeadmCluster {
	readonly name: string;
	readonly version: KubernetesVersion;
	readonly network: ClusterNetwork;
	/** Names and addresses that API servers are reached by, beside those that kubeadm adds by itself. */
	readonly apiNames: readonly string[];
	/** Where the images of the control plane are; absent for what that Kubernetes takes by itself. */
	readonly imageRepository?: string | undefined;
	readonly proxyMode: 'iptables' | 'nftables' | 'ipvs';
	/** `/run/containerd/containerd.sock`. */
	readonly criSocket: string;
	/** Some host has cgroups of version 1. */
	readonly hasCgroupV1: boolean;
	/** Without workers, masters take the work. */
	readonly hasWorkers: boolean;
	/** What the rootfs image and then the user say, in any version; the later counts more. */
	readonly given: readonly KubeadmDocument[];
}

export interface KubeadmNode {
	readonly name: string;
	/** One of each family of the cluster, the main one first. */
	readonly addresses: readonly string[];
}

/**
 * The documents of `kubeadm init` on the first master.
 * @throws SealError ERR_KUBEADM_DOCUMENT
 */
export function initDocuments(cluster: KubeadmCluster, node: KubeadmNode): readonly KubeadmDocument[] {
	const facts = minorFacts(cluster.version);
	const own = [
		document(facts, 'InitConfiguration', {
			localAPIEndpoint: localEndpoint(cluster, node),
			nodeRegistration: registration(cluster, facts, node, true),
		}),
		clusterDocument(cluster, facts),
		kubeletDocument(cluster, facts),
		proxyDocument(cluster, facts),
	];
	return settle(own, cluster, facts, 'JoinConfiguration');
}

/** How a host proves who it is, and how it knows the cluster. */
export type JoinDiscovery =
	/** A kubeconfig with a client certificate, such as a kubelet.conf that was put there. */
	| {readonly kubeconfig: string}
	/** `authorities`: digests of the cluster's CA as kubeadm writes them, `sha256:...`. */
	| {readonly token: string; readonly endpoint: string; readonly authorities: readonly string[]};

/**
 * The document of `kubeadm join`: of a master, or of a node.
 * @throws SealError ERR_KUBEADM_DOCUMENT
 */
export function joinDocuments(
	cluster: KubeadmCluster,
	node: KubeadmNode,
	how: {readonly discovery: JoinDiscovery; readonly isMaster: boolean},
): readonly KubeadmDocument[] {
	const facts = minorFacts(cluster.version);
	const own = document(facts, 'JoinConfiguration', {
		discovery: discoveryOf(how.discovery),
		nodeRegistration: registration(cluster, facts, node, how.isMaster),
		...(how.isMaster ? {controlPlane: {localAPIEndpoint: localEndpoint(cluster, node)}} : {}),
	});
	return settle(
		[own],
		cluster,
		facts,
		'InitConfiguration',
		'ClusterConfiguration',
		'KubeletConfiguration',
		'KubeProxyConfiguration',
	);
}

/** Lays what was given over our own; documents of kinds that the verb does not take are left out. */
function settle(
	own: readonly KubeadmDocument[],
	{given}: KubeadmCluster,
	{api}: MinorFacts,
	...leftOut: readonly string[]
): readonly KubeadmDocument[] {
	const merged = mergeDocuments(own, convertDocuments(given, api)).filter(({kind}) => !leftOut.includes(kind));
	const order = (kind: string): number => (documentKinds as readonly string[]).indexOf(kind);
	return [...merged].sort((a, b) => order(a.kind) - order(b.kind));
}

function document({api}: MinorFacts, kind: string, fields: Fields): KubeadmDocument {
	return {apiVersion: `${kubeadmGroup}/${api}`, kind, ...fields};
}

function localEndpoint({network}: KubeadmCluster, {addresses}: KubeadmNode): Fields {
	return {advertiseAddress: addresses[0], bindPort: network.apiPort};
}

function registration(cluster: KubeadmCluster, facts: MinorFacts, node: KubeadmNode, isMaster: boolean): Fields {
	// Without it the kubelet takes the address of the default route, which may be another one, or none.
	const kubelet: readonly Argument[] = [{name: 'node-ip', value: node.addresses.join(',')}];
	const taints = facts.masterTaints.map(key => ({key, effect: 'NoSchedule'}));
	return {
		name: node.name,
		criSocket: facts.criSocketIsUrl ? `unix://${cluster.criSocket}` : cluster.criSocket,
		kubeletExtraArgs: writeArguments(kubelet, facts.api, 'kubeletExtraArgs'),
		// An empty list takes kubeadm's own taints away.
		...(isMaster ? {taints: cluster.hasWorkers ? taints : []} : {}),
	};
}

function clusterDocument(cluster: KubeadmCluster, facts: MinorFacts): KubeadmDocument {
	const {network, name, version} = cluster;
	const {pods, services, dnsDomain, virtualAddress, apiPort} = network;
	const loopback = ['localhost', '127.0.0.1', '::1'];
	const lifetimes = lifetimeSettings(version.text);
	return document(facts, 'ClusterConfiguration', {
		clusterName: name,
		kubernetesVersion: version.text,
		controlPlaneEndpoint: endpointText({address: virtualAddress, port: apiPort}),
		networking: {podSubnet: pods.join(','), serviceSubnet: services.join(','), dnsDomain},
		...(cluster.imageRepository === undefined ? {} : {imageRepository: cluster.imageRepository}),
		...(needsGate(cluster, facts) ? {featureGates: {IPv6DualStack: true}} : {}),
		...lifetimes.clusterConfiguration,
		apiServer: {certSANs: [...new Set([...loopback, virtualAddress, ...cluster.apiNames])]},
		controllerManager: {
			extraArgs: writeArguments(lifetimes.controllerManager, facts.api, 'controllerManager.extraArgs'),
		},
		scheduler: {
			extraArgs: writeArguments(lifetimes.scheduler, facts.api, 'scheduler.extraArgs'),
			extraVolumes: servingVolumes(lifetimes.schedulerFiles),
		},
	});
}

/** kubeadm mounts the whole folder of certificates for the controller manager, and none for the scheduler. */
function servingVolumes({certificate, key}: PairPlaces): readonly Fields[] {
	const file = (name: string, path: string): Fields => ({
		name,
		hostPath: path,
		mountPath: path,
		readOnly: true,
		pathType: 'File',
	});
	return [file('serving-crt', certificate), file('serving-key', key)];
}

function kubeletDocument(cluster: KubeadmCluster, facts: MinorFacts): KubeadmDocument {
	return {
		apiVersion: kubeletApi,
		kind: 'KubeletConfiguration',
		cgroupDriver: 'systemd',
		...lifetimeSettings(cluster.version.text).kubeletConfiguration,
		serializeImagePulls: false,
		...(facts.refusesCgroupV1 && cluster.hasCgroupV1 ? {failCgroupV1: false} : {}),
		...(needsGate(cluster, facts) ? {featureGates: {IPv6DualStack: true}} : {}),
	};
}

function proxyDocument(cluster: KubeadmCluster, facts: MinorFacts): KubeadmDocument {
	const {proxyMode, network} = cluster;
	const bits = parseCidr(network.virtualAddress).family === 4 ? 32 : 128;
	return {
		apiVersion: kubeProxyApi,
		kind: 'KubeProxyConfiguration',
		mode: proxyMode,
		// In this mode kube-proxy deletes every virtual server that is no service, unless it is told not to.
		...(proxyMode === 'ipvs' ? {ipvs: {excludeCIDRs: [`${network.virtualAddress}/${bits}`]}} : {}),
		...(needsGate(cluster, facts) ? {featureGates: {IPv6DualStack: true}} : {}),
	};
}

function needsGate({network}: KubeadmCluster, {dualStackGate}: MinorFacts): boolean {
	return dualStackGate && network.pods.length > 1;
}

function discoveryOf(discovery: JoinDiscovery): Fields {
	if ('kubeconfig' in discovery) return {file: {kubeConfigPath: discovery.kubeconfig}};
	const {token, endpoint, authorities} = discovery;
	return {bootstrapToken: {token, apiServerEndpoint: endpoint, caCertHashes: authorities}, tlsBootstrapToken: token};
}
