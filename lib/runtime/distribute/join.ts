import type {Abortable} from '../../core/events.js';
import type {BlobQuery} from '../content/content.js';
import type {BlobParts} from '../content/part.js';
import type {PeerTotals} from './peer.js';
import type {Swarm, Want} from './swarm.js';
import type {DistributionHost} from './world.js';

/** A blob that a host should have; its parts are asked for only when something of it is missing there. */
export interface NeededBlob {
	readonly query: BlobQuery;
	parts(): Promise<BlobParts>;
}

export interface Joined {
	readonly totals: PeerTotals;
	/** It has blobs of layers that others may want: not all of them were unpacked before. */
	readonly isGiver: boolean;
}

/**
 * Asks a host what it has, and brings it the rest. Resolves once it has everything.
 * @throws as `Swarm.join`
 */
export async function joinSwarm(
	swarm: Swarm,
	host: DistributionHost,
	needed: readonly NeededBlob[],
	options: Abortable = {},
): Promise<Joined> {
	const states = new Map(
		(
			await host.have(
				needed.map(({query}) => query),
				options,
			)
		).map(state => [state.blob, state]),
	);
	const wants: Want[] = [];
	for (const {query, parts} of needed) {
		// What a host does not speak of it does not have.
		const state = states.get(query.blob) ?? {blob: query.blob, state: 'absent'};
		const isThere = state.state === 'whole' || state.state === 'unpacked';
		wants.push(isThere ? {state} : {state, blob: await parts()});
	}
	const totals = await swarm.join(host, wants);
	const isGiver = needed.some(({query}) => query.diffId !== undefined && states.get(query.blob)?.state !== 'unpacked');
	return {totals, isGiver};
}
