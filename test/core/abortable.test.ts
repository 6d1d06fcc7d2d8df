import {getEventListeners} from 'node:events';
import test from 'ava';
import {createSharedWork, waitFor} from '../../lib/core/abortable.js';

test('an abort ends the waiting and not the work', async t => {
	const controller = new AbortController();
	const reason = new Error('enough');
	let done = (_: string): void => undefined;
	const work = new Promise<string>(resolve => {
		done = resolve;
	});
	const [one, other] = [waitFor(work, {signal: controller.signal}), waitFor(work)];
	controller.abort(reason);
	t.is(await t.throwsAsync(one), reason);
	done('result');
	t.is(await other, 'result');
});

test('nothing is left behind on the signal', async t => {
	const {signal} = new AbortController();
	t.is(await waitFor(Promise.resolve(1), {signal}), 1);
	t.is(getEventListeners(signal, 'abort').length, 0);
	await t.throwsAsync(waitFor(Promise.resolve(1), {signal: AbortSignal.abort(new Error('before'))}), {
		message: 'before',
	});
});

test('work is started once for a key, and ends when all who waited for it were aborted', async t => {
	const shared = createSharedWork<number>();
	const signals: AbortSignal[] = [];
	const work = async (signal: AbortSignal): Promise<number> => {
		signals.push(signal);
		return await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
	};
	const [one, two] = [new AbortController(), new AbortController()];
	const waiting = [shared('k', work, {signal: one.signal}), shared('k', work, {signal: two.signal})] as const;
	one.abort(new Error('one'));
	await t.throwsAsync(waiting[0], {message: 'one'});
	t.deepEqual(
		signals.map(signal => signal.aborted),
		[false],
	);
	two.abort(new Error('two'));
	await t.throwsAsync(waiting[1], {message: 'two'});
	t.true(signals[0]?.aborted);
	t.is(await shared('k', async () => 7), 7);
	t.is(await shared('k', async () => 8), 8);
});
