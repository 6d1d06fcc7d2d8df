import type {SettingHost} from './setting.js';
import type {Situation} from './situation.js';

/** A step at which etcd would have fewer living members than it needs. */
export interface QuorumLoss {
	/** The master whose leaving costs it; undefined when it is lost as things are. */
	readonly at: string | undefined;
	readonly members: number;
	readonly living: number;
}

/** Members of etcd as far as hosts and the state tell. */
export interface EtcdMembers {
	/** Masters of the cluster as the state has it, whether they work or not, and those that work. */
	readonly members: readonly SettingHost[];
	/** The names of those whose etcd works. */
	readonly living: ReadonlySet<string>;
	/** An API server answers, which it does only when etcd has a majority. */
	readonly hasQuorum: boolean;
}

export function membersOf({settled, leaving, masters, serving, stateOf}: Situation): EtcdMembers {
	const known = settled?.setting.hosts.filter(({isMaster}) => isMaster) ?? [];
	const current = new Map([...masters, ...leaving].map(host => [host.name, host]));
	const members = new Map([...known, ...serving].map(host => [host.name, current.get(host.name) ?? host]));
	const living = serving.filter(host => stateOf(host)?.kubernetes.apiReady !== false);
	const hasQuorum = living.some(host => stateOf(host)?.kubernetes.apiReady === true);
	return {
		members: [...members.values()],
		living: new Set(living.map(({name}) => name)),
		hasQuorum: hasQuorum || living.length >= majority(members.size),
	};
}

/**
 * Follows the members through the changes in the order of the plan: those that do not work leave, others come or come back, those that
 * work leave.
 */
export function quorumLoss(
	{members, living, hasQuorum}: EtcdMembers,
	coming: ReadonlySet<string>,
	leaving: ReadonlySet<string>,
): QuorumLoss | undefined {
	if (!hasQuorum) return {at: undefined, members: members.length, living: living.size};
	const isSpent = ({name}: SettingHost): boolean => leaving.has(name) && !living.has(name);
	const names = new Set([...members.filter(host => !isSpent(host)).map(({name}) => name), ...coming]);
	let [count, alive] = [names.size, new Set([...living, ...coming]).size];
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
