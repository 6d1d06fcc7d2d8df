import {isSealError} from '../../../core/errors.js';
import {RegistryError} from '../../exchange/error.js';

/** Keeps an upstream that does not answer from being asked over and over. */
export interface BackOff {
	/** Runs `work`, or rejects at once with the last failure while the upstream is given a rest. */
	run<R>(work: () => Promise<R>): Promise<R>;
	/** It failed last, and nothing has shown since that it is back. */
	isDown(): boolean;
	/** It is down, and may not be asked for a while. */
	isResting(): boolean;
	/** Counts a failure that came when the answer had begun already. */
	failed(error: unknown): void;
}

export interface BackOffOptions {
	/** The rest after the first failure. Default: a second. */
	readonly firstMs?: number | undefined;
	/** The longest rest. Default: a minute. */
	readonly longestMs?: number | undefined;
	/** Milliseconds that only grow. */
	readonly now?: (() => number) | undefined;
}

/** Each failure in a row doubles the rest, up to the longest; an upstream that says how long it wants is given that, up to the longest. */
export function createBackOff(options: BackOffOptions = {}): BackOff {
	const {firstMs = 1000, longestMs = 60_000, now = () => performance.now()} = options;
	let failures = 0;
	let restsUntil = 0;
	let last: unknown;
	const failed = (error: unknown): void => {
		// Of many requests that fail together, one counts.
		if (!isUpstreamDown(error) || now() < restsUntil) return;
		failures++;
		last = error;
		const asked = error instanceof RegistryError ? (error.retryAfterMs ?? 0) : 0;
		restsUntil = now() + Math.min(longestMs, Math.max(asked, firstMs * 2 ** Math.min(failures - 1, 10)));
	};
	return {
		failed,
		isDown: () => failures > 0,
		isResting: () => now() < restsUntil,
		async run(work) {
			const startedAt = now();
			if (startedAt < restsUntil) throw last;
			try {
				const result = await work();
				failures = 0;
				return result;
			} catch (error) {
				failed(error);
				throw error;
			}
		},
	};
}

/** Whether an error speaks of the whole upstream, so that what we have is better than nothing. */
export function isUpstreamDown(error: unknown): boolean {
	if (!isSealError(error)) return false;
	if (error instanceof RegistryError && error.status !== undefined && error.status >= 500) return true;
	return [
		'ERR_REGISTRY_HOST',
		'ERR_REGISTRY_UNREACHABLE',
		'ERR_REGISTRY_TLS',
		'ERR_REGISTRY_LIMIT',
		'ERR_NETWORK',
	].includes(error.code);
}
