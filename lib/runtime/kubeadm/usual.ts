import {type KubeadmDocument, kubeadmGroup} from './document.js';
import {initDocuments} from './documents.js';
import {readNetwork} from './network.js';
import {parseKubernetesVersion} from './version.js';

/**
 * The documents that a cluster of this version gets when nobody says otherwise, with what is given over them: those of the cluster as
 * a whole, not those of one node.
 * @throws SealError ERR_KUBERNETES_VERSION, ERR_KUBEADM_DOCUMENT, ERR_CLUSTER_NETWORK, ERR_CIDR
 */
export function usualDocuments(version: string, given: readonly KubeadmDocument[]): readonly KubeadmDocument[] {
	const cluster = {
		name: 'default',
		version: parseKubernetesVersion(version),
		network: readNetwork(given),
		apiNames: [],
		proxyMode: 'iptables',
		criSocket: '/run/containerd/containerd.sock',
		hasCgroupV1: false,
		hasWorkers: true,
		given,
	} as const;
	const ofNode = new Set([`${kubeadmGroup} InitConfiguration`, `${kubeadmGroup} JoinConfiguration`]);
	return initDocuments(cluster, {name: 'master', addresses: ['127.0.0.1']})
		.filter(({apiVersion, kind}) => !ofNode.has(`${apiVersion.split('/')[0]} ${kind}`))
		.map(withoutOurs);
}

/** What is settled when the cluster is made must not be taken for what somebody said. */
function withoutOurs(document: KubeadmDocument): KubeadmDocument {
	const {
		clusterName: _name,
		kubernetesVersion: _version,
		controlPlaneEndpoint: _endpoint,
		mode: _mode,
		...rest
	} = document;
	return rest as KubeadmDocument;
}
