import type {SealEvent} from '../core/events.js';

/** What became of the content of one or several copies, manifests and indexes included. */
export interface Tally {
	/** Moved from the source to the target. */
	readonly sent: BlobCount;
	/** Taken from another place of the target, without moving a byte. */
	readonly mounted: BlobCount;
	/** In the target already. */
	readonly skipped: BlobCount;
}

export interface BlobCount {
	readonly blobs: number;
	readonly bytes: number;
}

/** Counts the blob events of copies. */
export interface TallyCounter {
	readonly onEvent: (event: SealEvent) => void;
	/** What was counted so far. */
	total(): Tally;
}

export function createTally(): TallyCounter {
	const none: BlobCount = {blobs: 0, bytes: 0};
	let tally: Tally = {sent: none, mounted: none, skipped: none};
	const count = (kind: keyof Tally, sizeBytes: number): void => {
		const {blobs, bytes} = tally[kind];
		tally = {...tally, [kind]: {blobs: blobs + 1, bytes: bytes + sizeBytes}};
	};
	return {
		onEvent(event) {
			if (event.type === 'blob.finished') count('sent', event.sentBytes ?? event.sizeBytes);
			if (event.type === 'blob.mounted') count('mounted', event.sizeBytes);
			if (event.type === 'blob.skipped') count('skipped', event.sizeBytes);
		},
		total: () => tally,
	};
}
