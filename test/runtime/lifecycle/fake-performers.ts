import type {ActionInputs, ActionKind, ClusterAction} from '../../../lib/runtime/lifecycle/actions.js';
import type {PlanRequest} from '../../../lib/runtime/lifecycle/request.js';
import type {SettingHost} from '../../../lib/runtime/lifecycle/setting.js';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import {bareHost, type FakeHost, type FakeWorld, hasApi, workingMembers} from './fake-cluster.js';
import {deleteMember, demand, init, joinMaster, joinNode, type Work} from './fake-kubeadm.js';

/** What the actions of one run share. */
export interface FakeRun {
	readonly world: FakeWorld;
	readonly request: PlanRequest;
	/** What was done for the cluster as a whole. */
	readonly done: Map<string, string>;
}

/** Does an action as the real performers have to: half-done work is finished or done again, and the rules of kubeadm and etcd hold. */
export function perform(run: FakeRun, action: ClusterAction): Work {
	const host = action.host === undefined ? undefined : run.world.hosts.get(action.host);
	const work = performers[action.kind] as unknown as (run: FakeRun, input: unknown, host: FakeHost | undefined) => Work;
	return work(run, action.input, host);
}

type FakePerformers = {
	readonly [K in ActionKind]: (run: FakeRun, input: ActionInputs[K], host: FakeHost) => Work;
};

const performers: FakePerformers = {
	*content(_run, {images}, host) {
		for (const {name, manifest} of images) {
			yield 'step';
			host.content.set(name, manifest);
		}
	},
	*stage(_run, {place, images, from}, host) {
		for (const {name, manifest} of images)
			demand(host.content.get(name) === manifest, `${name} is not on ${host.name} as it should be`);
		host.staged.delete(place);
		yield 'step';
		host.staged.set(place, JSON.stringify([images, from]));
	},
	*hook({request}, {image, hook}, host) {
		demand(host.staged.has('rootfs'), `nothing is laid out on ${host.name}`);
		if (hook === 'command') demand(host.hasKubeletConfig, `${host.name} is not in the cluster yet`);
		if (hook === 'init') demand(host.prepared !== undefined, `${host.name} is not prepared`);
		demand(request.verb !== 'reset' || hook.startsWith('clean'), `the hook ${hook} has no place in a reset`);
		yield 'step';
		host.hooks.add(`${image} ${hook}`);
	},
	*prepare(_run, {wish}, host) {
		demand(host.staged.has('rootfs'), `nothing is laid out on ${host.name}`);
		host.prepared = undefined;
		yield 'step';
		host.prepared = wish;
		host.stopped.delete('containerd');
	},
	*registry({world, request}, input, host) {
		demand(host.prepared !== undefined, `${host.name} is not prepared`);
		const hasPeer = input.peers.some(name => world.hosts.get(name)?.registry !== undefined);
		if (!hasPeer) makeShared(world, 'registry', hostOf(request, host.name));
		yield 'step';
		host.registry = JSON.stringify(input);
		host.stopped.delete('registry');
	},
	*certificates({world, request}, {from}, host) {
		const hasAuthority = [...world.hosts.values()].some(({certificates}) => certificates !== undefined);
		if (!hasAuthority) makeShared(world, 'certificates', hostOf(request, host.name));
		yield 'step';
		host.certificates = from;
	},
	*balancer(_run, input, host) {
		demand(host.certificates !== undefined, `${host.name} does not know the authority of the cluster`);
		yield 'step';
		host.balancer = JSON.stringify(input);
		host.stopped.delete('balancer');
	},
	*init({world, request}, _input, host) {
		checkReady(host);
		yield* init(world, host, hostOf(request, host.name).nodeName);
	},
	*join({world, request}, {role}, host) {
		checkReady(host);
		const {nodeName} = hostOf(request, host.name);
		if (role === 'node') yield* joinNode(world, host, nodeName);
		else yield* joinMaster(world, host, nodeName);
	},
	*access({world}, {objects}) {
		yield* api(world);
		world.cluster!.access = objects;
	},
	*state({world, request, done}) {
		yield* api(world);
		const generation = (world.cache?.generation ?? 0) + 1;
		const setting = request.wanted;
		const left = new Set(request.leaving.map(({name}) => name));
		const state: ClusterState = {
			schema: 1,
			generation,
			writtenBy: 'test',
			setting: {...setting, hosts: setting.hosts.filter(({name}) => !left.has(name))},
			reach: {},
			done: Object.fromEntries(done) as ClusterState['done'],
		};
		world.cluster!.secret = state;
		world.cache = state;
		for (const {name} of state.setting.hosts.filter(({isMaster}) => isMaster)) {
			const master = world.hosts.get(name)!;
			if (!master.isUp || !master.hasManifests) continue;
			yield 'step';
			master.state = state;
		}
	},
	*application({world, request}, {image}) {
		yield* api(world);
		const left = new Set(request.leaving.map(({name}) => name));
		const masters = request.wanted.hosts.filter(({isMaster, name}) => isMaster && !left.has(name));
		const live = new Set(workingMembers(world).filter(({hasManifests}) => hasManifests));
		const runner = masters.map(({name}) => world.hosts.get(name)!).find(master => live.has(master));
		demand(runner?.staged.has(`application/${image}`) === true, `${image} is not laid out on a master`);
		yield 'step';
		world.cluster!.applications.set(image, (world.cluster!.applications.get(image) ?? 0) + 1);
	},
	*ready({world}, {nodes}) {
		yield* api(world);
		for (const node of nodes) demand(world.cluster!.nodes.has(node), `${node} is no node`);
	},
	*drain({world}, {node, isDead}) {
		yield* api(world);
		const host = world.hosts.get(world.hostOfNode.get(node) ?? '');
		demand(isDead || (host?.isUp === true && host.hasKubeletConfig), `${node} never lets go of its pods`);
	},
	*'leave-etcd'({world, request}, {node}) {
		yield* api(world);
		deleteMember(world, node, request.isForced === true);
		yield 'step';
	},
	*'delete-node'({world}, {node}) {
		yield* api(world);
		demand(!world.cluster!.etcd.has(node), `${node} is a member of etcd still`);
		yield 'step';
		world.cluster!.nodes.delete(node);
	},
	*reset({world, request}, {node}, host) {
		const isMember = world.cluster?.etcd.has(node) === true;
		demand(request.verb === 'reset' || !isMember, `${node} is a member of etcd still`);
		host.hasManifests = false;
		yield 'step';
		host.hasEtcdData = false;
		host.hasKubeletConfig = false;
		host.certificates = undefined;
		world.cluster?.etcd.delete(node);
		world.cluster?.nodes.delete(node);
		if (world.cluster?.etcd.size === 0) world.cluster = undefined;
		if ([...world.hosts.values()].every(({certificates}) => certificates === undefined)) world.makers.clear();
	},
	*restore(_run, _input, host) {
		demand(!host.hasKubeletConfig && !host.hasEtcdData, `Kubernetes is on ${host.name} still`);
		const {journal, member, content} = host;
		// What says that there is something of ours goes last.
		Object.assign(host, {...bareHost(host.name), journal, member, content});
		yield 'step';
		host.content = new Map();
		yield 'step';
		host.journal = new Map();
		host.member = undefined;
	},
};

function checkReady({name, prepared, registry, certificates, balancer}: FakeHost): void {
	demand(prepared !== undefined, `${name} is not prepared`);
	demand(registry !== undefined, `${name} has no registry`);
	demand(certificates !== undefined, `${name} has no certificates`);
	demand(balancer !== undefined, `${name} has no balancer`);
}

/** What all share is made by one master; a second one would make another. */
function makeShared(world: FakeWorld, what: 'registry' | 'certificates', {name, isMaster}: SettingHost): void {
	const maker = world.makers.get(what) ?? name;
	const isThere = world.hosts.get(maker)?.[what] !== undefined;
	demand(isMaster && (maker === name || isThere), `the ${what} of ${name} would differ from that of ${maker}`);
	world.makers.set(what, name);
}

/** Waits for the API; a host that is on its way back may bring it. */
function* api(world: FakeWorld): Work {
	while (!hasApi(world)) yield 'wait';
	yield 'step';
}

function hostOf({wanted, leaving}: PlanRequest, name: string): SettingHost {
	const host = [...wanted.hosts, ...leaving].find(one => one.name === name);
	demand(host !== undefined, `${name} is no part of this`);
	return host;
}
