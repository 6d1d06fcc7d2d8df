import {SealError} from '../../core/errors.js';
import {HostError} from '../host/error.js';
import {eachBit} from './bits.js';
import {anyWanted, type Choice, chooseReceiver, chooseSend, chooseSource, sendsPerHost} from './choose.js';
import type {Pace} from './pace.js';
import type {Peer, Transfer} from './peer.js';
import {addHave, addWant, checkCover, dropWant, refresh, type SwarmState, stopServing} from './swarm-state.js';
import {isCutOff, noteFailure, noteSlow, noteSuccess} from './trust.js';

/** A swarm at work. */
export interface Running {
	readonly state: SwarmState;
	readonly pace: Pace;
	readonly now: () => number;
	lostCount: number;
	/** Set when the whole distribution is over before its time. */
	failure: {readonly reason: unknown} | undefined;
}

/** Hosts that wait for work are offered to others at most so many at a time. */
const feedAtOnce = 256;

/** A host to which nothing comes for so long is given up: a part in this time is less than 75 kbit/s. */
const stallMs = 30 * 60_000;

/** Starts all transfers that a change of these hosts makes possible. */
export function pump(running: Running, ...peers: readonly (Peer | undefined)[]): void {
	if (running.failure !== undefined) return;
	const {state} = running;
	for (const peer of peers) {
		if (peer === undefined) continue;
		while (state.idle.has(peer)) if (!begin(running, chooseReceiver(state, peer, running.now()))) break;
		while (state.hungry.has(peer)) if (!begin(running, chooseSource(state, peer, running.now()))) break;
	}
	while (begin(running, chooseSend(state)));
}

/** Looks for what is stuck and for hosts without work. Nothing depends on its being called often. */
export function review(running: Running): void {
	const {state, pace, now} = running;
	pace.settle();
	for (const transfer of [...state.running]) {
		if (transfer.dropped) continue;
		const {sizeBytes} = state.parts[transfer.id]!.part;
		if (now() - transfer.peer.waitsSinceMs > stallMs) lose(running, transfer.peer, stalled(transfer.peer));
		else if (now() - transfer.startedMs > pace.allowanceMs(transfer, sizeBytes)) giveUp(running, transfer);
	}
	if (state.expectedHosts > state.limits.copies)
		state.helps = pace.isSwarmPoor(state.fetchedBytes, now()) ?? state.helps;
	if (state.helps) takeOver(running);
	pump(running, ...state.hungry.sample(feedAtOnce));
	if (state.running.size > 0 || running.failure !== undefined) return;
	// Nobody can give anything to anybody: the operator always can.
	for (const peer of state.hungry.sample(state.limits.sends)) begin(running, {peer, id: anyWanted(state, peer)});
}

/** Takes a host out for good: nobody asks it, nothing is brought to it. */
export function lose(running: Running, peer: Peer, reason: unknown): void {
	const {state} = running;
	if (peer.lost) return;
	peer.lost = true;
	running.lostCount++;
	stopServing(state, peer);
	eachBit(peer.want, id => dropWant(state, peer, id));
	const bereft: Peer[] = [];
	for (const transfer of [...state.running]) {
		if (transfer.peer !== peer && transfer.source !== peer) continue;
		drop(running, transfer);
		if (transfer.peer !== peer) bereft.push(transfer.peer);
	}
	refresh(state, peer);
	peer.settle.reject(reason);
	pump(running, ...bereft);
}

/** Ends everything: what is under way is aborted, and who waits is told why. */
export function fail(running: Running, reason: unknown): void {
	if (running.failure !== undefined) return;
	running.failure = {reason};
	for (const {controller} of running.state.running) controller.abort(reason);
	for (const peer of running.state.peers) peer.settle.reject(reason);
}

function begin(running: Running, choice: Choice | undefined): boolean {
	if (choice === undefined) return false;
	const {state} = running;
	const {peer, source, id} = choice;
	const {blob, part} = state.parts[id]!;
	dropWant(state, peer, id);
	if (peer.fetches + peer.sends === 0) peer.waitsSinceMs = running.now();
	if (peer.serves) state.flights[id]!++;
	if (source === undefined) {
		peer.sends++;
		state.sends++;
		state.sentBytes += part.sizeBytes;
	} else {
		peer.fetches++;
		source.uploads++;
		refresh(state, source);
	}
	refresh(state, peer);
	const controller = new AbortController();
	const {signal} = controller;
	const work =
		source === undefined ? peer.host.send(blob, part, {signal}) : peer.host.fetch(blob, part, source.host, {signal});
	const transfer: Transfer = {
		peer,
		source,
		id,
		startedMs: running.now(),
		controller,
		late: false,
		dropped: false,
		settled: Promise.resolve(),
	};
	state.running.add(transfer);
	transfer.settled = work.then(
		() => arrive(running, transfer),
		(error: unknown) => miss(running, transfer, error),
	);
	return true;
}

function arrive(running: Running, transfer: Transfer): void {
	const {state, pace, now} = running;
	const {peer, source, id} = transfer;
	if (transfer.dropped) return;
	release(state, transfer);
	if (running.failure !== undefined) return;
	const {sizeBytes} = state.parts[id]!.part;
	addHave(state, peer, id);
	peer.waitsSinceMs = now();
	peer.missing--;
	peer.missingBytes -= sizeBytes;
	pace.note(transfer, sizeBytes, now() - transfer.startedMs);
	if (peer.patience > 0) peer.patience--;
	if (source === undefined) peer.totals.sentBytes += sizeBytes;
	else {
		peer.totals.fetchedBytes += sizeBytes;
		state.fetchedBytes += sizeBytes;
		source.totals.givenBytes += sizeBytes;
		noteSuccess(peer, source);
	}
	if (peer.missing === 0) peer.settle.resolve();
	refresh(state, peer);
	if (source !== undefined) refresh(state, source);
	pump(running, source, peer);
}

function miss(running: Running, transfer: Transfer, error: unknown): void {
	const {state, now} = running;
	const {peer, source, id} = transfer;
	if (transfer.dropped) return;
	release(state, transfer);
	if (running.failure !== undefined) return;
	if (error instanceof HostError && error.host === peer.host.name) {
		lose(running, peer, error);
		if (source !== undefined) refresh(state, source);
		pump(running, source);
		return;
	}
	if (source === undefined) {
		fail(running, error);
		return;
	}
	addWant(state, peer, id);
	if (noteFailure(peer, source, now())) stopServing(state, source);
	if (isCutOff(peer)) state.cutOff.add(peer);
	refresh(state, peer);
	refresh(state, source);
	pump(running, peer, source);
}

function stalled({host}: Peer): HostError {
	const minutes = stallMs / 60_000;
	return new HostError(host.name, 'ERR_DISTRIBUTE', `Nothing has arrived there for ${minutes} minutes`, {
		hint: 'Look at its network and its disk, and run the same again.',
	});
}

/** A transfer takes far longer than usual. Another way is tried if there is one; a part that the operator sends goes on. */
function giveUp(running: Running, transfer: Transfer): void {
	const {state, pace, now} = running;
	const {peer, source, id} = transfer;
	if (source === undefined) {
		if (transfer.late) return;
		transfer.late = true;
		peer.isSlow = true;
		if (peer.serves) state.flights[id]!--;
		checkCover(state, id);
		return;
	}
	peer.patience++;
	if (noteSlow(peer, source, now(), pace.isUsual(peer))) source.isSlow = true;
	else peer.isSlow = true;
	drop(running, transfer);
	pump(running, peer, source);
}

/** Few hosts must not wait for each other when the operator is quicker: sending to each of them is what they are compared with. */
function takeOver(running: Running): void {
	const {state, pace, now} = running;
	for (const transfer of [...state.running]) {
		const {peer, id, startedMs} = transfer;
		if (transfer.dropped) continue;
		const {sizeBytes} = state.parts[id]!.part;
		if (state.sends >= state.limits.sends) return;
		if (peer.sends >= sendsPerHost || !pace.isBehindSends(transfer, sizeBytes, now() - startedMs)) continue;
		drop(running, transfer);
		begin(running, {peer, id});
	}
}

function drop({state}: Running, transfer: Transfer): void {
	const {peer, source, id} = transfer;
	transfer.dropped = true;
	release(state, transfer);
	if (!peer.lost) addWant(state, peer, id);
	transfer.controller.abort(new SealError('ERR_ABORTED', 'The transfer was given up'));
	refresh(state, peer);
	if (source !== undefined) refresh(state, source);
}

function release(state: SwarmState, transfer: Transfer): void {
	const {peer, source, id, late} = transfer;
	state.running.delete(transfer);
	if (peer.serves && !late) state.flights[id]!--;
	if (source === undefined) {
		peer.sends--;
		state.sends--;
	} else {
		peer.fetches--;
		source.uploads--;
	}
	checkCover(state, id);
}
