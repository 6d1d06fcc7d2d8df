import type {Peer} from './peer.js';
import type {SwarmState} from './swarm-state.js';

/** How far a distribution is. Bytes are those that hosts lacked when they joined. */
export interface SwarmProgress {
	readonly doneBytes: number;
	readonly totalBytes: number;
	/** What left the operator. */
	readonly sentBytes: number;
	/** Hosts that joined, that have everything, and that were lost. */
	readonly hosts: number;
	readonly hostsDone: number;
	readonly hostsLost: number;
	/** The hosts that still lack most, the slowest first. */
	readonly slowest: readonly {readonly host: string; readonly doneBytes: number; readonly totalBytes: number}[];
}

export const maxSlowest = 3;

export function swarmProgress(state: SwarmState, hostsLost: number): SwarmProgress {
	let doneBytes = 0;
	let totalBytes = 0;
	let hostsDone = 0;
	const slowest: Peer[] = [];
	for (const peer of state.peers) {
		if (peer.lost) continue;
		const {wantedBytes} = peer.totals;
		totalBytes += wantedBytes;
		doneBytes += wantedBytes - peer.missingBytes;
		if (peer.missing === 0) hostsDone++;
		if (peer.missingBytes > (slowest[maxSlowest - 1]?.missingBytes ?? 0)) {
			slowest.push(peer);
			slowest.sort((a, b) => b.missingBytes - a.missingBytes);
			slowest.length = Math.min(slowest.length, maxSlowest);
		}
	}
	return {
		doneBytes,
		totalBytes,
		sentBytes: state.sentBytes,
		hosts: state.peers.size,
		hostsDone,
		hostsLost,
		slowest: slowest.map(({host, missingBytes, totals: {wantedBytes}}) => ({
			host: host.name,
			doneBytes: wantedBytes - missingBytes,
			totalBytes: wantedBytes,
		})),
	};
}
