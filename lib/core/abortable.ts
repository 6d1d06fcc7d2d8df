import type {Abortable} from './events.js';

/**
 * Waits for work that others wait for too. An abort ends the waiting with `signal.reason`; the work itself goes on for the
 * others.
 */
export async function waitFor<R>(work: Promise<R>, {signal}: Abortable = {}): Promise<R> {
	if (signal === undefined) return await work;
	signal.throwIfAborted();
	let stop = (): void => undefined;
	const aborted = new Promise<never>((_, reject) => {
		stop = () => reject(signal.reason as Error);
		signal.addEventListener('abort', stop, {once: true});
	});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

/** As `waitFor`, for work that is named by a key. */
export type SharedWork<R> = (key: string, work: (signal: AbortSignal) => Promise<R>, options?: Abortable) => Promise<R>;

interface Running<R> {
	readonly result: Promise<R>;
	readonly controller: AbortController;
	waiting: number;
}

/** Work that several may wait for at once: it is started once for a key, and aborted when all who waited for it were. */
export function createSharedWork<R>(): SharedWork<R> {
	const running = new Map<string, Running<R>>();
	const start = (key: string, work: (signal: AbortSignal) => Promise<R>): Running<R> => {
		const controller = new AbortController();
		const started = {result: work(controller.signal), controller, waiting: 0};
		running.set(key, started);
		const end = (): void => {
			if (running.get(key) === started) running.delete(key);
		};
		started.result.then(end, end);
		return started;
	};
	return async (key, work, options = {}) => {
		options.signal?.throwIfAborted();
		const found = running.get(key) ?? start(key, work);
		found.waiting++;
		try {
			return await waitFor(found.result, options);
		} finally {
			found.waiting--;
			if (found.waiting === 0 && options.signal?.aborted === true) {
				// Who comes now is not to meet the abort of others.
				if (running.get(key) === found) running.delete(key);
				found.controller.abort(options.signal.reason);
			}
		}
	};
}
