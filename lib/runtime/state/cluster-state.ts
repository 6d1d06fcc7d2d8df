import type {Digest} from '../../oci/digest.js';
import type {ClusterSetting} from '../lifecycle/setting.js';

/**
 * What is known of a cluster that is there: kept as a Secret in it (`kube-system/sealimage`), on every master
 * (`/var/lib/sealimage/cluster/state.json`, 0600) and in the operator's cache. Each copy alone is enough to go on; the one with
 * the greatest `generation` counts.
 */
export interface ClusterState {
	readonly schema: 1;
	/** Raised by one with each writing. */
	readonly generation: number;
	/** `sealimage` that wrote it. */
	readonly writtenBy: string;
	/** Hosts that are in the cluster or on their way into it; images that were brought. */
	readonly setting: ClusterSetting;
	/** How each host is reached, without secrets, by its name. */
	readonly reach: Readonly<Record<string, HostReach>>;
	/** What was done for the cluster as a whole: keys of actions by their ids. */
	readonly done: Readonly<Record<string, Digest>>;
}

export interface HostReach {
	readonly address: string;
	readonly port?: number | undefined;
	readonly user?: string | undefined;
	readonly jumps?: readonly string[] | undefined;
	/** Files on the operator's machine. */
	readonly identityFiles?: readonly string[] | undefined;
}
