import {minorFacts} from '../../../lib/runtime/kubeadm/minors.js';
import {parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';
import {type FakeCluster, type FakeHost, type FakeWorld, hasApi, hasQuorum, workingMembers} from './fake-cluster.js';

/** Work in steps: between two of them anything may happen. `wait` means that nothing was done, as something is not there yet. */
export type Work = Generator<'step' | 'wait', void, void>;

/** An action did what nobody may do in this situation, or could not be done. */
export class FakeFailure extends Error {}

export function demand(holds: boolean, message: string): asserts holds {
	if (!holds) throw new FakeFailure(message);
}

/** `kubeadm init`, again where it was stopped. Never beside a cluster that lives. */
export function* init(world: FakeWorld, host: FakeHost, node: string): Work {
	const others = [...(world.cluster?.etcd.keys() ?? [])].filter(name => name !== node);
	demand(others.length === 0, `there is a cluster with ${others.join(', ')} already`);
	host.hasEtcdData = true;
	world.cluster ??= newCluster();
	world.cluster.etcd.set(node, 'member');
	yield 'step';
	host.hasManifests = true;
	yield 'step';
	host.hasKubeletConfig = true;
	host.stopped.delete('kubelet');
	world.cluster.nodes.add(node);
	yield 'step';
}

export function* joinNode(world: FakeWorld, host: FakeHost, node: string): Work {
	while (!hasApi(world)) yield 'wait';
	host.hasKubeletConfig = true;
	yield 'step';
	host.stopped.delete('kubelet');
	world.cluster!.nodes.add(node);
	yield 'step';
}

/**
 * `kubeadm join --control-plane`, again where it was stopped: a member without its data is taken out first, one that has them goes on.
 * Before 1.29 a new member counts before it works.
 */
export function* joinMaster(world: FakeWorld, host: FakeHost, node: string): Work {
	const {etcdLearner} = minorFacts(parseKubernetesVersion(`v1.${world.minor}.0`));
	// What is left of a beginning, or of a membership that was ended while the host was off, is of no use.
	if (world.cluster?.etcd.has(node) !== true) host.hasEtcdData = false;
	if (world.cluster?.etcd.get(node) === 'unstarted') {
		// Others may have lost their majority by it: only this host can give it back.
		host.hasEtcdData = true;
		world.cluster.etcd.set(node, 'member');
		yield 'step';
	}
	while (!hasApi(world)) yield 'wait';
	const {etcd, nodes} = world.cluster!;
	if (etcd.has(node) && !host.hasEtcdData) {
		deleteMember(world, node, false);
		yield 'step';
	}
	if (!etcd.has(node)) {
		const busy = [...etcd].find(([, kind]) => kind !== 'member');
		demand(busy === undefined, `${busy?.[0]} is on its way into etcd already`);
		demand(workingMembers(world).length === etcd.size, 'etcd takes no new member while one is missing');
		etcd.set(node, etcdLearner ? 'learner' : 'unstarted');
		yield 'step';
		host.hasEtcdData = true;
		yield 'step';
	}
	etcd.set(node, 'member');
	yield 'step';
	host.hasManifests = true;
	yield 'step';
	host.hasKubeletConfig = true;
	host.stopped.delete('kubelet');
	nodes.add(node);
	yield 'step';
}

/** etcd refuses what would leave it without a majority. */
export function deleteMember(world: FakeWorld, node: string, isForced: boolean): void {
	if (world.cluster?.etcd.has(node) !== true) return;
	demand(isForced || hasQuorum(world, node), `without ${node} etcd would have no majority`);
	world.cluster.etcd.delete(node);
}

function newCluster(): FakeCluster {
	return {etcd: new Map(), nodes: new Set(), access: undefined, secret: undefined, applications: new Map()};
}
