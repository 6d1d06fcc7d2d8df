import {endpointText} from '../../../core/ip-address.js';
import {mastersGroup} from '../../kubeadm/minors.js';
import type {KeyPurpose} from '../extensions.js';
import type {Subject} from '../subject.js';
import type {ClusterHost, PkiCluster} from './description.js';
import {
	type AuthorityId,
	kubeconfigPlaces,
	kubeletClientPlace,
	kubeletServingPlaces,
	type PairPlaces,
	pair,
} from './places.js';

/** A certificate that a host has, and the form in which it is kept. */
export interface PkiItem {
	/** Stable, for people and scripts: `apiserver`, `etcd/peer`, `admin.conf`. */
	readonly id: string;
	readonly authority: AuthorityId;
	readonly subject: Subject;
	readonly purposes: readonly KeyPurpose[];
	readonly alternativeNames: readonly string[];
	readonly form: PkiForm;
}

export type PkiForm =
	| ({readonly kind: 'pair'} & PairPlaces)
	/** Certificate and key in one file. */
	| {readonly kind: 'joined'; readonly path: string}
	| {readonly kind: 'kubeconfig'; readonly path: string; readonly server: string; readonly user: string};

/** Every certificate that a host has, but for those of authorities. Subjects, uses and names are those that kubeadm of that version gives. */
export function itemsOf(cluster: PkiCluster, host: ClusterHost): readonly PkiItem[] {
	return [...(host.isMaster ? masterItems(cluster, host) : []), ...nodeItems(cluster, host)];
}

/** Names that have to be in kubeadm's certSANs, so that it makes and asks for the same. */
export function certSans({serviceAddresses, virtualAddresses, apiNames}: PkiCluster): readonly string[] {
	return [...new Set([...loopback, ...serviceAddresses.slice(1), ...virtualAddresses, ...apiNames])];
}

/** `https://HOST:PORT` as kubeadm writes it, through which administrators and kubelets reach the API. */
export function endpointUrl({endpoint}: PkiCluster): string {
	return `https://${endpointText({address: endpoint.host, port: endpoint.port})}`;
}

/** A master's own API server. */
export function localUrl({apiPort}: PkiCluster, {addresses}: ClusterHost): string {
	return `https://${endpointText({address: addresses[0] ?? '', port: apiPort})}`;
}

function masterItems(cluster: PkiCluster, host: ClusterHost): readonly PkiItem[] {
	const {facts} = cluster;
	const etcdClient = {organizations: facts.etcdClientGroups};
	return [
		served('apiserver', 'kubernetes', 'kube-apiserver', ['server'], apiNames(cluster, host)),
		client('apiserver-kubelet-client', 'kubernetes', {
			commonName: 'kube-apiserver-kubelet-client',
			organizations: facts.adminGroups,
		}),
		client('front-proxy-client', 'front-proxy', {commonName: 'front-proxy-client'}),
		...['server', 'peer'].map(name =>
			// A member of etcd is a server to the others and their client with one certificate.
			served(`etcd/${name}`, 'etcd', host.name, ['server', 'client'], etcdNames(cluster, host)),
		),
		client('etcd/healthcheck-client', 'etcd', {commonName: 'kube-etcd-healthcheck-client', ...etcdClient}),
		client('apiserver-etcd-client', 'etcd', {commonName: 'kube-apiserver-etcd-client', ...etcdClient}),
		...masterKubeconfigs(cluster, host),
		served('controller-manager', 'kubernetes', 'kube-controller-manager', ['server'], componentNames(host)),
		served('scheduler', 'kubernetes', 'kube-scheduler', ['server'], componentNames(host)),
	];
}

function masterKubeconfigs(cluster: PkiCluster, host: ClusterHost): readonly PkiItem[] {
	const {facts, firstMaster} = cluster;
	const config = (path: string, server: string, user: string, organizations: readonly string[] = []): PkiItem =>
		kubeconfig(path, server, {commonName: user, organizations});
	const everywhere = [
		config(kubeconfigPlaces.admin, endpointUrl(cluster), 'kubernetes-admin', facts.adminGroups),
		// Both have spoken to their own master's API server since 1.20: through the balancer, they would meet newer or older ones.
		config(kubeconfigPlaces.controllerManager, localUrl(cluster, host), 'system:kube-controller-manager'),
		config(kubeconfigPlaces.scheduler, localUrl(cluster, host), 'system:kube-scheduler'),
	];
	if (!facts.superAdmin || host.name !== firstMaster) return everywhere;
	const {superAdmin} = kubeconfigPlaces;
	return [...everywhere, config(superAdmin, endpointUrl(cluster), 'kubernetes-super-admin', [mastersGroup])];
}

function nodeItems(cluster: PkiCluster, host: ClusterHost): readonly PkiItem[] {
	const node: Subject = {commonName: `system:node:${host.name}`, organizations: ['system:nodes']};
	const [virtual] = cluster.virtualAddresses;
	return [
		{
			...client('kubelet-client', 'kubernetes', node),
			form: {kind: 'joined', path: kubeletClientPlace},
		},
		{
			...served('kubelet', 'kubernetes', '', ['server'], [host.name, ...host.addresses]),
			// As the signer kubernetes.io/kubelet-serving wants it.
			subject: node,
			form: {kind: 'pair', ...kubeletServingPlaces},
		},
		...(virtual === undefined ? [] : [balancerItem(cluster, host)]),
	];
}

/** With what the balancer of a node learns who the masters are (balancerAccess in access.ts lets it). */
function balancerItem(cluster: PkiCluster, host: ClusterHost): PkiItem {
	const address = cluster.virtualAddresses[0] ?? '';
	const server = `https://${endpointText({address, port: cluster.apiPort})}`;
	const subject = {commonName: `${balancerGroup}:${host.name}`, organizations: [balancerGroup]};
	return kubeconfig(kubeconfigPlaces.balancer, server, subject);
}

/** kubeadm gives these to etcd by itself; tools on a master, and tunnels to it, reach an API server by them, too. */
const loopback = ['localhost', '127.0.0.1', '::1'];

/** The group of all balancers of a cluster. */
export const balancerGroup = 'sealimage:balancer';

function apiNames(cluster: PkiCluster, {name, addresses}: ClusterHost): readonly string[] {
	const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
	return [
		name,
		...service,
		`kubernetes.default.svc.${cluster.dnsDomain}`,
		...cluster.serviceAddresses,
		...addresses,
		cluster.endpoint.host,
		...cluster.virtualAddresses,
		...loopback,
		...cluster.apiNames,
	];
}

function etcdNames(cluster: PkiCluster, {name, addresses}: ClusterHost): readonly string[] {
	return [name, ...addresses, ...loopback, ...cluster.etcdNames];
}

/** kubeadm makes no certificate for these two; they would make one of a year at each start. */
function componentNames({name, addresses}: ClusterHost): readonly string[] {
	return [name, ...addresses, ...loopback];
}

function served(
	id: string,
	authority: AuthorityId,
	commonName: string,
	purposes: readonly KeyPurpose[],
	alternativeNames: readonly string[],
): PkiItem {
	const form = {kind: 'pair', ...pair(id)} as const;
	return {id, authority, subject: {commonName}, purposes, alternativeNames: [...new Set(alternativeNames)], form};
}

function client(id: string, authority: AuthorityId, subject: Subject): PkiItem {
	return {id, authority, subject, purposes: ['client'], alternativeNames: [], form: {kind: 'pair', ...pair(id)}};
}

function kubeconfig(path: string, server: string, subject: Subject): PkiItem {
	const id = path.slice(path.lastIndexOf('/') + 1);
	const form = {kind: 'kubeconfig', path, server, user: subject.commonName} as const;
	return {id, authority: 'kubernetes', subject, purposes: ['client'], alternativeNames: [], form};
}
