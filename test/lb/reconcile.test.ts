import test from 'ava';
import fc from 'fast-check';
import type {DestinationState, ServiceState} from '../../lib/lb/ipvs/table.js';
import {
	type BalancerState,
	type KernelView,
	type Operation,
	type ProbeResult,
	reconcile,
} from '../../lib/lb/reconcile.js';
import {type BalancerSpec, memberKey, readSpec} from '../../lib/lb/spec.js';

const traffic = {connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n};
const ready: ProbeResult = {kind: 'ready'};
const failed: ProbeResult = {kind: 'failed', why: 'no answer in 1000 ms'};
const unready: ProbeResult = {kind: 'unready', why: 'HTTP 500'};

/** A balancer with a model of the kernel: what is asked for is done, and asserted to be possible. */
function balance(members: readonly string[]) {
	let spec = readSpec({members, policy: {drainMs: 10_000}}, 'the test');
	let state: BalancerState = new Map();
	let service: ServiceState | undefined;
	const table = new Map<string, DestinationState>();
	let nowMs = 0;
	const apply = (operation: Operation): void => {
		if (operation.do === 'add-service' || operation.do === 'edit-service') service = {...operation.service, traffic};
		else if (operation.do === 'delete-member') {
			if (!table.delete(memberKey(operation.member))) throw new Error('Deleted what is not there');
		} else {
			const key = memberKey(operation.destination);
			if (table.has(key) !== (operation.do === 'edit-member')) throw new Error(`${operation.do} of ${key}`);
			table.set(key, {
				activeConnections: 0,
				inactiveConnections: 0,
				traffic,
				...table.get(key),
				...operation.destination,
			});
		}
	};
	return {
		weights: () => Object.fromEntries([...table].map(([key, {weight}]) => [key.replace(':6443', ''), weight])),
		table,
		forget: () => {
			table.clear();
			service = undefined;
		},
		restart: () => {
			state = new Map();
		},
		edit: (next: readonly string[]) => {
			spec = readSpec({members: next, policy: {drainMs: 10_000}}, 'the test');
		},
		connections: (address: string, activeConnections: number) => {
			const key = `${address}:6443`;
			table.set(key, {...table.get(key)!, activeConnections});
		},
		/** One round of probes, a second later; who has no result keeps the last one's meaning. */
		round(results: Readonly<Record<string, ProbeResult>> = {}) {
			nowMs += 1000;
			const probes = new Map(Object.entries(results).map(([address, result]) => [`${address}:6443`, result]));
			const kernel: KernelView = {service, destinations: [...table.values()]};
			const next = reconcile(spec, state, probes, kernel, nowMs);
			let least = Number.POSITIVE_INFINITY;
			for (const operation of next.operations) {
				apply(operation);
				if (operation.do.endsWith('member')) least = Math.min(least, table.size);
			}
			state = next.state;
			return {...next, least};
		},
		spec: (): BalancerSpec => spec,
	};
}

const [a, b, c] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;

test('at the start all members get connections at once', t => {
	const lb = balance([a, b]);
	t.deepEqual(
		lb.round().operations.map(operation => operation.do),
		['add-service', 'add-member', 'add-member'],
	);
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
	t.deepEqual(lb.round().operations, []);
});

test('a crashed member is deleted after two failures, not drained', t => {
	const lb = balance([a, b]);
	lb.round();
	t.deepEqual(lb.round({[a]: failed, [b]: ready}).operations, []);
	const {operations, changes} = lb.round({[a]: failed, [b]: ready});
	t.deepEqual(operations, [{do: 'delete-member', member: {address: a, port: 6443}}]);
	t.deepEqual(
		changes.map(({from, to, why}) => [from, to, why]),
		[['suspect', 'dead', 'no answer in 1000 ms (2 times)']],
	);
});

test('one lost probe changes nothing', t => {
	const lb = balance([a, b]);
	lb.round();
	lb.round({[a]: failed, [b]: ready});
	t.deepEqual(lb.round({[a]: ready, [b]: ready}).operations, []);
	t.deepEqual(lb.round({[a]: failed, [b]: ready}).operations, []);
});

test('a dead member comes back after two answers in a row', t => {
	const lb = balance([a, b]);
	lb.round();
	lb.round({[a]: failed});
	lb.round({[a]: failed});
	lb.round({[a]: ready});
	t.deepEqual(lb.weights(), {[b]: 1});
	lb.round({[a]: failed});
	lb.round({[a]: ready});
	t.deepEqual(lb.weights(), {[b]: 1});
	lb.round({[a]: ready});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
});

test('when all are dead all stay, those that were deleted come back, and the first who answers is alone', t => {
	const lb = balance([a, b]);
	lb.round();
	for (let i = 0; i < 2; i++) lb.round({[a]: failed, [b]: ready});
	t.deepEqual(lb.weights(), {[b]: 1});
	for (let i = 0; i < 2; i++) lb.round({[a]: failed, [b]: failed});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
	for (let i = 0; i < 2; i++) lb.round({[a]: failed, [b]: ready});
	t.deepEqual(lb.weights(), {[b]: 1});
});

test('who answers once when all come back keeps its connections until it has answered twice, as another one already has', t => {
	const lb = balance([a, b, c]);
	lb.round();
	for (let i = 0; i < 2; i++) lb.round({[a]: failed, [b]: failed, [c]: failed});
	lb.round({[a]: ready});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1, [c]: 1});
	lb.round({[a]: ready, [b]: ready, [c]: failed});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
	t.deepEqual(lb.round({[b]: ready}).operations, []);
	lb.round({[c]: ready});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
});

test('a server that shuts down gets no new connections, keeps the old ones, and is deleted after the drain time', t => {
	const lb = balance([a, b]);
	lb.round();
	t.deepEqual(lb.round({[a]: unready, [b]: ready}).operations, [
		{do: 'edit-member', destination: {address: a, port: 6443, forwarding: 'masquerade', weight: 0}},
	]);
	for (let i = 0; i < 9; i++) lb.round({[a]: unready, [b]: ready});
	t.deepEqual(lb.weights(), {[a]: 0, [b]: 1});
	lb.round({[a]: unready, [b]: ready});
	t.deepEqual(lb.weights(), {[b]: 1});
});

test('a draining server that crashes is deleted at once', t => {
	const lb = balance([a, b]);
	lb.round();
	lb.round({[a]: unready, [b]: ready});
	lb.round({[a]: failed, [b]: ready});
	lb.round({[a]: failed, [b]: ready});
	t.deepEqual(lb.weights(), {[b]: 1});
});

test('the only server keeps its connections even when it says that it is not ready', t => {
	const lb = balance([a]);
	lb.round();
	t.deepEqual(lb.round({[a]: unready}).operations, []);
	t.deepEqual(lb.weights(), {[a]: 1});
});

test('a member that is taken out drains until its connections are done', t => {
	const lb = balance([a, b]);
	lb.round();
	lb.connections(a, 3);
	lb.edit([b]);
	lb.round({[b]: ready});
	t.deepEqual(lb.weights(), {[a]: 0, [b]: 1});
	lb.round({[b]: ready});
	t.deepEqual(lb.weights(), {[a]: 0, [b]: 1});
	lb.connections(a, 0);
	const {changes} = lb.round({[b]: ready});
	t.deepEqual(
		changes.map(({to}) => to),
		['gone'],
	);
	t.deepEqual(lb.weights(), {[b]: 1});
});

test('a member that is added has to prove itself', t => {
	const lb = balance([a]);
	lb.round();
	lb.edit([a, b]);
	lb.round({[a]: ready, [b]: ready});
	t.deepEqual(lb.weights(), {[a]: 1});
	lb.round({[a]: ready, [b]: ready});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
});

test('a table that somebody flushed is there again after one round', t => {
	const lb = balance([a, b]);
	lb.round();
	lb.forget();
	lb.round({[a]: ready, [b]: ready});
	t.deepEqual(lb.weights(), {[a]: 1, [b]: 1});
});

test('a restart gives a dead member no connections, and a drained one none either', t => {
	const lb = balance([a, b, c]);
	lb.round();
	lb.round({[c]: unready});
	for (let i = 0; i < 2; i++) lb.round({[a]: failed, [b]: ready, [c]: unready});
	lb.restart();
	t.deepEqual(lb.round().operations, []);
	t.deepEqual(lb.weights(), {[b]: 1, [c]: 0});
	for (let i = 0; i < 2; i++) lb.round({[a]: ready, [b]: ready, [c]: ready});
	t.deepEqual(lb.weights(), {[b]: 1, [c]: 1, [a]: 1});
});

test('a member that was taken off while nobody looked is drained as any other', t => {
	const lb = balance([a, b]);
	lb.round();
	lb.connections(a, 3);
	lb.restart();
	lb.edit([b]);
	t.like(lb.round().changes.at(-1), {from: undefined, to: 'draining', why: 'it is no member any more'});
	t.deepEqual(lb.weights(), {[a]: 0, [b]: 1});
	lb.connections(a, 0);
	lb.round();
	t.deepEqual(lb.weights(), {[b]: 1});
});

test('a restart changes nothing in the table', t => {
	const lb = balance([a, b, c]);
	lb.round();
	lb.restart();
	t.deepEqual(lb.round().operations, []);
});

const history = fc.array(
	fc.oneof(
		fc.record({
			kind: fc.constant('probes' as const),
			results: fc.array(fc.constantFrom(ready, failed, unready, undefined), {minLength: 4, maxLength: 4}),
		}),
		fc.record({
			kind: fc.constant('edit' as const),
			members: fc.subarray(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'], {minLength: 1}),
		}),
		fc.record({kind: fc.constantFrom('forget' as const, 'restart' as const)}),
	),
	{maxLength: 60},
);

test('whatever happens: what is asked for can be done, the table is never empty, and it converges', t => {
	fc.assert(
		fc.property(history, events => {
			const lb = balance(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
			lb.round();
			for (const event of events) {
				if (event.kind === 'edit') lb.edit(event.members);
				else if (event.kind === 'forget') lb.forget();
				else if (event.kind === 'restart') lb.restart();
				const results =
					event.kind === 'probes'
						? event.results.flatMap((result, i) => (result === undefined ? [] : [[`10.0.0.${i + 1}`, result] as const]))
						: [];
				const {least} = lb.round(Object.fromEntries(results));
				t.true(least > 0, 'the last member was deleted');
				t.true(lb.table.size > 0);
				t.true(
					[...lb.table.values()].some(({weight}) => weight > 0),
					'nobody takes new connections',
				);
			}
			// All answer for long enough: the table is what the spec says, and nothing is left to do.
			const all = Object.fromEntries(lb.spec().members.map(({address}) => [address, ready]));
			for (let i = 0; i < 15; i++) lb.round(all);
			t.deepEqual(Object.keys(lb.weights()).sort(), Object.keys(all).sort());
			t.true([...lb.table.values()].every(({weight}) => weight === 1));
			t.deepEqual(lb.round(all).operations, []);
		}),
		{numRuns: 500},
	);
});
