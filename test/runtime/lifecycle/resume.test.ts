import test from 'ava';
import fc from 'fast-check';
import {planCluster} from '../../../lib/runtime/lifecycle/plan.js';
import type {ClusterSetting} from '../../../lib/runtime/lifecycle/setting.js';
import {createWorld, type FakeWorld, picture, requestFor} from './fake-cluster.js';
import {type FakeOutcome, type Mishap, runVerb} from './fake-run.js';
import {image, setting} from './settings.js';

const settings: fc.Arbitrary<ClusterSetting> = fc
	.record({
		masters: fc.integer({min: 1, max: 5}),
		nodes: fc.integer({min: 0, max: 5}),
		minor: fc.integer({min: 20, max: 37}),
		hasPatch: fc.boolean(),
		applications: fc.integer({min: 0, max: 2}),
	})
	.map(({masters, nodes, minor, hasPatch, applications}) =>
		setting({
			masters: numbers(1, masters),
			nodes: numbers(11, nodes),
			minor,
			images: [
				...(hasPatch ? [image('patch:v1', 'patch', {command: ['bash patch.sh'], hooks: {init: 'bash init.sh'}})] : []),
				...numbers(1, applications).map(number => image(`app:v${number}`, 'application')),
			],
		}),
	);

/** What goes wrong, as parts of a whole run. */
const mishaps = fc.array(
	fc.record({
		kind: fc.constantFrom<Mishap['kind']>('operator', 'power', 'network'),
		when: fc.double({min: 0, max: 1, noNaN: true}),
	}),
	{minLength: 1, maxLength: 3},
);

const seeds = fc.integer();

test('run makes a cluster in whatever order its actions end, and a second run finds nothing to do', t => {
	fc.assert(
		fc.property(settings, seeds, (wanted, seed) => {
			const world = createWorld(wanted.version.minor, wanted.hosts);
			expectWhole(run(world, wanted, seed));
			expectNothingLeft(world, wanted);
		}),
		{numRuns: 80},
	);
	t.pass();
});

test('a run that was killed at any action, several times, ends where an undisturbed one does', t => {
	fc.assert(
		fc.property(settings, seeds, mishaps, (wanted, seed, unlucky) => {
			const undisturbed = createWorld(wanted.version.minor, wanted.hosts);
			const {steps} = run(undisturbed, wanted, seed);
			const world = createWorld(wanted.version.minor, wanted.hosts);
			for (const {kind, when} of unlucky)
				expectQuorum(run(world, wanted, seed, {kind, afterSteps: Math.floor(when * steps)}));
			expectWhole(run(world, wanted, seed));
			expectSame(picture(world), picture(undisturbed));
			expectNothingLeft(world, wanted);
		}),
		{numRuns: 150},
	);
	t.pass();
});

test('adding and deleting hosts in one step, killed at any action, ends where an undisturbed one does', t => {
	const changes = fc.record({
		masters: fc.integer({min: 1, max: 3}),
		nodes: fc.integer({min: 0, max: 3}),
		minor: fc.integer({min: 20, max: 37}),
		comingMasters: fc.integer({min: 0, max: 2}),
		comingNodes: fc.integer({min: 0, max: 2}),
		leavingMasters: fc.integer({min: 0, max: 2}),
		leavingNodes: fc.integer({min: 0, max: 2}),
	});
	fc.assert(
		fc.property(changes, seeds, mishaps, (change, seed, unlucky) => {
			const masters = numbers(1, change.masters);
			const nodes = numbers(11, change.nodes);
			const before = setting({masters, nodes, minor: change.minor});
			const wanted = setting({
				masters: [
					...masters.slice(Math.min(change.leavingMasters, change.masters - 1)),
					...numbers(6, change.comingMasters),
				],
				nodes: [...nodes.slice(change.leavingNodes), ...numbers(16, change.comingNodes)],
				minor: change.minor,
			});
			const all = [...before.hosts, ...wanted.hosts];
			const undisturbed = createWorld(change.minor, all);
			const world = createWorld(change.minor, all);
			for (const one of [undisturbed, world]) expectWhole(run(one, before, seed));
			const {steps} = expectWhole(run(undisturbed, wanted, seed));
			for (const {kind, when} of unlucky)
				expectQuorum(run(world, wanted, seed, {kind, afterSteps: Math.floor(when * steps)}));
			expectWhole(run(world, wanted, seed));
			expectSame(picture(world), picture(undisturbed));
			expectNothingLeft(world, wanted);
			expectBare(world, before, wanted);
		}),
		{numRuns: 120},
	);
	t.pass();
});

test('a reset that was killed at any action, done again, leaves every host as it was', t => {
	fc.assert(
		fc.property(settings, seeds, mishaps, (wanted, seed, unlucky) => {
			const world = createWorld(wanted.version.minor, wanted.hosts);
			const bare = picture(world);
			const {steps} = run(world, wanted, seed);
			const reset = (mishap?: Mishap): FakeOutcome =>
				runVerb(world, requestFor(world, wanted, {verb: 'reset', leaving: wanted.hosts}), seed, mishap);
			for (const {kind, when} of unlucky) reset({kind, afterSteps: Math.floor((when * steps) / 3)});
			expectWhole(reset());
			expectSame(picture(world), bare);
			expectSame(reset().plan.actions, []);
			expectWhole(run(world, wanted, seed));
		}),
		{numRuns: 80},
	);
	t.pass();
});

/** The cluster as wanted; hosts that are known and not wanted leave. */
function run(world: FakeWorld, wanted: ClusterSetting, seed: number, mishap?: Mishap): FakeOutcome {
	return runVerb(world, applyRequest(world, wanted), seed, mishap);
}

function applyRequest(world: FakeWorld, wanted: ClusterSetting): ReturnType<typeof requestFor> {
	const names = new Set(wanted.hosts.map(({name}) => name));
	const known = requestFor(world, wanted, {verb: 'apply'}).known?.setting.hosts ?? [];
	return requestFor(world, wanted, {
		verb: 'apply',
		leaving: known.filter(({name}) => !names.has(name)),
		applications: wanted.images.filter(({type}) => type === 'application').map(({name}) => name),
	});
}

function expectWhole(outcome: FakeOutcome): FakeOutcome {
	if (outcome.failures.length > 0) throw new Error(outcome.failures.join('\n'));
	return expectQuorum(outcome);
}

function expectQuorum(outcome: FakeOutcome): FakeOutcome {
	if (outcome.quorumLostBy !== undefined) throw new Error(`${outcome.quorumLostBy} took the majority from etcd`);
	return outcome;
}

function expectNothingLeft(world: FakeWorld, wanted: ClusterSetting): void {
	const {actions} = planCluster(applyRequest(world, wanted));
	if (actions.length > 0) throw new Error(`left to do: ${actions.map(({id}) => id).join(', ')}`);
}

function expectBare(world: FakeWorld, before: ClusterSetting, wanted: ClusterSetting): void {
	const names = new Set(wanted.hosts.map(({name}) => name));
	const left = before.hosts.filter(({name}) => !names.has(name));
	const bare = createWorld(world.minor, left);
	const found = {...world, cluster: undefined, hosts: new Map(left.map(({name}) => [name, world.hosts.get(name)!]))};
	expectSame(picture(found), picture(bare));
}

function expectSame(found: unknown, expected: unknown): void {
	const [one, other] = [JSON.stringify(found, null, 1), JSON.stringify(expected, null, 1)];
	if (one === other) return;
	const lines = other.split('\n');
	const index = one.split('\n').findIndex((line, at) => line !== lines[at]);
	throw new Error(
		`Differs at line ${index}: ${one
			.split('\n')
			.slice(index, index + 5)
			.join('\n')} instead of ${lines.slice(index, index + 5).join('\n')}`,
	);
}

function numbers(first: number, count: number): readonly number[] {
	return Array.from({length: count}, (_, index) => first + index);
}
