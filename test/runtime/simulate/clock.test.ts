import test from 'ava';
import {createVirtualClock} from '../../../lib/runtime/simulate/clock.js';
import {createLink, startFlow} from '../../../lib/runtime/simulate/network.js';

test('an hour of sleep takes no time, and sleepers wake in order', async t => {
	const clock = createVirtualClock();
	const woken: string[] = [];
	const sleeper = async (name: string, ms: number): Promise<void> => {
		await clock.sleep(ms);
		woken.push(`${name} ${clock.now()}`);
	};
	await clock.run(
		Promise.all([sleeper('late', 3_600_000), sleeper('soon', 5), sleeper('also', 5), sleeper('at once', 0)]),
	);
	t.deepEqual(woken, ['at once 0', 'soon 5', 'also 5', 'late 3600000']);
});

test('an aborted sleep ends with the reason', async t => {
	const clock = createVirtualClock();
	const controller = new AbortController();
	clock.after(10, () => controller.abort(new Error('up')));
	await t.throwsAsync(clock.run(clock.sleep(1000, {signal: controller.signal})), {message: 'up'});
	t.is(clock.now(), 10);
});

test('work that can never end is found out', async t => {
	const clock = createVirtualClock();
	await t.throwsAsync(clock.run(new Promise(() => undefined)), {code: 'ERR_INTERNAL'});
});

test('flows share the links at both ends, and what ends leaves its share to the others', async t => {
	const clock = createVirtualClock();
	const from = createLink(8000, 8000);
	const [one, other] = [createLink(8000, 8000), createLink(8000, 8000)];
	const ends: string[] = [];
	const done = (name: string) => () => ends.push(`${name} ${clock.now()}`);
	startFlow(clock, from, one, 1000, done('short'));
	startFlow(clock, from, other, 3000, done('long'));
	const stopped = startFlow(clock, createLink(8000, 8000), other, 1e9, done('never'));
	clock.after(1000, () => stopped.stop());
	await clock.run(clock.sleep(100_000));
	t.deepEqual(ends, ['short 2000', 'long 4000']);
	t.is(Math.round(from.sentBytes), 4000);
	t.is(Math.round(other.receivedBytes), 3500);
});
