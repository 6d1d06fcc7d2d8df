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
