import type {Digest} from '../../oci/digest.js';
import type {HostFacts} from '../facts/facts.js';
import type {ClusterState} from './cluster-state.js';

/** What a host says of itself, asked in one round trip by a shell, with nothing installed. */
export interface HostState {
	readonly facts: HostFacts;
	/** The cluster that sealimage brought it into. */
	readonly member?: HostMember | undefined;
	/** What was done on it: keys of actions by their ids (see journal.ts). It counts for this host alone. */
	readonly journal: Readonly<Record<string, Digest>>;
	readonly kubernetes: HostKubernetes;
	/** The copy of the cluster's state that is there. It counts on masters alone. */
	readonly state?: ClusterState | undefined;
	/** Images that were unpacked there, by name. */
	readonly images?: Readonly<Record<string, ObservedImage>> | undefined;
}

export interface HostMember {
	readonly cluster: string;
	readonly id: string;
	readonly role: 'master' | 'node';
}

export interface ObservedImage {
	readonly manifest: Digest;
	/** The folder of its tree on the host. */
	readonly tree: string;
}

export interface HostKubernetes {
	/** As systemctl says; `unknown` without systemd. */
	readonly kubelet: string;
	readonly containerd: string;
	/** Of sealimage: the registry and the load balancer. */
	readonly registry?: string | undefined;
	readonly balancer?: string | undefined;
	readonly hasAdminConf: boolean;
	readonly hasKubeletConf: boolean;
	/** Written by kubeadm when the kubelet has joined. */
	readonly hasKubeletConfig: boolean;
	/** Names of static pods: `etcd`, `kube-apiserver`. */
	readonly manifests: readonly string[];
	/** The data of a member of etcd is there, where its manifest says, else in `/var/lib/etcd`. */
	readonly hasEtcdData: boolean;
	/** The API server that runs on it answers `/readyz`; absent on others. */
	readonly apiReady?: boolean | undefined;
	/** Where that is, by an address of the host: `https://10.0.0.1:6443`. For use on the host itself. */
	readonly apiUrl?: string | undefined;
}
