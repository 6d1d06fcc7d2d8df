import {emit, type OperationOptions} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';

/** What became of the work on one host. */
export type HostOutcome<T> =
	| {readonly host: string; readonly ok: true; readonly value: T; readonly elapsedMs: number}
	| {readonly host: string; readonly ok: false; readonly error: unknown; readonly elapsedMs: number};

export interface EachHostOptions<T = unknown> extends OperationOptions {
	/** Default 32. */
	readonly concurrency?: number | undefined;
	/** What is done, for `hosts.progress` events; without it there are none. */
	readonly title?: string | undefined;
	/** Called with each outcome as it comes; the host counts as being worked on until the promise is settled. */
	readonly onOutcome?: ((outcome: HostOutcome<T>) => void | Promise<void>) | undefined;
}

/**
 * Does the same work on many hosts, at most `concurrency` at once. The failure of one host stops no other and
 * rejects nothing: it is that host's outcome. Outcomes are in the order of the hosts. Only an abort rejects, once all
 * running work has settled.
 */
export async function eachHost<H extends {readonly host: string}, T>(
	hosts: readonly H[],
	work: (host: H) => Promise<T>,
	options: EachHostOptions<T> = {},
): Promise<readonly HostOutcome<T>[]> {
	const count = createCount(hosts.length, options);
	const workOn = async (host: H): Promise<HostOutcome<T>> => {
		count.begin(host.host);
		const outcome = await outcomeOf(host, work, options);
		await options.onOutcome?.(outcome);
		count.end(host.host, outcome.ok);
		return outcome;
	};
	try {
		return await mapBounded(hosts, options.concurrency ?? 32, workOn, options);
	} finally {
		count.close();
	}
}

async function outcomeOf<H extends {readonly host: string}, T>(
	host: H,
	work: (host: H) => Promise<T>,
	{signal}: OperationOptions,
): Promise<HostOutcome<T>> {
	const started = performance.now();
	const elapsedMs = (): number => Math.round(performance.now() - started);
	try {
		const value = await work(host);
		return {host: host.host, ok: true, value, elapsedMs: elapsedMs()};
	} catch (error) {
		signal?.throwIfAborted();
		return {host: host.host, ok: false, error, elapsedMs: elapsedMs()};
	}
}

interface Count {
	begin(host: string): void;
	end(host: string, ok: boolean): void;
	close(): void;
}

/** Tells how many hosts are done: at most ten times a second, and how it stands when nothing more happens. */
function createCount(totalHosts: number, options: OperationOptions & {readonly title?: string | undefined}): Count {
	const {title} = options;
	if (title === undefined) return {begin() {}, end() {}, close() {}};
	const running = new Set<string>();
	let doneHosts = 0;
	let failedHosts = 0;
	let last = Number.NEGATIVE_INFINITY;
	let timer: NodeJS.Timeout | undefined;
	const tell = (): void => {
		const now = performance.now();
		if (now - last < 100 && doneHosts < totalHosts) {
			timer ??= setTimeout(() => {
				timer = undefined;
				tell();
			}, 100).unref();
			return;
		}
		clearTimeout(timer);
		timer = undefined;
		last = now;
		// A set keeps the order in which they began: the first have run longest.
		const slowest = firstOf(running, 3);
		emit(options, {type: 'hosts.progress', id: title, title, totalHosts, doneHosts, failedHosts, slowest});
	};
	return {
		begin(host) {
			running.add(host);
			tell();
		},
		end(host, ok) {
			running.delete(host);
			doneHosts++;
			if (!ok) failedHosts++;
			tell();
		},
		close: () => clearTimeout(timer),
	};
}

function firstOf(hosts: ReadonlySet<string>, most: number): string[] {
	const found: string[] = [];
	for (const host of hosts) {
		if (found.length === most) break;
		found.push(host);
	}
	return found;
}
