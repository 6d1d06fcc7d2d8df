import type {Digest} from '../../oci/digest.js';
import {fieldsOf} from '../kubeadm/document.js';
import type {ClusterState} from '../state/cluster-state.js';
import type {HostKubernetes, HostState} from '../state/host-state.js';
import type {PlanRequest} from './request.js';
import type {ClusterSetting, SettingHost} from './setting.js';

/** A request as a plan sees it: who is there, who is in, and who acts. */
export interface Situation {
	readonly request: PlanRequest;
	/** What is known, once it was written to the cluster (generation 1); what one operator alone knows may never have begun. */
	readonly settled: ClusterState | undefined;
	/** Masters that stay or come, those that are silent too: what registries and balancers are told. */
	readonly wantedMasters: readonly SettingHost[];
	/** Those that stay or come and answer; only on them something is done. Masters first. */
	readonly hosts: readonly SettingHost[];
	readonly masters: readonly SettingHost[];
	/** Those that are in the cluster or have something of it; others left before. */
	readonly leaving: readonly SettingHost[];
	/** Masters with a whole control plane, those that leave too. */
	readonly serving: readonly SettingHost[];
	/** Where a cluster has to begin; undefined when it has begun. */
	readonly first: SettingHost | undefined;
	/** What other hosts wait for where somebody must be first: `first`, or a master that serves and stays. */
	readonly acting: SettingHost | undefined;
	/** There was a cluster, and no master that answers has its control plane. */
	readonly isLost: boolean;
	/** The host is in the cluster, and nothing says that it does not work. */
	readonly isJoined: (host: SettingHost) => boolean;
	/** What was done on the host for this cluster. */
	readonly journalOf: (host: SettingHost) => Readonly<Record<string, Digest>>;
	readonly stateOf: (host: SettingHost) => HostState | undefined;
	/** The host has something that this cluster brought. */
	readonly isOurs: (host: SettingHost) => boolean;
	/** Another cluster has the host, or a Kubernetes that we did not bring runs there. */
	readonly isTaken: (host: SettingHost) => boolean;
}

export function situationOf(request: PlanRequest): Situation {
	const {wanted, known, states} = request;
	const left = new Set(request.leaving.map(({name}) => name));
	const staying = wanted.hosts.filter(({name}) => !left.has(name));
	const settled = known !== undefined && known.generation > 0 ? known : undefined;
	const knownHosts = settled === undefined ? undefined : new Set(settled.setting.hosts.map(({name}) => name));
	const stateOf = ({name}: SettingHost): HostState | undefined => states.get(name);
	const isElsewhere = (state: HostState): boolean => state.member !== undefined && state.member.id !== wanted.id;
	const journalOf = (host: SettingHost): Readonly<Record<string, Digest>> => {
		const state = stateOf(host);
		return state === undefined || isElsewhere(state) ? {} : state.journal;
	};
	const isOurs = (host: SettingHost): boolean => {
		const state = stateOf(host);
		if (state === undefined || isElsewhere(state)) return false;
		return state.member !== undefined || Object.keys(state.journal).length > 0;
	};
	const isTaken = (host: SettingHost): boolean => {
		const state = stateOf(host);
		if (state === undefined) return false;
		if (state.member !== undefined) return isElsewhere(state);
		const isKnown = knownHosts?.has(host.name) === true;
		return !isKnown && Object.keys(state.journal).length === 0 && hasKubernetes(state.kubernetes);
	};
	const mayBeIn = ({name}: SettingHost): boolean => knownHosts === undefined || knownHosts.has(name);
	const leaving = request.leaving.filter(host => mayBeIn(host) || isOurs(host) || isTaken(host));
	// A host that the state does not know may have been deleted while it was off: its own journal says nothing of that.
	const isRecordedIn = (host: SettingHost): boolean => mayBeIn(host) && hasJoined(journalOf(host), host.name);
	const isWhole = hasOwnEtcd(wanted) ? hasControlPlane : hasApiServer;
	const serves = (host: SettingHost): boolean =>
		host.isMaster && isRecordedIn(host) && isWhole(stateOf(host)!.kubernetes);
	const hosts = mastersFirst(staying.filter(host => states.has(host.name)));
	const masters = hosts.filter(({isMaster}) => isMaster);
	const serving = [...masters, ...leaving].filter(serves);
	const isLost =
		serving.length === 0 && (settled !== undefined || [...hosts, ...leaving].some(host => isRecordedIn(host)));
	// One that was stopped in the middle of beginning goes on, whatever the order of masters is by now.
	const begun = masters.find(host => hasEtcd(stateOf(host)!) && !isElsewhere(stateOf(host)!));
	const first = serving.length > 0 ? undefined : (begun ?? masters[0]);
	return {
		request,
		settled,
		wantedMasters: staying.filter(({isMaster}) => isMaster),
		hosts,
		masters,
		leaving,
		serving,
		first,
		acting: first ?? masters.find(serves) ?? masters[0],
		isLost,
		isJoined: host => {
			const state = stateOf(host);
			if (state === undefined || !isRecordedIn(host)) return false;
			const {kubernetes} = state;
			return kubernetes.hasKubeletConfig && isUp(kubernetes.kubelet) && (!host.isMaster || isWhole(kubernetes));
		},
		journalOf,
		stateOf,
		isOurs,
		isTaken,
	};
}

/** Of a service as systemctl calls it. One that is being started is not down, and where nobody knows it counts as up. */
export function isUp(state: string | undefined): boolean {
	return state !== 'inactive' && state !== 'failed' && state !== 'deactivating';
}

/** Anything of Kubernetes is on the host. */
export function hasKubernetes(kubernetes: HostKubernetes): boolean {
	const {hasAdminConf, hasKubeletConf, hasKubeletConfig, manifests, hasEtcdData} = kubernetes;
	return hasAdminConf || hasKubeletConf || hasKubeletConfig || hasEtcdData || manifests.length > 0;
}

function hasControlPlane(kubernetes: HostKubernetes): boolean {
	return kubernetes.hasEtcdData && kubernetes.manifests.includes('etcd') && hasApiServer(kubernetes);
}

function hasApiServer({manifests, hasAdminConf}: HostKubernetes): boolean {
	return hasAdminConf && manifests.includes('kube-apiserver');
}

/** Masters have none where the user brings an etcd. */
function hasOwnEtcd({kubeadm}: ClusterSetting): boolean {
	return !kubeadm.some(({kind, etcd}) => kind === 'ClusterConfiguration' && fieldsOf(etcd).external !== undefined);
}

/** A master's journal may say both: it began the cluster, and was joined to it again later. */
export function hasJoined(journal: Readonly<Record<string, Digest>>, name: string): boolean {
	return Object.hasOwn(journal, `init/${name}`) || Object.hasOwn(journal, `join/${name}`);
}

function hasEtcd({kubernetes}: HostState): boolean {
	return kubernetes.hasEtcdData;
}

function mastersFirst(hosts: readonly SettingHost[]): readonly SettingHost[] {
	return [...hosts.filter(({isMaster}) => isMaster), ...hosts.filter(({isMaster}) => !isMaster)];
}
