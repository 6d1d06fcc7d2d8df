import {endpointText} from '../../core/ip-address.js';
import type {Digest} from '../../oci/digest.js';
import {fieldsOf, type KubeadmDocument, kubeadmGroup} from '../kubeadm/document.js';
import {initDocuments, joinDocuments, type KubeadmCluster, type KubeadmNode} from '../kubeadm/documents.js';
import type {RunHost} from '../lifecycle/run.js';
import type {ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import {balancerAccess} from '../pki/cluster/access.js';
import {type ClusterHost, describeCluster, hostsOf, type PkiCluster, type PkiHost} from '../pki/cluster/description.js';
import {endpointUrl, itemsOf, localUrl} from '../pki/cluster/items.js';
import {kubeconfigPlaces} from '../pki/cluster/places.js';
import {digestOfValue} from '../plan/plan.js';
import type {AskedMaster} from './kubectl.js';

/** Where containerd of a cluster's hosts is asked. */
const criSocket = '/run/containerd/containerd.sock';

/** The cluster as kubeadm is told of it. */
export function kubeadmClusterOf(setting: ClusterSetting): KubeadmCluster {
	const {name, version, network, apiNames, proxyMode, hosts} = setting;
	return {
		name,
		version,
		network,
		apiNames,
		proxyMode,
		criSocket,
		hasCgroupV1: hosts.some(({hasCgroupV1}) => hasCgroupV1),
		hasWorkers: hosts.some(({isMaster}) => !isMaster),
		given: [...patience, ...setting.kubeadm],
	};
}

/** Four minutes are the default, which slow disks need for the first start of etcd alone. */
const patience: readonly KubeadmDocument[] = ['InitConfiguration', 'JoinConfiguration'].map(kind => ({
	apiVersion: `${kubeadmGroup}/v1beta4`,
	kind,
	timeouts: {controlPlaneComponentHealthCheck: '10m0s'},
}));

/** @throws SealError ERR_KUBEADM_DOCUMENT */
export function initDocumentsOf(setting: ClusterSetting, host: SettingHost): readonly KubeadmDocument[] {
	return initDocuments(kubeadmClusterOf(setting), nodeOf(host));
}

/** Hosts prove who they are with the certificate that they have already: no token is made. @throws SealError ERR_KUBEADM_DOCUMENT */
export function joinDocumentsOf(setting: ClusterSetting, host: SettingHost): readonly KubeadmDocument[] {
	return joinDocuments(kubeadmClusterOf(setting), nodeOf(host), {
		discovery: {kubeconfig: kubeconfigPlaces.kubelet},
		isMaster: host.isMaster,
	});
}

function nodeOf({nodeName, addresses}: SettingHost): KubeadmNode {
	return {name: nodeName, addresses};
}

/** Where etcd of the cluster is. */
export type EtcdSetting = 'external' | {readonly dataDir: string};

/** @throws SealError ERR_KUBEADM_DOCUMENT */
export function etcdOf(setting: ClusterSetting): EtcdSetting {
	const etcd = fieldsOf(clusterDocument(setting).etcd);
	if (etcd.external !== undefined) return 'external';
	const {dataDir} = fieldsOf(etcd.local);
	// It goes into scripts as an argument, and into the names of kubeadm's checks.
	return {dataDir: typeof dataDir === 'string' && /^\/[\w./-]+$/.test(dataDir) ? dataDir : '/var/lib/etcd'};
}

interface DescribedPki {
	readonly cluster: PkiCluster;
	/** By the names of their nodes. */
	readonly hosts: ReadonlyMap<string, ClusterHost>;
}

const described = new WeakMap<ClusterSetting, DescribedPki>();

/**
 * The cluster as its certificates depend on it: with the names and the endpoint that kubeadm itself will use. One setting is
 * described once: a thousand hosts ask for it.
 * @throws SealError ERR_PKI_CLUSTER, ERR_CIDR, ERR_KUBEADM_DOCUMENT
 */
export function pkiClusterOf(setting: ClusterSetting): PkiCluster {
	return describedPki(setting).cluster;
}

function describedPki(setting: ClusterSetting): DescribedPki {
	const known = described.get(setting);
	if (known !== undefined) return known;
	const cluster = describePki(setting);
	const made = {cluster, hosts: new Map(hostsOf(cluster).map(host => [host.name, host]))};
	described.set(setting, made);
	return made;
}

function describePki(setting: ClusterSetting): PkiCluster {
	const {version, network, hosts, keyAlgorithm} = setting;
	const {clusterName, controlPlaneEndpoint, apiServer, etcd} = clusterDocument(setting);
	const local = fieldsOf(fieldsOf(etcd).local);
	return describeCluster({
		kubernetesVersion: version.text,
		name: textOr(clusterName, setting.name),
		dnsDomain: network.dnsDomain,
		serviceCidrs: network.services,
		endpoint: textOr(controlPlaneEndpoint, endpointText({address: network.virtualAddress, port: network.apiPort})),
		apiPort: network.apiPort,
		virtualAddresses: [network.virtualAddress],
		apiNames: [...setting.apiNames, ...texts(fieldsOf(apiServer).certSANs)],
		etcdNames: [...texts(local.serverCertSANs), ...texts(local.peerCertSANs)],
		masters: hosts.filter(({isMaster}) => isMaster).map(pkiHost),
		nodes: hosts.filter(({isMaster}) => !isMaster).map(pkiHost),
		algorithm: keyAlgorithm,
	});
}

function pkiHost({nodeName, addresses}: SettingHost): PkiHost {
	const [address = '', ...others] = addresses;
	return {name: nodeName, address, addresses: others};
}

/** @throws SealError ERR_PKI_CLUSTER when the host is not of the setting, and as `pkiClusterOf` */
export function pkiHostOf(setting: ClusterSetting, {nodeName, addresses, isMaster}: SettingHost): ClusterHost {
	return describedPki(setting).hosts.get(nodeName) ?? {name: nodeName, addresses, isMaster};
}

/** A master, asked at its own API server. @throws SealError as `pkiHostOf` */
export function askedAt(setting: ClusterSetting, master: RunHost): AskedMaster & {readonly apiUrl: string} {
	const apiUrl = localUrl(pkiClusterOf(setting), pkiHostOf(setting, master));
	return {transport: master.transport, apiUrl};
}

/** ClusterConfiguration as kubeadm gets it, whoever said what is in it. */
function clusterDocument(setting: ClusterSetting): KubeadmDocument {
	const first = setting.hosts.find(({isMaster}) => isMaster) ?? setting.hosts[0];
	const node = first === undefined ? {name: '', addresses: []} : nodeOf(first);
	const found = initDocuments(kubeadmClusterOf(setting), node).find(({kind}) => kind === 'ClusterConfiguration');
	return found ?? {apiVersion: '', kind: 'ClusterConfiguration'};
}

function textOr(value: unknown, otherwise: string): string {
	return typeof value === 'string' && value !== '' ? value : otherwise;
}

function texts(value: unknown): readonly string[] {
	return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Of all that the certificates and kubeconfigs of a host depend on; of no key. Other hosts of the cluster do not count. */
export function certificatesDigest(setting: ClusterSetting, host: SettingHost): Digest {
	const cluster = pkiClusterOf(setting);
	const items = itemsOf(cluster, pkiHostOf(setting, host));
	return digestOfValue({cluster: setting.id, endpoint: endpointUrl(cluster), name: cluster.name, items});
}

/**
 * Of what cannot be another any more once kubeadm has run on a host. The rest of the documents counts at that moment: a later
 * change of it, or of who else is in the cluster, is no reason to run kubeadm again on a node that works.
 */
export function documentsDigest({id, version, network}: ClusterSetting, host: SettingHost): Digest {
	const {nodeName, addresses, isMaster} = host;
	return digestOfValue({cluster: id, version: version.text, network, nodeName, addresses, isMaster});
}

/** Of the objects that every cluster gets. */
export function accessDigest(): Digest {
	return digestOfValue(accessObjects());
}

/** What sealimage itself needs in a cluster. */
export function accessObjects(): readonly Readonly<Record<string, unknown>>[] {
	return balancerAccess();
}
