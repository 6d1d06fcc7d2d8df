import {hasBit, lightest} from './bits.js';
import type {Peer} from './peer.js';
import {type SwarmState, weightOf} from './swarm-state.js';
import {isCutOff, mayAsk} from './trust.js';

export interface Choice {
	readonly peer: Peer;
	/** Absent: the operator. */
	readonly source?: Peer;
	readonly id: number;
}

/** How many hosts are looked at for one transfer: enough for a good choice, few enough for thousands of hosts. */
const sampleSize = 12;
/** Parts on their way from the operator to one host at once, besides what it fetches. */
export const sendsPerHost = 2;

/** From whom this host should fetch what now: the rarest part that a free source offers. */
export function chooseSource(state: SwarmState, peer: Peer, nowMs: number): Choice | undefined {
	let best: Choice | undefined;
	let least = Number.POSITIVE_INFINITY;
	for (const source of state.idle.sample(sampleSize)) {
		if ((state.helps && state.isPoor(source)) || !mayAsk(peer, source, nowMs)) continue;
		const id = rarest(state, source, peer);
		if (id < 0) continue;
		const weight = weightOf(state, id) + (source.isSlow ? state.peers.size : 0);
		if (weight >= least) continue;
		least = weight;
		best = {peer, source, id};
	}
	return best;
}

/** To whom this source should give what now. */
export function chooseReceiver(state: SwarmState, source: Peer, nowMs: number): Choice | undefined {
	if (state.helps && state.isPoor(source)) return undefined;
	let best: Choice | undefined;
	let least = Number.POSITIVE_INFINITY;
	for (const peer of state.hungry.sample(sampleSize)) {
		if (!mayAsk(peer, source, nowMs)) continue;
		const id = rarest(state, source, peer);
		if (id < 0) continue;
		const weight = weightOf(state, id) + (peer.isSlow ? state.peers.size : 0);
		if (weight >= least) continue;
		least = weight;
		best = {peer, source, id};
	}
	return best;
}

/**
 * What the operator should send to whom now: first what nobody else can give, then to hosts that no other reaches, then, as
 * long as few copies have left, to hosts that nobody feeds.
 */
export function chooseSend(state: SwarmState): Choice | undefined {
	if (state.sends >= state.limits.sends) return undefined;
	return chooseUncovered(state) ?? chooseCutOff(state) ?? chooseExtra(state);
}

function rarest(state: SwarmState, source: Peer, peer: Peer): number {
	return lightest(source.have, peer.want, state.random(), id => weightOf(state, id));
}

function chooseUncovered(state: SwarmState): Choice | undefined {
	for (const id of state.uncovered) {
		if (weightOf(state, id) > 0 || state.wanted[id] === 0) {
			state.uncovered.delete(id);
			continue;
		}
		const peer = firstReceiver(state, id);
		if (peer !== undefined) return {peer, id};
	}
	return undefined;
}

/** A host that passes it on, that is quick, and that has the least to do. */
function firstReceiver(state: SwarmState, id: number): Peer | undefined {
	const wanting = (peers: readonly Peer[]): Peer[] =>
		peers.filter(peer => hasBit(peer.want, id) && peer.sends < sendsPerHost);
	const sampled = wanting(state.hungry.sample(sampleSize * 2));
	const candidates = sampled.length > 0 ? sampled : wanting(state.hungry.all());
	let best: Peer | undefined;
	let least = Number.POSITIVE_INFINITY;
	for (const peer of candidates) {
		const cost = (peer.serves ? 0 : 1000) + (peer.isSlow ? 100 : 0) + peer.misses * 10 + peer.fetches + peer.sends;
		if (cost >= least) continue;
		least = cost;
		best = peer;
	}
	return best;
}

function chooseCutOff(state: SwarmState): Choice | undefined {
	for (const peer of state.cutOff) {
		if (!isCutOff(peer) || peer.lost || peer.wanting === 0) {
			state.cutOff.delete(peer);
			continue;
		}
		if (peer.sends >= sendsPerHost) continue;
		// Who is served goes to the end of the row.
		state.cutOff.delete(peer);
		state.cutOff.add(peer);
		return {peer, id: anyWanted(state, peer)};
	}
	return undefined;
}

function chooseExtra(state: SwarmState): Choice | undefined {
	const {limits, hungry, peers, helps} = state;
	const budget = helps ? Number.POSITIVE_INFINITY : limits.copies * state.partBytes - state.sentBytes;
	for (const peer of helps && peers.size <= sampleSize ? peers : hungry.sample(sampleSize)) {
		if (peer.lost || peer.wanting === 0 || peer.sends >= sendsPerHost) continue;
		if (!helps && peer.fetches + peer.sends > 0) continue;
		const id = anyWanted(state, peer);
		if (state.parts[id]!.part.sizeBytes <= budget) return {peer, id};
	}
	return undefined;
}

/** The rarest part that a host waits for. */
export function anyWanted(state: SwarmState, peer: Peer): number {
	return lightest(peer.want, undefined, state.random(), id => weightOf(state, id));
}
