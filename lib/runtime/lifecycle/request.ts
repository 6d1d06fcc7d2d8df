import type {Digest} from '../../oci/digest.js';
import type {ClusterState} from '../state/cluster-state.js';
import type {HostState} from '../state/host-state.js';
import type {ClusterSetting, SettingHost} from './setting.js';

export type ClusterVerb = 'run' | 'apply' | 'add' | 'delete' | 'reset';

/** All that a plan follows from. */
export interface PlanRequest {
	readonly verb: ClusterVerb;
	/** The cluster as it shall be; for `reset` as it is. */
	readonly wanted: ClusterSetting;
	/** What is known of the cluster; of generation 0 as long as only the operator knows it. */
	readonly known?: ClusterState | undefined;
	/** What hosts say, by their names: those of `wanted` and those that leave. One that does not answer is not in it. */
	readonly states: ReadonlyMap<string, HostState>;
	/** Hosts that go, which are not in `wanted`; for `reset` all of them, and there they are. */
	readonly leaving: readonly SettingHost[];
	/** Names of images whose lines shall run, once with what they are run with; in the order of `wanted.images`. */
	readonly applications: readonly string[];
	/** Runs applications again, takes hosts from other clusters, and does what costs etcd its quorum. */
	readonly isForced?: boolean | undefined;
	readonly wishes: PlanWishes;
}

/**
 * What is wished of hosts where it is long, as digests: of the same wish always the same. Asked for hosts that answer; what is slow
 * to say should be remembered.
 */
export interface PlanWishes {
	/** Of its NodeWish. */
	readonly wishOf: (host: SettingHost) => Digest;
	/** Of the documents that kubeadm gets on it. */
	readonly documentsOf: (host: SettingHost) => Digest;
	/** Of all that its certificates and kubeconfigs depend on. */
	readonly certificatesOf: (host: SettingHost) => Digest;
	/** Of the objects in the cluster that sealimage itself needs. */
	readonly accessObjects: Digest;
	/** Of the Configs and variables that go into a working copy; `place` as in the action `stage`. */
	readonly stageFrom: (host: SettingHost, place: string) => Digest;
	/** What of its content has to be moved to it, in bytes; undefined when nobody knows. */
	readonly bytesMissing: (host: SettingHost) => number | undefined;
}
