import {shortReference} from '../../oci/reference.js';
import type {Draft} from './draft.js';
import {hookInput} from './plan-hosts.js';
import {baseImages} from './plan-images.js';
import {controlPlaneLane} from './plan-joins.js';
import {membersOf} from './quorum.js';
import type {SettingHost} from './setting.js';
import {hasKubernetes, isUp, type Situation} from './situation.js';

/** Hosts that leave, by what is left of them. */
export interface Leaving {
	/** They answer, and there is something of ours to be taken off. Of others the cluster is told, and nothing is done on them. */
	readonly alive: readonly SettingHost[];
	/** They are silent, have nothing of ours any more, or are masters whose etcd does not work. */
	readonly spent: readonly SettingHost[];
	readonly working: readonly SettingHost[];
}

export function leavingOf(situation: Situation): Leaving {
	const {request, leaving, isOurs, stateOf} = situation;
	const isAlive = (host: SettingHost): boolean => {
		if (isOurs(host)) return true;
		const state = stateOf(host);
		const isForced = request.isForced === true && state !== undefined && state.member === undefined;
		return isForced && hasKubernetes(state.kubernetes);
	};
	const {living} = membersOf(situation);
	const isWorking = (host: SettingHost): boolean => isAlive(host) && (!host.isMaster || living.has(host.name));
	return {
		alive: leaving.filter(isAlive),
		spent: leaving.filter(host => !isWorking(host)),
		working: leaving.filter(isWorking),
	};
}

/**
 * Takes hosts out of the cluster that do not work in it any more. It comes before anything else there: while a member is missing, etcd
 * takes no new one.
 * @returns what new masters have to wait for
 */
export function planSpent(situation: Situation, draft: Draft): readonly string[] {
	if (situation.serving.length === 0) return [];
	return takeOut(situation, draft, leavingOf(situation).spent, []);
}

/**
 * Takes hosts out of the cluster that work, when those that came for them are ready, and puts all that answer back as they were.
 * @param before what has to be done in etcd before a member leaves it
 */
export function planLeaving(situation: Situation, draft: Draft, before: readonly string[]): void {
	const {alive, working} = leavingOf(situation);
	if (situation.serving.length > 0) takeOut(situation, draft, working, before);
	for (const host of alive) reset(situation, draft, host, [`delete-node/${host.name}`]);
	for (const host of alive) restore(situation, draft, host);
}

/** The whole cluster goes: no work is moved, and nobody is left to be told. Masters stay for as long as there are nodes. */
export function planReset(situation: Situation, draft: Draft): void {
	const {alive} = leavingOf(situation);
	const nodes = alive.filter(({isMaster}) => !isMaster);
	const masters = alive.filter(({isMaster}) => isMaster);
	for (const host of nodes) reset(situation, draft, host, []);
	// Forced, a node that cannot be reset does not keep the others.
	const before = situation.request.isForced === true ? [] : nodes.map(({name}) => `reset/${name}`);
	for (const host of masters) reset(situation, draft, host, before);
	for (const host of alive) restore(situation, draft, host);
}

function takeOut(
	{stateOf, isOurs}: Situation,
	draft: Draft,
	hosts: readonly SettingHost[],
	first: readonly string[],
): readonly string[] {
	for (const host of hosts) {
		const kubelet = stateOf(host)?.kubernetes.kubelet;
		const isDead = kubelet === undefined || !isOurs(host) || !isUp(kubelet);
		draft.add('drain', {
			id: `drain/${host.name}`,
			host: host.name,
			phase: 'move work away',
			title: isDead ? `give up what runs on ${host.nodeName}` : `move what runs on ${host.nodeName} elsewhere`,
			destroys: isDead ? 'its pods, and what only they keep' : 'what its pods keep in folders of their own (emptyDir)',
			lane: 'drain',
			after: isDead ? [] : ['ready'],
			input: {node: host.nodeName, isDead},
		});
	}
	let before = first;
	for (const host of hosts.filter(({isMaster}) => isMaster)) {
		const id = `leave-etcd/${host.name}`;
		draft.add('leave-etcd', {
			id,
			host: host.name,
			phase: 'leave etcd',
			title: `take ${host.nodeName} out of etcd`,
			destroys: 'its copy of the data of etcd',
			lane: controlPlaneLane,
			after: [`drain/${host.name}`, ...before],
			input: {node: host.nodeName, peerAddress: host.addresses[0] ?? ''},
		});
		before = [id];
	}
	for (const host of hosts) {
		draft.add('delete-node', {
			id: `delete-node/${host.name}`,
			host: host.name,
			phase: 'delete nodes',
			title: `delete the node ${host.nodeName}`,
			destroys: 'what the cluster knows of the node: its labels and taints',
			after: [`drain/${host.name}`, `leave-etcd/${host.name}`],
			input: {node: host.nodeName},
		});
	}
	return before;
}

function reset({request}: Situation, draft: Draft, host: SettingHost, after: readonly string[]): void {
	const role = host.isMaster ? 'master' : 'node';
	const isWhole = request.verb === 'reset' && host.isMaster;
	draft.add('reset', {
		id: `reset/${host.name}`,
		host: host.name,
		phase: 'reset hosts',
		title: 'stop what runs, and take Kubernetes off',
		destroys: isWhole
			? 'the cluster: every object in it, and the data of etcd'
			: 'the containers on the host and what only they keep',
		after,
		input: {node: host.nodeName, role},
	});
}

/** The hooks that clean up need the files that were laid out; then all of ours goes. */
function restore(situation: Situation, draft: Draft, host: SettingHost): void {
	const {wanted, known} = situation.request;
	let before = [`reset/${host.name}`];
	const names = ['clean', 'clean-cri', ...(host.isMaster ? ['clean-registry'] : [])];
	const isStaged = Object.hasOwn(situation.journalOf(host), `stage/${host.name}/rootfs`);
	for (const image of isStaged ? [...baseImages(known?.setting ?? wanted)].reverse() : []) {
		for (const name of names) {
			const line = Object.hasOwn(image.hooks, name) ? image.hooks[name] : undefined;
			if (line === undefined || !Object.hasOwn(image.platforms, host.platform)) continue;
			const id = `hook/${host.name}/${image.name}/${name}`;
			draft.add('hook', {
				id,
				host: host.name,
				phase: 'run clean hooks',
				title: `run the hook ${name} of ${shortReference(image.name)}`,
				after: before,
				input: hookInput(situation, host, image, name, line),
			});
			before = [id];
		}
	}
	draft.add('restore', {
		id: `restore/${host.name}`,
		host: host.name,
		phase: 'put hosts back',
		title: 'put the host back as it was found',
		destroys: 'images, and everything else that was brought to the host',
		after: before,
		input: {cluster: wanted.name},
	});
}
