import type {Peer, Transfer} from './peer.js';

/** What is usual for transfers in this swarm, learnt from those that came to their end. */
export interface Pace {
	/** Remembers a transfer that arrived. */
	note(transfer: Transfer, sizeBytes: number, elapsedMs: number): void;
	/** Looks at what was noted: called now and then, not for each transfer. */
	settle(): void;
	/** How long this transfer may take before it counts as stuck. */
	allowanceMs(transfer: Transfer, sizeBytes: number): number;
	/**
	 * True when hosts bring each other less than the operator could: `fetchedBytes` is all that they have by now. Undefined while
	 * that cannot be known.
	 */
	isSwarmPoor(fetchedBytes: number, nowMs: number): boolean | undefined;
	/** True when the operator would long have brought what a transfer between hosts takes so long for. */
	isBehindSends(transfer: Transfer, sizeBytes: number, elapsedMs: number): boolean;
	/** True when a source is known to be slower than the operator. */
	isPoorSource(source: Peer): boolean;
	/** True when a host is known to be about as fast as the others. */
	isUsual(peer: Peer): boolean;
}

/** Smaller parts say more about latency than about bandwidth. */
const tellingBytes = 1024 * 1024;
const remembered = 255;
const fewestSamples = 8;
const unknownAllowanceMs = 120_000;
const leastAllowanceMs = 4000;
const usualFactor = 4;
const maxPatience = 6;
const takeOverMs = 50;
const windowMs = 3000;
const behindFactor = 2;

export function createPace(): Pace {
	const samples: number[] = [];
	let next = 0;
	let medianMsPerMb = 0;
	let sendMsPerMb = 0;
	let window: {readonly sinceMs: number; readonly fetchedBytes: number} | undefined;
	return {
		note({peer, source}, sizeBytes, elapsedMs) {
			if (sizeBytes < tellingBytes) return;
			const msPerMb = elapsedMs / (sizeBytes / 1e6);
			peer.msPerMb = smooth(peer.msPerMb, msPerMb);
			if (source === undefined) sendMsPerMb = smooth(sendMsPerMb, msPerMb);
			else source.giveMsPerMb = smooth(source.giveMsPerMb, msPerMb);
			samples[next] = msPerMb;
			next = (next + 1) % remembered;
		},
		settle() {
			if (samples.length < fewestSamples) return;
			medianMsPerMb = samples.toSorted((a, b) => a - b)[samples.length >> 1]!;
		},
		allowanceMs({peer}, sizeBytes) {
			if (medianMsPerMb === 0) return unknownAllowanceMs;
			const expectedMs = Math.max(medianMsPerMb, peer.msPerMb) * (sizeBytes / 1e6);
			return Math.max(leastAllowanceMs, usualFactor * expectedMs) * 3 ** Math.min(maxPatience, peer.patience);
		},
		isSwarmPoor(fetchedBytes, nowMs) {
			const before = window;
			if (before !== undefined && nowMs - before.sinceMs < windowMs) return undefined;
			window = {sinceMs: nowMs, fetchedBytes};
			if (before === undefined || sendMsPerMb === 0) return undefined;
			const perMs = (fetchedBytes - before.fetchedBytes) / (nowMs - before.sinceMs);
			// Sends that go side by side share the operator's link: it can do more than one of them shows.
			return perMs < 2e6 / sendMsPerMb;
		},
		isBehindSends({source}, sizeBytes, elapsedMs) {
			if (source === undefined || sendMsPerMb === 0) return false;
			if (elapsedMs < takeOverMs + behindFactor * sendMsPerMb * (sizeBytes / 1e6)) return false;
			source.giveMsPerMb = Math.max(source.giveMsPerMb, elapsedMs / (Math.max(sizeBytes, tellingBytes) / 1e6));
			return true;
		},
		isPoorSource: ({giveMsPerMb}) => sendMsPerMb > 0 && giveMsPerMb > behindFactor * sendMsPerMb,
		isUsual: peer => peer.msPerMb > 0 && peer.msPerMb <= usualFactor * medianMsPerMb,
	};
}

function smooth(before: number, value: number): number {
	return before === 0 ? value : before * 0.7 + value * 0.3;
}
