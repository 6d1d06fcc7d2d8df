import type {BlobParts, Part} from '../content/part.js';
import {type Bits, createBits} from './bits.js';
import {createSite, type Site} from './sites.js';
import type {DistributionHost} from './world.js';

/** A host in a swarm: what it has, what it wants, and how it did so far. */
export interface Peer {
	readonly host: DistributionHost;
	/** Parts that are here. */
	have: Bits;
	/** Parts that are wanted and not on their way. */
	want: Bits;
	/** Bits in `want`. */
	wanting: number;
	/** Parts that are not here yet. */
	missing: number;
	haves: number;
	missingBytes: number;
	/** Transfers under way: from other hosts, from the operator, to other hosts. */
	fetches: number;
	sends: number;
	uploads: number;
	serves: boolean;
	lost: boolean;
	/** Failures in a row that were laid at the door of sources. */
	misses: number;
	/** When the next source that it has no good experience with may be tried. */
	retryAtMs: number;
	/** Rises with each failure as a source, sinks with each success. */
	strikes: number;
	/** Sources that did not work. Few, beside the swarm. */
	readonly foes: Map<Peer, Foe>;
	readonly site: Site;
	/** How long a megabyte takes it, smoothed; 0 while nobody knows. */
	msPerMb: number;
	/** The same for what it gives. */
	giveMsPerMb: number;
	/** How often in a row it was slower than expected: it is given more time then. */
	patience: number;
	isSlow: boolean;
	/** Since when something is on its way and nothing has arrived. */
	waitsSinceMs: number;
	readonly totals: PeerTotals;
	readonly settle: {resolve(): void; reject(reason: unknown): void};
}

export interface Foe {
	readonly count: number;
	readonly untilMs: number;
}

export interface PeerTotals {
	readonly wantedBytes: number;
	fetchedBytes: number;
	sentBytes: number;
	givenBytes: number;
}

/** A part with the blob it belongs to, as it is handed to hosts. */
export interface SwarmPart {
	readonly blob: BlobParts;
	readonly part: Part;
}

/** One part on its way. Without a source it comes from the operator. */
export interface Transfer {
	readonly peer: Peer;
	readonly source: Peer | undefined;
	readonly id: number;
	readonly startedMs: number;
	readonly controller: AbortController;
	/** It takes so long that others no longer count on it. */
	late: boolean;
	/** It was given up: how it ends says nothing any more. */
	dropped: boolean;
	settled: Promise<void>;
}

export function createPeer(
	host: DistributionHost,
	partCount: number,
	wantedBytes: number,
	settle: Peer['settle'],
): Peer {
	return {
		host,
		have: createBits(partCount),
		want: createBits(partCount),
		wanting: 0,
		missing: 0,
		haves: 0,
		missingBytes: wantedBytes,
		fetches: 0,
		sends: 0,
		uploads: 0,
		serves: false,
		lost: false,
		misses: 0,
		retryAtMs: 0,
		strikes: 0,
		foes: new Map(),
		site: createSite(),
		msPerMb: 0,
		giveMsPerMb: 0,
		patience: 0,
		isSlow: false,
		waitsSinceMs: 0,
		totals: {wantedBytes, fetchedBytes: 0, sentBytes: 0, givenBytes: 0},
		settle,
	};
}
