import {setTimeout as sleep} from 'node:timers/promises';
import type {OperationOptions} from '../../core/events.js';

/** How long what is under way in a cluster gets, in milliseconds. */
export interface Patience {
	/** Between two looks. */
	readonly pollMs: number;
	/** For members of etcd that were started a moment ago to choose a leader. */
	readonly settleMs: number;
	/** For a member of etcd to start from nothing on a slow disk. */
	readonly memberMs: number;
	/** For an API server to answer. More than the five minutes that a kubelet lets one wait which ended too often. */
	readonly apiMs: number;
	/** For nodes to become Ready: the slowest host has images of the network to pull. */
	readonly nodesMs: number;
}

const usual: Patience = {pollMs: 2000, settleMs: 60_000, memberMs: 300_000, apiMs: 420_000, nodesMs: 900_000};

export interface ControlOptions extends OperationOptions {
	readonly patience?: Patience | undefined;
}

export function patienceOf({patience = usual}: ControlOptions): Patience {
	return patience;
}

/** The time between two looks. */
export async function pause(options: ControlOptions): Promise<void> {
	const {signal} = options;
	await sleep(patienceOf(options).pollMs, undefined, signal === undefined ? {} : {signal});
}
