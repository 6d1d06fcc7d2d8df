import type {Abortable} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';

/** What became of the work on one host. */
export type HostOutcome<T> =
	| {readonly host: string; readonly ok: true; readonly value: T; readonly elapsedMs: number}
	| {readonly host: string; readonly ok: false; readonly error: unknown; readonly elapsedMs: number};

/**
 * Does the same work on many hosts, at most `concurrency` (default 32) at once. The failure of one host stops no other and
 * rejects nothing: it is that host's outcome. Outcomes are in the order of the hosts. Only an abort rejects, once all
 * running work has settled.
 */
export async function eachHost<H extends {readonly host: string}, T>(
	hosts: readonly H[],
	work: (host: H) => Promise<T>,
	options: Abortable & {readonly concurrency?: number | undefined} = {},
): Promise<readonly HostOutcome<T>[]> {
	return await mapBounded(
		hosts,
		options.concurrency ?? 32,
		async (host): Promise<HostOutcome<T>> => {
			const started = performance.now();
			const elapsedMs = (): number => Math.round(performance.now() - started);
			try {
				return {host: host.host, ok: true, value: await work(host), elapsedMs: elapsedMs()};
			} catch (error) {
				options.signal?.throwIfAborted();
				return {host: host.host, ok: false, error, elapsedMs: elapsedMs()};
			}
		},
		options,
	);
}
