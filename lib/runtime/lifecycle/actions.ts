import type {Digest} from '../../oci/digest.js';
import type {PlannedAction} from '../plan/action.js';

/**
 * Every kind of step in the life of a cluster, with what it is keyed by. An input says *what shall be*, in digests where it is
 * long: the performer works the rest out of the setting. An action is done when its key (`keyOf`) is in the journal of its host, or for
 * those without a host in the state of the cluster, under its id. Those that take something away are not written down (`isRecorded`).
 */
export interface ActionInputs {
	/** Images brought to the host and unpacked; the hosts of one plan share one distribution. */
	content: {readonly images: readonly {readonly name: string; readonly manifest: Digest}[]};
	/** A working copy of the trees of images, the later over the earlier, with Configs and templates applied. */
	stage: {
		/** `rootfs`, or `application/NAME`. */
		readonly place: string;
		readonly images: readonly {readonly name: string; readonly manifest: Digest}[];
		/** Of Configs and env that go into it. */
		readonly from: Digest;
	};
	/** A script of an image: `check`, `init`, ...; or `command`: a line of the ENTRYPOINT or CMD of an image that is laid out on every host, run there. */
	hook: {readonly image: string; readonly hook: string; readonly line: string; readonly from: Digest};
	/** Files, units, modules and settings of a node: `wish` is the digest of its NodeWish. */
	prepare: {readonly wish: Digest};
	/** The registry of the host. `peers`: names of masters that serve the others. */
	registry: {readonly peers: readonly string[]; readonly images: readonly Digest[]};
	/** All certificates and kubeconfigs of the host. `from`: the digest of what they depend on, without keys. */
	certificates: {readonly from: Digest};
	/** The load balancer of the host. `members`: main addresses of masters, all with this port. */
	balancer: {readonly members: readonly string[]; readonly address: string; readonly port: number};
	/** `kubeadm init` on the first master. `documents`: the digest of what kubeadm gets. */
	init: {readonly version: string; readonly documents: Digest};
	/** `kubeadm join`. Of a master: one at a time, with etcd healthy before and after. */
	join: {readonly version: string; readonly role: 'master' | 'node'; readonly documents: Digest};
	/** Objects in the cluster that sealimage itself needs. */
	access: {readonly objects: Digest};
	/** The state of the cluster, written to the masters and into the cluster. */
	state: {readonly setting: Digest};
	/** The lines of an application, on a master. `from`: the digest of lines, env and image. */
	application: {readonly image: string; readonly from: Digest};
	/** Until all nodes are Ready, and what applications brought is. */
	ready: {readonly nodes: readonly string[]};

	/** Work moves off the node. `isDead`: the host does not answer or runs nothing any more, so nothing is waited for. The node may be gone already. */
	drain: {readonly node: string; readonly isDead: boolean};
	/** The member of etcd on this master goes; asked of another master. */
	'leave-etcd': {readonly node: string; readonly peerAddress: string};
	/** The object of the node goes. */
	'delete-node': {readonly node: string};
	/** Pods stopped, and everything of Kubernetes taken off the host. */
	reset: {readonly node: string; readonly role: 'master' | 'node'};
	/** The balancer, the registry, what preparing changed, content and agent: the host is as it was found, and looked at again. */
	restore: {readonly cluster: string};
}

export type ActionKind = keyof ActionInputs;

export type ClusterAction<K extends ActionKind = ActionKind> = {
	[Kind in K]: PlannedAction<Kind, ActionInputs[Kind]>;
}[K];
