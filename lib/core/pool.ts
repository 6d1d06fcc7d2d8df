import type {Abortable} from './events.js';

/**
 * Runs `work` over `items`, at most `limit` at once, and resolves with the results in input order. The first failure
 * stops new work from starting; the call rejects with it once the work already running has settled, so that nothing
 * is left running behind the caller's back. An abort does the same with `signal.reason`.
 */
export async function mapBounded<T, R>(
	items: Iterable<T>,
	limit: number,
	work: (item: T, index: number) => Promise<R>,
	options: Abortable = {},
): Promise<R[]> {
	const results: R[] = [];
	const queue = [...items].entries();
	let failure: {readonly reason: unknown} | undefined;
	const worker = async (): Promise<void> => {
		for (const [index, item] of queue) {
			if (failure !== undefined) return;
			try {
				options.signal?.throwIfAborted();
				results[index] = await work(item, index);
			} catch (error) {
				failure ??= {reason: error};
				return;
			}
		}
	};
	await Promise.all(Array.from({length: Math.max(1, limit)}, worker));
	if (failure !== undefined) throw failure.reason;
	return results;
}

/** A counting gate: `run` waits for a free place, in order of arrival. */
export function createGate(limit: number): {run<R>(work: () => Promise<R>): Promise<R>} {
	let free = limit;
	const waiting: Array<() => void> = [];
	return {
		async run<R>(work: () => Promise<R>): Promise<R> {
			if (free > 0) free--;
			else await new Promise<void>(resolve => waiting.push(resolve));
			try {
				return await work();
			} finally {
				const next = waiting.shift();
				if (next === undefined) free++;
				else next();
			}
		},
	};
}
