import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/** Time that passes only when nothing else is left to do: a minute of a thousand hosts takes as long as its events take. */
export interface VirtualClock {
	/** Milliseconds since the start. */
	now(): number;
	sleep(ms: number, options?: Abortable): Promise<void>;
	/** Calls `fire` after `ms`; the result takes the call back. */
	after(ms: number, fire: () => void): () => void;
	/** Lets time pass until `work` has settled. @throws SealError ERR_INTERNAL when nothing can happen any more, so that it never would */
	run<T>(work: Promise<T>): Promise<T>;
}

interface Event {
	readonly atMs: number;
	/** Events of the same time happen in the order in which they were made. */
	readonly order: number;
	fire: (() => void) | undefined;
}

/** A promise that waits for a microtask may need several turns of the real loop before it shows. */
const idleTurns = 50;

export function createVirtualClock(): VirtualClock {
	const heap = createHeap();
	let nowMs = 0;
	let order = 0;
	const after = (ms: number, fire: () => void): (() => void) => {
		const event: Event = {atMs: nowMs + Math.max(0, ms), order: order++, fire};
		heap.push(event);
		return () => {
			event.fire = undefined;
		};
	};
	/** Fires all events of the next point in time; false when there is none. */
	const step = (): boolean => {
		let event = heap.pop();
		while (event !== undefined && event.fire === undefined) event = heap.pop();
		if (event === undefined) return false;
		nowMs = event.atMs;
		event.fire?.();
		while (heap.peek()?.atMs === nowMs) heap.pop()?.fire?.();
		return true;
	};
	return {
		now: () => nowMs,
		after,
		async sleep(ms, {signal} = {}) {
			signal?.throwIfAborted();
			await new Promise<void>((resolve, reject) => {
				const cancel = after(ms, () => {
					signal?.removeEventListener('abort', onAbort);
					resolve();
				});
				const onAbort = (): void => {
					cancel();
					reject(signal?.reason as Error);
				};
				signal?.addEventListener('abort', onAbort, {once: true});
			});
		},
		async run(work) {
			let settled = false;
			const settle = (): void => {
				settled = true;
			};
			work.then(settle, settle);
			for (let idle = 0; ; ) {
				await new Promise(resolve => setImmediate(resolve));
				if (settled) return await work;
				idle = step() ? 0 : idle + 1;
				if (idle > idleTurns) throw new SealError('ERR_INTERNAL', 'The simulation waits for what can never happen');
			}
		},
	};
}

interface Heap {
	push(event: Event): void;
	pop(): Event | undefined;
	peek(): Event | undefined;
}

function createHeap(): Heap {
	const items: Event[] = [];
	const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
	const sink = (event: Event): void => {
		let at = 0;
		for (;;) {
			let child = at * 2 + 1;
			if (child >= items.length) break;
			if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++;
			if (!before(items[child]!, event)) break;
			items[at] = items[child]!;
			at = child;
		}
		items[at] = event;
	};
	return {
		peek: () => items[0],
		push(event) {
			let at = items.length;
			items.push(event);
			while (at > 0) {
				const above = (at - 1) >> 1;
				if (!before(event, items[above]!)) break;
				items[at] = items[above]!;
				at = above;
			}
			items[at] = event;
		},
		pop() {
			const first = items[0];
			const last = items.pop();
			if (last !== undefined && items.length > 0) sink(last);
			return first;
		},
	};
}
