import {setImmediate as turn} from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import type {SealEvent} from '../../../lib/core/events.js';
import type {PlannedAction} from '../../../lib/runtime/plan/action.js';
import {type ActionOutcome, perform} from '../../../lib/runtime/plan/perform.js';

test('an action begins when all that it needs is done, and others do not wait', async t => {
	const {log, work} = recorder();
	const outcomes = await perform([action('a'), action('b', ['a']), action('c'), action('d', ['b', 'c'])], work);
	t.deepEqual(states(outcomes), {a: 'done', b: 'done', c: 'done', d: 'done'});
	t.deepEqual(log, ['+a', '+c', '-a', '+b', '-c', '-b', '+d', '-d']);
});

test('a failure skips what needs it, and nothing else', async t => {
	const {work} = recorder(['a']);
	const events: SealEvent[] = [];
	const actions = [action('a'), action('b', ['a']), action('c', ['b']), action('d'), action('e', ['d'])];
	const outcomes = await perform(actions, work, {onEvent: event => events.push(event)});
	t.deepEqual(states(outcomes), {a: 'failed', b: 'skipped', c: 'skipped', d: 'done', e: 'done'});
	t.deepEqual(
		outcomes.filter(({state}) => state === 'skipped'),
		[
			{id: 'b', state: 'skipped', because: 'a'},
			{id: 'c', state: 'skipped', because: 'b'},
		],
	);
	t.deepEqual(
		events
			.map(({type}) => type)
			.filter(type => type === 'action.skipped' || type === 'action.failed')
			.sort(),
		['action.failed', 'action.skipped', 'action.skipped'],
	);
});

test('what is thrown before the first await is the failure of the action', async t => {
	const [outcome] = await perform([action('a')], () => {
		throw new Error('at once');
	});
	t.is(outcome?.state, 'failed');
});

test('a lane lets as many run as it is wide, and does not hold up others', async t => {
	let [inLane, most, all] = [0, 0, 0];
	const work = async ({lane}: PlannedAction): Promise<void> => {
		all++;
		if (lane !== undefined) most = Math.max(most, ++inLane);
		await turn();
		if (lane !== undefined) inLane--;
	};
	const serial = Array.from({length: 5}, (_, i) => ({...action(`s${i}`), lane: 'control-plane'}));
	await perform([...serial, action('free')], work);
	t.is(most, 1);
	most = 0;
	await perform([...serial, action('free')], work, {lanes: {'control-plane': 3}});
	t.is(most, 3);
	t.is(all, 12);
});

test('stop lets what runs come to its end and begins nothing more', async t => {
	const stop = new AbortController();
	const {log, work} = recorder();
	const outcomes = await perform(
		[action('a'), action('b', ['a']), action('c', ['b'])],
		async one => {
			if (one.id === 'b') stop.abort();
			await work(one);
		},
		{stop: stop.signal},
	);
	t.deepEqual(states(outcomes), {a: 'done', b: 'done', c: 'stopped'});
	t.deepEqual(log, ['+a', '-a', '+b', '-b']);
});

test('an abort rejects with its reason once all that runs has settled', async t => {
	const abort = new AbortController();
	let isSettled = false;
	const running = perform(
		[action('a'), action('b', ['a'])],
		async () => {
			abort.abort(new Error('enough'));
			await turn();
			isSettled = true;
		},
		{signal: abort.signal},
	);
	await t.throwsAsync(running, {message: 'enough'});
	t.true(isSettled);
});

test('an empty plan is done', async t => {
	t.deepEqual(await perform([], () => Promise.resolve()), []);
});

test('whatever the plan and the failures: order, bounds and outcomes hold', async t => {
	await fc.assert(
		fc.asyncProperty(graphs, fc.integer({min: 1, max: 4}), async (given, concurrency) => {
			const done = new Set<string>();
			const begun = new Set<string>();
			let [running, serial] = [0, 0];
			const work = async ({id, needs, lane}: Given): Promise<void> => {
				if (begun.has(id)) throw new Error(`${id} began twice`);
				begun.add(id);
				if (needs.some(need => !done.has(need))) throw new Error(`${id} began too early`);
				if (++running > concurrency) throw new Error('too many at once');
				if (lane !== undefined && ++serial > 1) throw new Error('too many in the lane');
				await turn();
				running--;
				if (lane !== undefined) serial--;
				if (given.find(one => one.id === id)?.input.fails === true) throw new Error('as played');
				done.add(id);
			};
			const outcomes = await perform(given, work, {concurrency});
			const byId = new Map(outcomes.map(outcome => [outcome.id, outcome]));
			for (const {id, needs, input} of given) {
				const outcome = byId.get(id);
				const isLost = needs.some(need => byId.get(need)?.state !== 'done');
				if (outcome?.state !== (isLost ? 'skipped' : input.fails ? 'failed' : 'done')) return false;
				if (outcome.state === 'failed' && (outcome.error as Error).message !== 'as played') return false;
				if (outcome.state === 'skipped' && !needs.includes(outcome.because)) return false;
			}
			return outcomes.length === given.length;
		}),
	);
	t.pass();
});

type Given = PlannedAction<string, {readonly fails: boolean}>;

/** Each action may need any of those before it; then they are shuffled. */
const graphs: fc.Arbitrary<readonly Given[]> = fc
	.array(
		fc.record({
			needs: fc.array(fc.nat(20), {maxLength: 4}),
			fails: fc.boolean().map(fails => fails),
			serial: fc.boolean(),
		}),
		{maxLength: 20},
	)
	.map(nodes =>
		nodes.map(
			({needs, fails, serial}, index): Given => ({
				...action(
					`n${index}`,
					needs.filter(need => need < index).map(need => `n${need}`),
				),
				...(serial ? {lane: 'serial'} : {}),
				input: {fails},
			}),
		),
	)
	.chain(actions => fc.shuffledSubarray([...actions], {minLength: actions.length}));

function action(id: string, needs: readonly string[] = []): PlannedAction {
	return {id, kind: 'play', phase: 'test', title: `do ${id}`, needs, input: {}};
}

function recorder(failing: readonly string[] = []): {
	readonly log: string[];
	readonly work: (action: PlannedAction) => Promise<void>;
} {
	const log: string[] = [];
	const work = async ({id}: PlannedAction): Promise<void> => {
		log.push(`+${id}`);
		await turn();
		log.push(`-${id}`);
		if (failing.includes(id)) throw new Error('as played');
	};
	return {log, work};
}

function states(outcomes: readonly ActionOutcome[]): Record<string, string> {
	return Object.fromEntries(outcomes.map(({id, state}) => [id, state]));
}
