import test from 'ava';
import {createGate, mapBounded} from '../../lib/core/pool.js';

test('works on at most so many items at once and keeps their order', async t => {
	let running = 0;
	let most = 0;
	const results = await mapBounded([3, 1, 2, 0], 2, async item => {
		most = Math.max(most, ++running);
		await new Promise(resolve => setTimeout(resolve, item * 3));
		running--;
		return item * 10;
	});
	t.deepEqual(results, [30, 10, 20, 0]);
	t.is(most, 2);
	t.deepEqual(await mapBounded([], 3, async () => 1), []);
});

test('the first failure stops new work and is told when the rest has settled', async t => {
	const done: number[] = [];
	const failing = mapBounded([0, 1, 2, 3], 2, async item => {
		if (item === 0) throw new Error('first');
		await new Promise(resolve => setTimeout(resolve, 5));
		done.push(item);
	});
	await t.throwsAsync(failing, {message: 'first'});
	t.deepEqual(done, [1]);
});

test('an abort stops new work with its reason', async t => {
	const controller = new AbortController();
	const reason = new Error('enough');
	let started = 0;
	const running = mapBounded(
		[1, 2, 3],
		1,
		async () => {
			started++;
			controller.abort(reason);
		},
		{signal: controller.signal},
	);
	t.is(await t.throwsAsync(running), reason);
	t.is(started, 1);
});

test('a gate lets so many in, in order of arrival, also after failures', async t => {
	const gate = createGate(1);
	const order: number[] = [];
	const results = await Promise.allSettled(
		[0, 1, 2].map(i =>
			gate.run(async () => {
				order.push(i);
				await Promise.resolve();
				if (i === 0) throw new Error('no');
				return i;
			}),
		),
	);
	t.deepEqual(order, [0, 1, 2]);
	t.deepEqual(
		results.map(({status}) => status),
		['rejected', 'fulfilled', 'fulfilled'],
	);
});
