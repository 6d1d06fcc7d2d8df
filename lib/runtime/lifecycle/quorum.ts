import type {SettingHost} from './setting.js';
import {hasControlPlane, type Situation} from './situation.js';

/** A step at which etcd would have fewer living members than it needs. */
export interface QuorumLoss {
	/** The master whose leaving costs it; undefined when it is lost as things are. */
	readonly at: string | undefined;
	readonly members: number;
	readonly living: number;
}

/** Members of etcd as far as hosts and the state tell. */
export interface EtcdMembers {
	/** Masters that are members, or were and do not answer. */
	readonly members: readonly SettingHost[];
	/** The names of those whose etcd works. */
	readonly living: ReadonlySet<string>;
	/** An API server answers, which it does only when etcd has a majority. */
	readonly hasQuorum: boolean;
}

export function membersOf({settled, leaving, wantedMasters, serving, stateOf}: Situation): EtcdMembers {
	const known = settled?.setting.hosts.filter(({isMaster}) => isMaster) ?? [];
	const candidates = new Map([...known, ...wantedMasters, ...leaving].map(host => [host.name, host]));
	const inState = new Set(known.map(({name}) => name));
	const served = new Set(serving.map(({name}) => name));
	const members = [...candidates.values()].filter(host => {
		const state = stateOf(host);
		return host.isMaster && (state === undefined ? inState.has(host.name) : served.has(host.name));
	});
	const living = members.filter(host => {
		const kubernetes = stateOf(host)?.kubernetes;
		return kubernetes !== undefined && hasControlPlane(kubernetes) && kubernetes.apiReady !== false;
	});
	const hasQuorum = living.some(host => stateOf(host)?.kubernetes.apiReady === true);
	return {members, living: new Set(living.map(({name}) => name)), hasQuorum: hasQuorum || isMajority(living, members)};
}

/**
 * Follows the members through the changes in the order of the plan: those that are dead leave, new ones come, those that live leave.
 * @param coming masters that join before others leave
 */
export function quorumLoss(
	{members, living, hasQuorum}: EtcdMembers,
	coming: number,
	leaving: ReadonlySet<string>,
): QuorumLoss | undefined {
	if (!hasQuorum) return {at: undefined, members: members.length, living: living.size};
	const dead = members.filter(({name}) => leaving.has(name) && !living.has(name)).length;
	let [count, alive] = [members.length - dead + coming, living.size + coming];
	for (const {name} of members) {
		if (!leaving.has(name) || !living.has(name)) continue;
		count--;
		alive--;
		if (count > 0 && alive < majority(count)) return {at: name, members: count, living: alive};
	}
	return undefined;
}

export function majority(members: number): number {
	return Math.floor(members / 2) + 1;
}

function isMajority(living: readonly unknown[], members: readonly unknown[]): boolean {
	return living.length >= majority(members.length);
}
