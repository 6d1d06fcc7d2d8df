import {availableParallelism} from 'node:os';
import {ignore} from '../compress/encoder.js';

/** Blocks of a layer's tar under way: enough to keep every core busy, few enough to bound memory. */
const slabLimit = Math.min(2 * availableParallelism() + 4, 36);

/**
 * A ring of equal buffers. Whoever fills one sends it away; it comes back when what was sent has been dealt with. The
 * number of buffers bounds the memory of a layer and holds back a reader that is faster than the writer.
 */
export interface Slabs {
	/** A free buffer, as soon as there is one. Rejects when something sent earlier has failed. */
	acquire(): Promise<Buffer>;
	/** Sends the first `used` bytes. */
	send(slab: Buffer, used: number): void;
	/** Resolves when everything sent was dealt with. */
	settle(): Promise<void>;
}

export function createSlabs(sizeBytes: number, sink: (block: Uint8Array) => Promise<void>): Slabs {
	const free: Buffer[] = [];
	const waiting: Array<{resolve(slab: Buffer): void; reject(reason: unknown): void}> = [];
	let made = 0;
	let failure: {readonly reason: unknown} | undefined;
	let last: Promise<void> = Promise.resolve();
	const fail = (reason: unknown): void => {
		failure ??= {reason};
		for (const waiter of waiting.splice(0)) waiter.reject(failure.reason);
	};
	const giveBack = (slab: Buffer): void => {
		const waiter = waiting.shift();
		if (waiter === undefined) free.push(slab);
		else waiter.resolve(slab);
	};
	return {
		async acquire() {
			if (failure !== undefined) throw failure.reason;
			const slab = free.pop();
			if (slab !== undefined) return slab;
			if (made < slabLimit) {
				made++;
				return Buffer.allocUnsafeSlow(sizeBytes);
			}
			return new Promise((resolve, reject) => waiting.push({resolve, reject}));
		},
		send(slab, used) {
			const before = last;
			const sent = sink(slab.subarray(0, used)).then(() => giveBack(slab), fail);
			last = before.then(() => sent);
			last.catch(ignore);
		},
		async settle() {
			await last;
			if (failure !== undefined) throw failure.reason;
		},
	};
}
