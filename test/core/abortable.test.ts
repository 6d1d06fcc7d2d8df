import {getEventListeners} from 'node:events';
import test from 'ava';
import {waitFor} from '../../lib/core/abortable.js';

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
