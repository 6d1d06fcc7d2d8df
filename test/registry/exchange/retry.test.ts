import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {RegistryError, shownUrl} from '../../../lib/registry/exchange/error.js';
import {parseRetryAfter, withRetry} from '../../../lib/registry/exchange/retry.js';

function temporary(retryAfterMs?: number): RegistryError {
	return new RegistryError('ERR_REGISTRY_RESPONSE', 'later', {temporary: true, retryAfterMs});
}

test('repeats temporary failures, as often as allowed', async t => {
	let calls = 0;
	const work = async (): Promise<number> => {
		if (++calls < 3) throw temporary();
		return calls;
	};
	t.is(await withRetry('x', {firstDelayMs: 1}, {}, work), 3);
	calls = -10;
	await t.throwsAsync(withRetry('x', {firstDelayMs: 1, attempts: 2}, {}, work), {message: 'later'});
	t.is(calls, -8);
});

test('does not repeat other failures', async t => {
	let calls = 0;
	const work = async (): Promise<never> => {
		calls++;
		throw new RegistryError('ERR_REGISTRY_UNAUTHORIZED', 'no');
	};
	await t.throwsAsync(withRetry('x', {}, {}, work), {message: 'no'});
	t.is(calls, 1);
});

test('waits as long as the registry asks, within a limit', async t => {
	const events: SealEvent[] = [];
	let calls = 0;
	const work = async (): Promise<void> => {
		if (++calls < 3) throw temporary(calls === 1 ? 3 : 600_000);
	};
	await withRetry('x', {longestDelayMs: 5}, {onEvent: event => events.push(event)}, work);
	t.deepEqual(
		events.map(event => (event.type === 'retry' ? [event.attempt, event.delayMs] : [])),
		[
			[1, 3],
			[2, 5],
		],
	);
});

test('does not wait for a registry that asks for hours', async t => {
	const events: SealEvent[] = [];
	const error = temporary(21_600_000);
	const running = withRetry('x', {}, {onEvent: event => events.push(event)}, async () => await Promise.reject(error));
	t.is(await t.throwsAsync(running), error);
	t.deepEqual(events, []);
});

test('an abort ends the pause with its reason', async t => {
	const controller = new AbortController();
	const reason = new Error('enough');
	const running = withRetry('x', {firstDelayMs: 60_000}, {signal: controller.signal}, async () => {
		setTimeout(() => controller.abort(reason), 5);
		throw temporary();
	});
	t.is(await t.throwsAsync(running), reason);
});

test('reads both forms of Retry-After', t => {
	t.is(parseRetryAfter('7'), 7000);
	t.is(parseRetryAfter('0'), 0);
	const now = Date.UTC(2024, 0, 1);
	t.is(parseRetryAfter('Mon, 01 Jan 2024 00:00:09 GMT', now), 9000);
	t.is(parseRetryAfter('Sun, 31 Dec 2023 00:00:00 GMT', now), 0);
	t.is(parseRetryAfter('soon'), undefined);
	t.is(parseRetryAfter(undefined), undefined);
});

test('URLs are shown without users and signatures', t => {
	t.is(shownUrl('https://u:p@host:5000/v2/x?X-Signature=secret#f'), 'https://host:5000/v2/x');
	t.is(shownUrl('rubbish'), '(malformed URL)');
});
