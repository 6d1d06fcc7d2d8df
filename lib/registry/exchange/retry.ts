import {setTimeout as sleep} from 'node:timers/promises';
import {emit, type OperationOptions} from '../../core/events.js';
import {RegistryError} from './error.js';

export interface RetryPolicy {
	/** Attempts in all; default 5. */
	readonly attempts?: number | undefined;
	/** The first pause; each one doubles, with jitter. Default 500 ms. */
	readonly firstDelayMs?: number | undefined;
	/** No pause is longer, whatever a registry asks for. Default 60 s. */
	readonly longestDelayMs?: number | undefined;
}

/** Statuses after which the same request may succeed (429 and 503 often say when). */
export const temporaryStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504, 522]);

/** Repeats `work` while it fails with a temporary RegistryError. Emits a `retry` event before each pause. */
export async function withRetry<R>(
	id: string,
	policy: RetryPolicy,
	options: OperationOptions,
	work: () => Promise<R>,
): Promise<R> {
	const attempts = policy.attempts ?? 5;
	for (let attempt = 1; ; attempt++) {
		options.signal?.throwIfAborted();
		try {
			return await work();
		} catch (error) {
			options.signal?.throwIfAborted();
			if (!(error instanceof RegistryError) || !error.temporary || attempt >= attempts) throw error;
			await pause(id, attempt, error, policy, options);
		}
	}
}

const hopelessMs = 10 * 60_000;

/**
 * Waits as long as the registry asked for, else longer each time. Rejects at once with `error` when the registry asks for
 * much more time than all attempts would wait: that a limit by the hour is used up is said now, not in four minutes.
 */
export async function pause(
	id: string,
	attempt: number,
	error: RegistryError,
	policy: RetryPolicy,
	options: OperationOptions,
): Promise<void> {
	const longest = policy.longestDelayMs ?? 60_000;
	if (error.retryAfterMs !== undefined && error.retryAfterMs > hopelessMs) throw error;
	const backOff = (policy.firstDelayMs ?? 500) * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
	const delayMs = Math.round(Math.min(longest, error.retryAfterMs ?? backOff));
	emit(options, {type: 'retry', id, attempt, reason: error.message, delayMs});
	const {signal} = options;
	await sleep(delayMs, undefined, signal === undefined ? {} : {signal}).catch(() => signal?.throwIfAborted());
}

/** Reads Retry-After: seconds or a date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
	if (value === undefined) return undefined;
	if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
	const date = Date.parse(value);
	return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
