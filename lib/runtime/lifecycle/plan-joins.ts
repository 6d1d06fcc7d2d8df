import type {Draft} from './draft.js';
import type {HostChain} from './plan-hosts.js';
import {hasJoined, type Situation} from './situation.js';

/** Masters come one after the other; etcd takes no second new member before the first is one in full. */
export const controlPlaneLane = 'control-plane';

/** How many actions of each lane are done at once. */
export const clusterLanes: Readonly<Record<string, number>> = {[controlPlaneLane]: 1, nodes: 32, drain: 8};

/**
 * Where the cluster begins, and who comes into it. Nodes wait for their own chain and for the beginning, not for other masters.
 * @param spent what takes members out of etcd that do not live: with them it takes no new one
 * @returns whether anything of it is planned
 */
export function planJoins(
	situation: Situation,
	draft: Draft,
	chains: readonly HostChain[],
	spent: readonly string[],
): boolean {
	const {first, settled, isJoined, stateOf} = situation;
	const known = new Set(settled?.setting.hosts.map(({name}) => name));
	const coming = chains.filter(({host}) => host.name !== first?.name && !isJoined(host));
	const masters = coming.filter(({host}) => host.isMaster);
	// One that is a member, and does not work as one, keeps etcd from taking others.
	const isBegun = ({host}: HostChain): boolean =>
		known.has(host.name) || stateOf(host)?.kubernetes.hasEtcdData === true;
	const inTurn = [...masters.filter(isBegun), ...masters.filter(chain => !isBegun(chain))];
	const beginning = chains.find(({host}) => host.name === first?.name);
	if (beginning !== undefined) begin(situation, draft, beginning);
	let before = [...(beginning?.last ?? []), ...spent];
	for (const chain of inTurn) {
		join(situation, draft, chain, before);
		before = [...chain.last];
	}
	for (const chain of coming.filter(({host}) => !host.isMaster)) {
		join(situation, draft, chain, beginning?.last ?? []);
	}
	return beginning !== undefined || coming.length > 0;
}

function begin({request}: Situation, draft: Draft, chain: HostChain): void {
	const {host} = chain;
	const version = request.wanted.version.text;
	const id = `init/${host.name}`;
	draft.add('init', {
		id,
		host: host.name,
		phase: 'begin the cluster',
		title: `begin a cluster of Kubernetes ${version}`,
		lane: controlPlaneLane,
		after: chain.last,
		input: {version, documents: request.wishes.documentsOf(host)},
	});
	chain.last = [id];
}

function join({request, journalOf}: Situation, draft: Draft, chain: HostChain, after: readonly string[]): void {
	const {host} = chain;
	const id = `join/${host.name}`;
	const version = request.wanted.version.text;
	const role = host.isMaster ? 'master' : 'node';
	const wasIn = hasJoined(journalOf(host), host.name);
	draft.add('join', {
		id,
		host: host.name,
		phase: host.isMaster ? 'join masters' : 'join nodes',
		title: wasIn ? `bring it back as a ${role}` : `join as a ${role}`,
		lane: host.isMaster ? controlPlaneLane : 'nodes',
		after: [...chain.last, ...after],
		input: {version, role, documents: request.wishes.documentsOf(host)},
	});
	chain.last = [id];
}
