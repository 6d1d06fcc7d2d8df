import {clearBit, eachBit, growBits, setBit} from './bits.js';
import {createIndexedSet, type IndexedSet} from './indexed-set.js';
import type {Peer, SwarmPart, Transfer} from './peer.js';

export interface SwarmLimits {
	/** Parts that a host fetches at once, and that it gives at once. */
	readonly fetches: number;
	readonly uploads: number;
	/** Parts that leave the operator at once. */
	readonly sends: number;
	/** How many copies of everything the operator sends of its own will; hosts that no other reaches are served beyond that. */
	readonly copies: number;
}

/** Who has what and what is on its way. Everything here is kept true by the functions below. */
export interface SwarmState {
	readonly limits: SwarmLimits;
	/** Hosts that will join in all: few hosts are served otherwise than many. */
	readonly expectedHosts: number;
	readonly random: () => number;
	/** True for sources that are slower than the operator. */
	readonly isPoor: (source: Peer) => boolean;
	/**
	 * True when the operator is worth as much as all hosts are to each other: they are few, or slow. It sends more than it has to then,
	 * and nobody waits for poor sources.
	 */
	helps: boolean;
	readonly parts: SwarmPart[];
	/** Per part: hosts that have it and serve, transfers that will make one more, and hosts that wait for it. */
	readonly copies: number[];
	readonly flights: number[];
	readonly wanted: number[];
	/** Parts that no host can give: the operator has to. May hold some that are covered by now. */
	readonly uncovered: Set<number>;
	readonly peers: Set<Peer>;
	/** Hosts with wants and a free place to fetch into. */
	readonly hungry: IndexedSet<Peer>;
	/** Hosts with something to give and a free place. */
	readonly idle: IndexedSet<Peer>;
	/** Hosts that may be cut off from the others; may hold some that are not, by now. */
	readonly cutOff: Set<Peer>;
	readonly running: Set<Transfer>;
	sends: number;
	sentBytes: number;
	/** What hosts got from each other. */
	fetchedBytes: number;
	/** Of all parts, each once. */
	partBytes: number;
}

export function createSwarmState(
	limits: SwarmLimits,
	expectedHosts: number,
	random: () => number,
	isPoor: (source: Peer) => boolean,
): SwarmState {
	return {
		limits,
		expectedHosts,
		random,
		isPoor,
		helps: expectedHosts <= limits.copies,
		parts: [],
		copies: [],
		flights: [],
		wanted: [],
		uncovered: new Set(),
		peers: new Set(),
		hungry: createIndexedSet(random),
		idle: createIndexedSet(random),
		cutOff: new Set(),
		running: new Set(),
		sends: 0,
		sentBytes: 0,
		fetchedBytes: 0,
		partBytes: 0,
	};
}

/** Makes parts known; hosts that joined before get room for them. */
export function addParts(state: SwarmState, parts: readonly SwarmPart[]): void {
	for (const part of parts) {
		state.parts.push(part);
		state.copies.push(0);
		state.flights.push(0);
		state.wanted.push(0);
		state.partBytes += part.part.sizeBytes;
	}
	for (const peer of state.peers) growPeer(peer, state.parts.length);
}

export function growPeer(peer: Peer, count: number): void {
	peer.have = growBits(peer.have, count);
	peer.want = growBits(peer.want, count);
}

export function addWant(state: SwarmState, peer: Peer, id: number): void {
	setBit(peer.want, id);
	peer.wanting++;
	state.wanted[id]!++;
	checkCover(state, id);
}

export function dropWant(state: SwarmState, peer: Peer, id: number): void {
	clearBit(peer.want, id);
	peer.wanting--;
	state.wanted[id]!--;
}

export function addHave(state: SwarmState, peer: Peer, id: number): void {
	setBit(peer.have, id);
	peer.haves++;
	if (peer.serves) state.copies[id]!++;
}

/** Makes a host a source for what it has. */
export function startServing(state: SwarmState, peer: Peer): void {
	peer.serves = true;
	eachBit(peer.have, id => {
		state.copies[id]!++;
	});
}

/** Takes a host out of the sources: what only it had is uncovered again. */
export function stopServing(state: SwarmState, peer: Peer): void {
	if (!peer.serves) return;
	peer.serves = false;
	state.idle.delete(peer);
	for (const {peer: receiver, id, late} of state.running) if (receiver === peer && !late) state.flights[id]!--;
	eachBit(peer.have, id => {
		state.copies[id]!--;
		checkCover(state, id);
	});
	for (const {peer: receiver, id} of state.running) if (receiver === peer) checkCover(state, id);
}

/** Notes a part that somebody wants and nobody can give. */
export function checkCover(state: SwarmState, id: number): void {
	if (state.copies[id] === 0 && state.flights[id] === 0 && state.wanted[id]! > 0) state.uncovered.add(id);
}

/** Puts a host where it belongs after something about it changed. */
export function refresh(state: SwarmState, peer: Peer): void {
	const {limits, hungry, idle} = state;
	if (!peer.lost && peer.wanting > 0 && peer.fetches < limits.fetches) hungry.add(peer);
	else hungry.delete(peer);
	if (!peer.lost && peer.serves && peer.haves > 0 && peer.uploads < limits.uploads) idle.add(peer);
	else idle.delete(peer);
}

/** How rare a part is, for those who choose what to move first. */
export function weightOf(state: SwarmState, id: number): number {
	return state.copies[id]! + state.flights[id]!;
}
