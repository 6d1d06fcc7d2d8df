import type {OperationOptions} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {AgentConnection} from '../agent/protocol.js';
import type {HostTarget} from '../host/target.js';
import type {ClusterState} from '../state/cluster-state.js';
import type {HostState} from '../state/host-state.js';
import type {Transport} from '../transport/transport.js';
import type {ActionInputs, ActionKind, ClusterAction} from './actions.js';
import type {ClusterSetting, SettingHost} from './setting.js';

/** What the performers of one run share. */
export interface ClusterRun {
	readonly setting: ClusterSetting;
	/** As it was before the run; a cluster that is new has none. */
	readonly known?: ClusterState | undefined;
	/** By name: every host of the setting, and those that leave. Of a host that does not answer there is no state. */
	readonly hosts: ReadonlyMap<string, RunHost>;
	/** Where the agent keeps content on hosts. */
	readonly root: string;
	/** Masters whose API server has answered, the one to ask first in front; grows while the run goes on. */
	liveMasters(): readonly RunHost[];
	/** Noted by init and join once the API server of a master answers. */
	noteLive(name: string): void;
	/** The folder of an image's tree on a host; known once its `content` action is done. */
	treeOf(host: string, image: string): string;
	/** Changes `state.done` and is written by the next `state` action; for actions without a host. */
	noteDone(id: string, key: Digest): Promise<void>;
}

export interface RunHost extends SettingHost {
	readonly target: HostTarget;
	readonly state?: HostState | undefined;
	/** One for the whole run; as root. */
	readonly transport: Transport;
	/** One session for the whole run, opened when it is first asked for and again when it broke. */
	agent(): Promise<AgentConnection>;
}

/** Does one action. What it did before it was interrupted must not be in the way of doing it again. */
export type Performer<K extends ActionKind> = (
	run: ClusterRun,
	action: ClusterAction<K> & {readonly input: ActionInputs[K]},
	options: OperationOptions,
) => Promise<void>;

export type Performers = {readonly [K in ActionKind]: Performer<K>};
