import type {Digest} from '../../../lib/oci/digest.js';
import type {PlanRequest} from '../../../lib/runtime/lifecycle/request.js';
import type {ClusterSetting, SettingHost} from '../../../lib/runtime/lifecycle/setting.js';
import {digestOfValue} from '../../../lib/runtime/plan/plan.js';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import type {HostMember, HostState} from '../../../lib/runtime/state/host-state.js';
import {changed, soundFacts} from '../../helpers/recorded-facts.js';
import {wishesOf} from './settings.js';

/** A host as far as the life of a cluster touches it. Everything but `name`, `isUp` and the services is on its disk. */
export interface FakeHost {
	readonly name: string;
	isUp: boolean;
	/** Services that somebody has stopped. */
	stopped: Set<'kubelet' | 'containerd' | 'registry' | 'balancer'>;
	content: Map<string, Digest>;
	staged: Map<string, string>;
	hooks: Set<string>;
	prepared: Digest | undefined;
	registry: string | undefined;
	certificates: Digest | undefined;
	balancer: string | undefined;
	hasKubeletConfig: boolean;
	hasEtcdData: boolean;
	hasManifests: boolean;
	member: HostMember | undefined;
	journal: Map<string, Digest>;
	state: ClusterState | undefined;
}

/** What etcd says of a member. `unstarted`: it counts, and does not work yet; `learner`: it does not count yet. */
export type FakeMember = 'member' | 'learner' | 'unstarted';

/** What is in etcd: it is there for as long as any member has its data. */
export interface FakeCluster {
	/** By the names of nodes. */
	readonly etcd: Map<string, FakeMember>;
	readonly nodes: Set<string>;
	access: Digest | undefined;
	secret: ClusterState | undefined;
	/** How often each ran. */
	readonly applications: Map<string, number>;
}

/** Hosts and the cluster on them, under the rules of a minor of Kubernetes. */
export interface FakeWorld {
	readonly minor: number;
	readonly hosts: Map<string, FakeHost>;
	/** Names of nodes to names of hosts. */
	readonly hostOfNode: Map<string, string>;
	cluster: FakeCluster | undefined;
	/** What the operator remembers; written before anything is done. */
	cache: ClusterState | undefined;
	/** The host that made what others share, for as long as nobody else has it. */
	readonly makers: Map<'registry' | 'certificates', string>;
}

export function createWorld(minor: number, hosts: readonly SettingHost[]): FakeWorld {
	return {
		minor,
		hosts: new Map(hosts.map(({name}) => [name, bareHost(name)])),
		hostOfNode: new Map(hosts.map(({name, nodeName}) => [nodeName, name])),
		cluster: undefined,
		cache: undefined,
		makers: new Map(),
	};
}

export function bareHost(name: string): FakeHost {
	return {
		name,
		isUp: true,
		stopped: new Set(),
		content: new Map(),
		staged: new Map(),
		hooks: new Set(),
		prepared: undefined,
		registry: undefined,
		certificates: undefined,
		balancer: undefined,
		hasKubeletConfig: false,
		hasEtcdData: false,
		hasManifests: false,
		member: undefined,
		journal: new Map(),
		state: undefined,
	};
}

/** The hosts whose member of etcd works now. */
export function workingMembers(world: FakeWorld): readonly FakeHost[] {
	return [...(world.cluster?.etcd ?? [])].flatMap(([node, kind]) => {
		const host = world.hosts.get(world.hostOfNode.get(node) ?? '');
		return kind === 'member' && host?.isUp === true && host.hasEtcdData ? [host] : [];
	});
}

/** Enough of those that count work. */
export function hasQuorum(world: FakeWorld, without?: string): boolean {
	const voting = [...(world.cluster?.etcd ?? [])].filter(([node, kind]) => kind !== 'learner' && node !== without);
	const leaver = world.hostOfNode.get(without ?? '');
	const working = workingMembers(world).filter(({name}) => name !== leaver).length;
	return voting.length > 0 && working >= Math.floor(voting.length / 2) + 1;
}

/** Somebody answers for the API: a control plane on a host whose etcd is one of a majority. */
export function hasApi(world: FakeWorld): boolean {
	return hasQuorum(world) && workingMembers(world).some(({hasManifests}) => hasManifests);
}

/** What hosts that answer say of themselves. */
export function observe(world: FakeWorld, hosts: readonly SettingHost[]): ReadonlyMap<string, HostState> {
	const found = new Map<string, HostState>();
	for (const one of hosts) {
		const {name, nodeName} = one;
		const host = world.hosts.get(name);
		if (host?.isUp !== true) continue;
		const isMember = world.cluster?.etcd.get(nodeName) === 'member';
		found.set(name, {
			facts: factsOf(one),
			member: host.member,
			journal: Object.fromEntries(host.journal),
			kubernetes: {
				kubelet: service(host, 'kubelet', host.hasKubeletConfig),
				containerd: service(host, 'containerd', host.prepared !== undefined),
				registry: service(host, 'registry', host.registry !== undefined),
				balancer: service(host, 'balancer', host.balancer !== undefined),
				hasAdminConf: host.certificates !== undefined,
				hasKubeletConf: host.certificates !== undefined,
				hasKubeletConfig: host.hasKubeletConfig,
				manifests: host.hasManifests ? ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] : [],
				hasEtcdData: host.hasEtcdData,
				...(host.hasManifests ? {apiReady: isMember && hasQuorum(world)} : {}),
			},
			state: host.state,
			images: Object.fromEntries(
				[...host.content].map(([image, manifest]) => [image, {manifest, tree: `/trees/${image}`}]),
			),
		});
	}
	return found;
}

function service(
	{stopped}: FakeHost,
	name: 'kubelet' | 'containerd' | 'registry' | 'balancer',
	isThere: boolean,
): string {
	return isThere && !stopped.has(name) ? 'active' : 'inactive';
}

/** The request that the command line makes of what it finds. */
export function requestFor(
	world: FakeWorld,
	wanted: ClusterSetting,
	change: Partial<PlanRequest> & Pick<PlanRequest, 'verb'>,
): PlanRequest {
	const {leaving = []} = change;
	const known = knownOf(world);
	const names = new Map([...wanted.hosts, ...leaving].map(host => [host.name, host]));
	return {
		wanted,
		known,
		states: observe(world, [...names.values()]),
		leaving,
		applications: [],
		wishes: wishesOf(wanted, leaving),
		...change,
	};
}

/** What the operator remembers. Copies on hosts are not asked: one on a host that was deleted while it was off is of the past. */
export function knownOf({cache}: FakeWorld): ClusterState | undefined {
	return cache;
}

/** Everything that a person could find, in an order that does not depend on how it came to be. */
export function picture(world: FakeWorld): unknown {
	const hosts = [...world.hosts.values()].map(host => ({
		...host,
		content: sorted(host.content),
		staged: sorted(host.staged),
		stopped: [...host.stopped],
		hooks: [...host.hooks].sort(),
		journal: sorted(host.journal),
		state: host.state === undefined ? undefined : pictureOfState(host.state),
	}));
	hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
	const {cluster} = world;
	return {
		hosts,
		cluster:
			cluster === undefined
				? undefined
				: {
						etcd: sorted(cluster.etcd),
						nodes: [...cluster.nodes].sort(),
						access: cluster.access,
						applications: [...cluster.applications.keys()].sort(),
						secret: cluster.secret === undefined ? undefined : pictureOfState(cluster.secret),
					},
	};
}

/** How often it was written does not matter; nor what each copy says of what was done, for the newest counts. */
function pictureOfState({setting}: ClusterState): unknown {
	return digestOfValue(setting);
}

function sorted<V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] {
	return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

const facts = new Map<string, HostState['facts']>();

/** Sound hosts in one network, each with an address of its own. */
function factsOf({name, nodeName, addresses}: SettingHost): HostState['facts'] {
	const key = [name, nodeName, ...addresses].join(' ');
	const known = facts.get(key);
	if (known !== undefined) return known;
	const made = changed(soundFacts, one => {
		one.host = name;
		one.identity.hostname = nodeName;
		one.network.interfaces = [{name: 'eth0', addresses: addresses.map(address => `${address}/16`), hardware: true}];
		one.network.routes = [];
		one.network.nameServers = [];
		one.network.proxies = {};
	});
	facts.set(key, made);
	return made;
}
