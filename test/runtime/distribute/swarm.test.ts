import test from 'ava';
import fc from 'fast-check';
import {isSealError, SealError} from '../../../lib/core/errors.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import {createVirtualClock} from '../../../lib/runtime/simulate/clock.js';
import {
	createRandom,
	type Simulated,
	simulateDistribution,
	syntheticBlob,
} from '../../../lib/runtime/simulate/simulate.js';
import type {SimulatedHost} from '../../../lib/runtime/simulate/world.js';

const gigabyte = 1e9;

function hosts(count: number, spec: (number: number) => Partial<SimulatedHost> = () => ({})): SimulatedHost[] {
	return Array.from({length: count}, (_, number) => ({name: `h${number}`, ...spec(number)}));
}

test('a thousand hosts get a gigabyte near the bound, and little more than a copy leaves the operator', async t => {
	const {elapsedMs, boundMs, copies, hostsDone} = await simulateDistribution({hosts: 1000, blobSizes: [gigabyte]});
	t.is(hostsDone, 1000);
	t.true(elapsedMs < 60_000 && elapsedMs < boundMs * 1.5, `${elapsedMs} ms`);
	t.true(copies < 1.5, `${copies} copies`);
});

test('one host gets everything as fast as the link allows', async t => {
	const {elapsedMs, directMs, copies} = await simulateDistribution({hosts: 1, blobSizes: [gigabyte]});
	t.true(elapsedMs < directMs * 1.02);
	t.is(copies, 1);
});

test('two and three hosts are no slower than if each were sent its own copy', async t => {
	for (const count of [2, 3])
		for (const blobSizes of [[100_000], [50e6], [gigabyte]]) {
			const {elapsedMs, directMs} = await simulateDistribution({hosts: count, blobSizes});
			t.true(elapsedMs < directMs + 50, `${count} hosts, ${elapsedMs} ms, direct ${directMs} ms`);
		}
});

test('two hosts with slow ways between them are soon served by the operator alone', async t => {
	const slow = hosts(2, () => ({upBps: 10e6}));
	const {elapsedMs, directMs} = await simulateDistribution({hosts: slow, blobSizes: [gigabyte]});
	t.true(elapsedMs < directMs * 1.15, `${elapsedMs} ms, direct ${directMs} ms`);
});

test('hosts that are slow to each other are helped by an operator that is not', async t => {
	const slow = hosts(6, () => ({upBps: 10e6}));
	const {elapsedMs, directMs} = await simulateDistribution({hosts: slow, blobSizes: [gigabyte]});
	t.true(elapsedMs < directMs * 1.3, `${elapsedMs} ms, direct ${directMs} ms`);
});

test('hosts that die take nobody with them', async t => {
	const dying = hosts(50, number => (number % 5 === 0 ? {diesAtMs: 3000 + number * 10} : {}));
	const {hostsDone, failures, elapsedMs, world} = await simulateDistribution({hosts: dying, blobSizes: [gigabyte]});
	t.is(hostsDone, 40);
	t.is(failures.size, 10);
	for (const error of failures.values()) t.true(error instanceof HostError);
	t.true(elapsedMs < 30_000);
	t.true(world.load.toDead <= 60, `${world.load.toDead} questions to the dead`);
});

test('a source that is dead is soon asked by nobody, though the operator has not noticed yet', async t => {
	const blob = syntheticBlob(gigabyte, 0);
	const dead: SimulatedHost = {name: 'dead', diesAtMs: 40, has: new Map([[blob.blob, 'all']])};
	const {hostsDone, world, elapsedMs} = await simulateDistribution({
		hosts: [dead, ...hosts(40)],
		blobSizes: [gigabyte],
		silenceMs: 600_000,
	});
	// It had everything, so it was done before it died.
	t.is(hostsDone, 41);
	t.true(elapsedMs < 60_000, `${elapsedMs} ms`);
	t.true(world.load.toDead < 20, `${world.load.toDead} questions to the dead`);
});

test('hosts that lie are found out, and the others get what is right', async t => {
	const lying = hosts(40, number => ({isLiar: number % 4 === 0}));
	const {hostsDone, elapsedMs} = await simulateDistribution({hosts: lying, blobSizes: [gigabyte]});
	t.is(hostsDone, 40);
	t.true(elapsedMs < 30_000);
});

test('hosts that reach nobody are served by the operator', async t => {
	const {hostsDone, elapsedMs, directMs} = await simulateDistribution({
		hosts: 10,
		blobSizes: [gigabyte],
		reaches: () => false,
	});
	t.is(hostsDone, 10);
	t.true(elapsedMs < directMs * 1.3);
});

test('hosts that cannot listen still fetch', async t => {
	const deaf = hosts(30, number => ({isDeaf: number > 2}));
	const {hostsDone, copies} = await simulateDistribution({hosts: deaf, blobSizes: [100e6]});
	t.is(hostsDone, 30);
	t.true(copies < 10);
});

test('two networks with a wall between them become two swarms', async t => {
	const side = ({name}: SimulatedHost): number => Number(name.slice(1)) % 2;
	const {hostsDone, copies, elapsedMs} = await simulateDistribution({
		hosts: hosts(100),
		blobSizes: [gigabyte],
		reaches: (from, to) => side(from) === side(to),
	});
	t.is(hostsDone, 100);
	t.true(copies < 6, `${copies} copies`);
	t.true(elapsedMs < 60_000, `${elapsedMs} ms`);
});

test('a slow host slows nobody but itself', async t => {
	const mixed = hosts(50, number => (number === 7 ? {upBps: 10e6, downBps: 10e6} : {}));
	const {medianMs, boundMs, hostsDone} = await simulateDistribution({hosts: mixed, blobSizes: [100e6]});
	t.is(hostsDone, 50);
	t.true(medianMs < boundMs / 4);
});

test('what is there does not move again', async t => {
	const blob = syntheticBlob(gigabyte, 0);
	const half = blob.parts.filter(({index}) => index % 2 === 0).map(({index}) => index);
	const resumed = hosts(10, () => ({has: new Map([[blob.blob, half]])}));
	const {world, hostsDone, copies} = await simulateDistribution({hosts: resumed, blobSizes: [gigabyte]});
	const missing = blob.parts.filter(({index}) => index % 2 === 1).reduce((sum, {sizeBytes}) => sum + sizeBytes, 0);
	t.is(hostsDone, 10);
	t.true(copies < 0.8);
	for (const link of world.links.values()) t.true(Math.abs(link.receivedBytes - missing) < 1);
});

test('a host that has everything gives it to a new one, and the operator sends nothing', async t => {
	const blob = syntheticBlob(gigabyte, 0);
	const specs = [...hosts(3, () => ({has: new Map([[blob.blob, 'all' as const]])})), {name: 'new'}];
	const {operatorBytes, hostsDone} = await simulateDistribution({
		hosts: specs,
		blobSizes: [gigabyte],
		limits: {copies: 1},
	});
	t.is(hostsDone, 4);
	t.is(operatorBytes, 0);
});

test('nothing moves where nothing is missing, and nobody listens', async t => {
	const blob = syntheticBlob(gigabyte, 0);
	const full = hosts(5, () => ({has: new Map([[blob.blob, 'all' as const]])}));
	const {operatorBytes, elapsedMs, hostsDone} = await simulateDistribution({hosts: full, blobSizes: [gigabyte]});
	t.is(hostsDone, 5);
	t.is(operatorBytes, 0);
	t.true(elapsedMs < 10);
});

test('an abort ends everything that is under way, and says why', async t => {
	const clock = createVirtualClock();
	const controller = new AbortController();
	clock.after(3000, () => controller.abort(new SealError('ERR_ABORTED', 'enough')));
	const error = await t.throwsAsync(
		simulateDistribution({hosts: 30, blobSizes: [gigabyte], clock, signal: controller.signal}),
	);
	t.true(isSealError(error));
	t.is(error?.message, 'enough');
	t.true(clock.now() < 3100);
});

/** A scenario in which anything may go wrong, except that host 0 is sound. */
const trouble = fc.record({
	seed: fc.integer(),
	specs: fc.array(
		fc.record(
			{
				diesAtMs: fc.option(fc.integer({min: 0, max: 20_000}), {nil: undefined, freq: 3}),
				isDeaf: fc.boolean(),
				isLiar: fc.boolean(),
				upBps: fc.constantFrom(1e9, 1e9, 1e7, 1e8),
				downBps: fc.constantFrom(1e9, 1e9, 1e8),
			},
			{requiredKeys: []},
		),
		{minLength: 1, maxLength: 12},
	),
	walls: fc.array(fc.tuple(fc.nat(11), fc.nat(11)), {maxLength: 20}),
	blobSizes: fc.array(fc.constantFrom(0, 10, 5000, 16 * 1024 * 1024, 40e6, 100e6), {minLength: 1, maxLength: 5}),
});

test('whatever fails, every live host ends with everything, within bounds, and nothing is left running', async t => {
	const check = async (scenario: typeof trouble extends fc.Arbitrary<infer T> ? T : never): Promise<void> => {
		const specs = hosts(scenario.specs.length, number => withoutUndefined(scenario.specs[number]!));
		const walls = new Set(scenario.walls.map(([a, b]) => `h${a} h${b}`));
		const result: Simulated = await simulateDistribution({
			hosts: specs,
			blobSizes: scenario.blobSizes,
			seed: scenario.seed,
			reaches: (from, to) => !walls.has(`${from.name} ${to.name}`),
		});
		const {world, failures, elapsedMs} = result;
		for (const spec of specs) {
			if (failures.has(spec.name)) {
				t.true(spec.diesAtMs !== undefined, `${spec.name} was given up though it lives`);
				continue;
			}
			for (const [number, size] of scenario.blobSizes.entries()) {
				const blob = syntheticBlob(size, number);
				t.is(world.partsOf(spec.name, blob.blob).size, blob.parts.length);
			}
		}
		t.is(world.load.running, 0);
		t.true(world.load.mostGiven <= 3 && world.load.mostTaken <= 5 && world.load.mostSent <= 4);
		t.true(elapsedMs < 3 * 60_000, `${elapsedMs} ms`);
	};
	await fc.assert(fc.asyncProperty(trouble, check), {numRuns: 200});
});

test('chance repeats: the same seed gives the same numbers', t => {
	const one = createRandom(7);
	const other = createRandom(7);
	for (let i = 0; i < 100; i++) {
		const number = one();
		t.is(number, other());
		t.true(number >= 0 && number < 1);
	}
});

function withoutUndefined<T extends object>(value: T): Partial<T> {
	return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T>;
}
