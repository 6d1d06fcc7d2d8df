import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {eachHost} from '../../../lib/runtime/host/each.js';

const hosts = Array.from({length: 50}, (_, i) => ({host: `node${i}`}));

test('outcomes come in the order of the hosts, and a failure is the outcome of its host alone', async t => {
	const failure = new Error('no');
	const outcomes = await eachHost(hosts, async ({host}) => {
		await sleep(host === 'node0' ? 20 : 0);
		if (host === 'node7') throw failure;
		return host.length;
	});
	t.deepEqual(
		outcomes.map(({host}) => host),
		hosts.map(({host}) => host),
	);
	t.deepEqual(
		outcomes.flatMap(outcome => (outcome.ok ? [] : [[outcome.host, outcome.error]])),
		[['node7', failure]],
	);
	t.like(outcomes[10], {ok: true, value: 6});
});

test('no more hosts are worked on at once than allowed', async t => {
	let running = 0;
	let most = 0;
	const work = async (): Promise<void> => {
		most = Math.max(most, ++running);
		await sleep(1);
		running--;
	};
	await eachHost(hosts, work, {concurrency: 4});
	t.is(most, 4);
	await eachHost(hosts, work);
	t.is(most, 32);
});

test('an abort starts no further host and rejects with its reason once all work has settled', async t => {
	const controller = new AbortController();
	const reason = new Error('enough');
	let begun = 0;
	let settled = 0;
	const run = eachHost(
		hosts,
		async () => {
			if (++begun === 3) controller.abort(reason);
			await sleep(5);
			settled++;
			controller.signal.throwIfAborted();
		},
		{concurrency: 3, signal: controller.signal},
	);
	t.is(await t.throwsAsync(run), reason);
	t.deepEqual([begun, settled], [3, 3]);
});

test('progress counts hosts, names the slowest and always ends with all of them', async t => {
	const events: SealEvent[] = [];
	await eachHost(
		hosts.slice(0, 5),
		async ({host}) => {
			await sleep(host === 'node0' ? 150 : 0);
			if (host === 'node3') throw new Error('no');
		},
		{title: 'try', onEvent: event => events.push(event)},
	);
	t.like(events[0], {type: 'hosts.progress', title: 'try', totalHosts: 5, doneHosts: 0, slowest: ['node0']});
	t.like(events.at(-1), {doneHosts: 5, failedHosts: 1, slowest: []});
	t.true(events.length <= 4, 'ten a second at most');
});

test('progress tells how it stands while the last host hangs', async t => {
	// What tells it keeps no process alive, and here nothing else may.
	const awake = setInterval(() => undefined, 1000);
	t.teardown(() => clearInterval(awake));
	let isTold = (): void => {};
	const told = new Promise<void>(resolve => {
		isTold = resolve;
	});
	await eachHost(hosts.slice(0, 10), async ({host}) => (host === 'node4' ? told : undefined), {
		title: 'try',
		onEvent(event) {
			if (event.type === 'hosts.progress' && event.doneHosts === 9 && event.slowest[0] === 'node4') isTold();
		},
	});
	t.pass('it is told before the last one ends, or this never does');
});

test('outcomes are told as they come', async t => {
	const told: string[] = [];
	await eachHost(
		hosts.slice(0, 3),
		async ({host}) => {
			if (host === 'node0') await sleep(20);
			if (host === 'node1') throw new Error('no');
		},
		{onOutcome: ({host, ok}) => void told.push(`${host} ${ok}`)},
	);
	t.is(told.at(-1), 'node0 true');
	t.deepEqual(told.toSorted(), ['node0 true', 'node1 false', 'node2 true']);
});
