import type {SealEvent} from '../../core/events.js';
import type {ActionOutcome} from '../plan/perform.js';
import type {Plan} from '../plan/plan.js';
import type {HostFinding} from '../preflight/finding.js';
import type {ClusterState, HostReach} from '../state/cluster-state.js';
import type {ClusterAction} from './actions.js';
import type {ClusterSetting, SettingHost} from './setting.js';

/** What would be done, and why: shown to people before anything is touched. */
export interface Proposal {
	readonly plan: Plan<ClusterAction>;
	/** The cluster as it shall be; after a reset nothing of it is left. */
	readonly setting: ClusterSetting;
	/** The cluster as it was, if there was one. */
	readonly known?: ClusterState | undefined;
	/** Hosts that leave it. */
	readonly leaving: readonly SettingHost[];
	/** Images whose lines are run, once with what they are run with. */
	readonly applications: readonly string[];
	/** How each host is reached, without secrets. */
	readonly reach: Readonly<Record<string, HostReach>>;
	readonly isForced: boolean;
	/** What preflight and the checks of the request have to say. Errors are among it only when no more was wanted than the plan. */
	readonly findings: readonly HostFinding[];
	/** Hosts of the cluster that do not answer, with why. Nothing is planned for them but their removal. */
	readonly silent: readonly {readonly host: string; readonly error: unknown}[];
}

/**
 * `nothing`: there was nothing to do. `planned`: nothing more was wanted than the plan. `declined`: whoever was asked said no. `stopped`: it was
 * stopped between two actions; the same request goes on with it, as after `failed`.
 */
export type OperatedEnd = 'nothing' | 'planned' | 'declined' | 'done' | 'failed' | 'stopped';

/** What came of an operation on a cluster. */
export interface Operated extends Proposal {
	readonly end: OperatedEnd;
	/** Of every action, in the order of the plan; none when nothing was begun. */
	readonly outcomes: readonly ActionOutcome[];
	/** Hosts that left and were put back. */
	readonly restored: readonly RestoredHost[];
	readonly elapsedMs: number;
}

/** `clean`: a second look at the host found nothing that was not there before. */
export type RestoredHost = Omit<Extract<SealEvent, {type: 'host.restored'}>, 'type'>;
