import {SealError} from '../../core/errors.js';
import {digestOfValue} from '../plan/plan.js';
import type {ClusterState} from './cluster-state.js';
import type {HostState} from './host-state.js';
import {wayTo} from './reach.js';

/** A host that has answered, and whether others say that it is a master. */
export interface Witness {
	readonly name: string;
	readonly isMaster: boolean;
	readonly state: HostState;
	/** It is this very machine: what it calls local is local here. */
	readonly isLocal?: boolean | undefined;
}

/**
 * The state of a cluster out of the copies that there are: that of masters with the greatest generation, or what the operator
 * knows when nobody knows more. Of different copies with one generation that counts which most masters have. Copies of a
 * cluster other than the known one are passed over: that a host is in another cluster is a finding of its own.
 * @param known the operator's own copy; how hosts are reached comes from there as far as it says so: a master must not send
 * logins elsewhere
 * @throws SealError ERR_CLUSTER_STATE when masters disagree about which cluster they are, and nothing else tells
 */
export function newestState(witnesses: readonly Witness[], known?: ClusterState): ClusterState | undefined {
	const copies = witnesses.flatMap(({name, isMaster, isLocal = false, state: {state, member}}): readonly Copy[] => {
		const isOwn = state !== undefined && (member === undefined || member.id === state.setting.id);
		return isMaster && isOwn ? [{name, state: isLocal ? state : withoutLocal(state)}] : [];
	});
	const ours = known === undefined ? copies : copies.filter(({state}) => state.setting.id === known.setting.id);
	const [first] = ours;
	if (first === undefined) return known;
	const other = ours.find(({state}) => state.setting.id !== first.state.setting.id);
	if (other !== undefined) throw disagreement(first, other);
	const newest = mostHeld(ours.map(({state}) => state));
	if (known !== undefined && known.generation >= newest.generation) return known;
	return withReachOf(newest, known);
}

/** The greatest generation, and of its variants that which most have; the first of equals. */
function mostHeld(states: readonly ClusterState[]): ClusterState {
	const generation = states.reduce((most, state) => Math.max(most, state.generation), 0);
	const held = new Map<string, {readonly state: ClusterState; count: number}>();
	for (const state of states) {
		if (state.generation !== generation) continue;
		const digest = digestOfValue(state);
		const found = held.get(digest) ?? {state, count: 0};
		found.count++;
		held.set(digest, found);
	}
	return [...held.values()].reduce((most, found) => (found.count > most.count ? found : most)).state;
}

/** Files that a copy names are those of another operator, and a way through other hosts is one that logins would be given to. */
function withReachOf(state: ClusterState, known: ClusterState | undefined): ClusterState {
	const reach = state.setting.hosts.map(host => {
		const {identityFiles: _files, jumps: _jumps, ...said} = wayTo(state, host);
		const isKnown = known !== undefined && Object.hasOwn(known.reach, host.name);
		return [host.name, isKnown ? wayTo(known, host) : said] as const;
	});
	return {...state, reach: Object.fromEntries(reach)};
}

/** A host that says that another one is the operator's own machine would have everything done there. */
function withoutLocal(state: ClusterState): ClusterState {
	const reach = state.setting.hosts.map(host => {
		const way = wayTo(state, host);
		return [host.name, way.address === 'local' ? {...way, address: host.addresses[0] ?? host.name} : way] as const;
	});
	return {...state, reach: Object.fromEntries(reach)};
}

interface Copy {
	readonly name: string;
	readonly state: ClusterState;
}

function disagreement(one: Copy, other: Copy): SealError {
	const shown = ({name, state: {setting}}: Copy): string => `${name} is in "${setting.name}" (${setting.id})`;
	return new SealError('ERR_CLUSTER_STATE', `The hosts are in different clusters: ${shown(one)}, ${shown(other)}`, {
		hint: 'Name the hosts of one cluster, or the cluster itself.',
		details: {hosts: [one.name, other.name], ids: [one.state.setting.id, other.state.setting.id]},
	});
}
