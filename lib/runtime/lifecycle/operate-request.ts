import type {OperationOptions} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {ClusterImageSource} from '../application/read-image.js';
import type {DistributeOptions} from '../distribute/run.js';
import type {HostLogin, HostTarget} from '../host/target.js';
import type {Proposal} from './operated.js';
import type {SettleRequest, WantedHost} from './settle.js';

/** A host that a request names. Its roles say what it is: `master` or `node` is among them. */
export type NamedHost = Pick<WantedHost, 'target' | 'env' | 'addresses'>;

/** A cluster as somebody wants it: made when it is not there, changed when it is. */
export interface RunRequest extends Omit<SettleRequest, 'known' | 'hosts' | 'images'> {
	/** Those that it shall have, beside those that it has; with `isWhole` others leave it. */
	readonly hosts: readonly NamedHost[];
	/** Names, digests or short digests of images in the store, in the order in which they count. */
	readonly images: readonly string[];
	/** Wait until what applications brought is ready, too. */
	readonly isWaiting?: boolean | undefined;
}

/** Hosts that join a cluster that is there. */
export interface AddHostsRequest {
	readonly name: string;
	readonly hosts: readonly NamedHost[];
}

/** Hosts that leave a cluster, or all of it. */
export interface LeaveRequest {
	readonly name: string;
	/** For `resetCluster`: hosts that nobody remembers, beside those of the cluster; may be empty. */
	readonly hosts: readonly HostTarget[];
}

/** Brings agents to hosts, as `distribute` wants it. */
export interface AgentSource extends Pick<DistributeOptions, 'installAgent' | 'agentBundle'> {
	/** Called once no host needs an agent any more, before the ways to hosts are closed. */
	close(): Promise<void>;
}

export interface OperateOptions extends OperationOptions, Pick<DistributeOptions, 'open' | 'concurrency'> {
	/** Images, and what can be computed again of them. */
	readonly store: DistributeOptions['store'] & ClusterImageSource;
	/** Where the agent for hosts comes from, when hosts get images with these names; asked once. Without it hosts must have one. */
	readonly agents?: ((images: readonly string[]) => AgentSource) | undefined;
	/** Where this operator remembers clusters: a folder that only its user may read. */
	readonly clustersDir: string;
	/** Who does it and from where, for those who find the cluster locked. */
	readonly operator: {readonly who: string; readonly from: string};
	/** The version of sealimage, for the state of the cluster. */
	readonly writtenBy: string;
	/** How to log in to hosts that are remembered, beside what is remembered of the way to them. */
	readonly login?: HostLogin | undefined;
	/** Where the agent keeps content on hosts, when not in the usual place. */
	readonly root?: string | undefined;
	/** Shown the plan before anything is touched; false ends it there. Without it nobody is asked. */
	readonly confirm?: ((proposal: Proposal) => Promise<boolean>) | undefined;
	/** The plan and nothing else, also when hosts are not fit for it. */
	readonly isDryRun?: boolean | undefined;
	/** The plan that was agreed to. Another one is refused. */
	readonly agreed?: {readonly digest: Digest; readonly basis: Digest} | undefined;
	/** Once aborted nothing more begins, and what runs is brought to its end. `signal` stops at once. */
	readonly stop?: AbortSignal | undefined;
	/** Findings about hosts that are known, by id. */
	readonly ignore?: readonly string[] | undefined;
	/** Runs applications again, takes hosts from other clusters, and does what costs etcd its quorum. */
	readonly isForced?: boolean | undefined;
	/** Milliseconds since 1970. */
	readonly now?: (() => number) | undefined;
}
