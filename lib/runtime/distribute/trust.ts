import type {Peer} from './peer.js';
import {isSameSite, isWalled, joinSites, noteWall} from './sites.js';

/** A source that failed this often for one host is not asked by it again. */
const maxPairFailures = 3;
const pairPauseMs = 2000;
const firstPauseMs = 1000;
const longestPauseMs = 30_000;
/** Failures in a row after which a host is taken to be cut off from others: the operator feeds it then. */
const cutOffMisses = 2;
/** At this many strikes a host is no source any more. A failure is two, a success takes one away. */
const maxStrikes = 6;

/** True when this host may ask that source now. */
export function mayAsk(peer: Peer, source: Peer, nowMs: number): boolean {
	if (peer === source) return false;
	if (isWalled(peer.site, source.site, nowMs)) return false;
	if (peer.misses === 0 && peer.foes.size === 0) return true;
	const foe = peer.foes.get(source);
	if (foe !== undefined && (foe.count >= maxPairFailures || nowMs < foe.untilMs)) return false;
	return nowMs >= peer.retryAtMs || isSameSite(peer.site, source.site);
}

/** True when a host has reason to think that it reaches no others: what it still needs comes from the operator. */
export function isCutOff(peer: Peer): boolean {
	return peer.misses >= cutOffMisses;
}

export function noteSuccess(peer: Peer, source: Peer): void {
	peer.misses = 0;
	peer.retryAtMs = 0;
	peer.foes.delete(source);
	joinSites(peer.site, source.site);
	if (source.strikes > 0) source.strikes--;
}

/**
 * Remembers that a fetch failed. True when the source has now failed so often that nobody should ask it: it is dead, or it
 * lies. What a host says of others counts only while it is on speaking terms with some, or one that is cut off would make
 * all look dead.
 */
export function noteFailure(peer: Peer, source: Peer, nowMs: number): boolean {
	const count = (peer.foes.get(source)?.count ?? 0) + 1;
	peer.foes.set(source, {count, untilMs: nowMs + pairPauseMs * 4 ** (count - 1)});
	noteWall(peer.site, source.site, nowMs);
	const credible = !isCutOff(peer);
	peer.misses++;
	if (isCutOff(peer))
		peer.retryAtMs = nowMs + Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, peer.misses - cutOffMisses));
	if (credible) source.strikes += 2;
	return source.strikes >= maxStrikes;
}

const slowPauseMs = 10_000;

/**
 * Remembers that a fetch took far too long. When the host is known to be as quick as others, it is the source that is slow:
 * then the result is true. Otherwise nobody knows, and nobody is blamed.
 */
export function noteSlow(peer: Peer, source: Peer, nowMs: number, isUsual: boolean): boolean {
	peer.foes.set(source, {count: peer.foes.get(source)?.count ?? 0, untilMs: nowMs + slowPauseMs});
	return isUsual;
}
