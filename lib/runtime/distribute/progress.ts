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
	/** The host that still lacks most. */
	readonly slowest?: {readonly host: string; readonly doneBytes: number; readonly totalBytes: number} | undefined;
}

export function swarmProgress(state: SwarmState, hostsLost: number): SwarmProgress {
	let doneBytes = 0;
	let totalBytes = 0;
	let hostsDone = 0;
	let most = 0;
	let slowest: SwarmProgress['slowest'];
	for (const peer of state.peers) {
		if (peer.lost) continue;
		const {wantedBytes} = peer.totals;
		totalBytes += wantedBytes;
		doneBytes += wantedBytes - peer.missingBytes;
		if (peer.missing === 0) hostsDone++;
		if (peer.missingBytes <= most) continue;
		most = peer.missingBytes;
		slowest = {host: peer.host.name, doneBytes: wantedBytes - peer.missingBytes, totalBytes: wantedBytes};
	}
	const hosts = state.peers.size;
	return {doneBytes, totalBytes, sentBytes: state.sentBytes, hosts, hostsDone, hostsLost, slowest};
}
