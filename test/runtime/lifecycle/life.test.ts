import test from 'ava';
import fc from 'fast-check';
import {hasCode} from '../../../lib/core/errors.js';
import {checkRequest} from '../../../lib/runtime/lifecycle/check.js';
import {planCluster} from '../../../lib/runtime/lifecycle/plan.js';
import type {PlanRequest} from '../../../lib/runtime/lifecycle/request.js';
import type {ClusterSetting, SettingHost} from '../../../lib/runtime/lifecycle/setting.js';
import {createWorld, type FakeWorld, hasQuorum, knownOf, picture, requestFor} from './fake-cluster.js';
import {type Mishap, runVerb} from './fake-run.js';
import {host, setting} from './settings.js';

/** Something that happens to a cluster. `pick` chooses among the hosts that it can happen to. */
interface Episode {
	readonly what: 'run' | 'add' | 'delete' | 'reset' | 'off' | 'on';
	readonly pick: number;
	readonly mishap: {readonly kind: Mishap['kind']; readonly afterSteps: number} | undefined;
}

const episodes: fc.Arbitrary<readonly Episode[]> = fc.array(
	fc.record({
		what: fc.constantFrom<Episode['what']>('run', 'add', 'add', 'delete', 'delete', 'reset', 'off', 'on', 'on'),
		pick: fc.nat(1000),
		mishap: fc.option(
			fc.record({
				kind: fc.constantFrom<Mishap['kind']>('operator', 'power', 'network'),
				afterSteps: fc.nat(60),
			}),
			{nil: undefined},
		),
	}),
	{minLength: 3, maxLength: 12},
);

test('whatever happens to a cluster: etcd keeps its majority, only named hosts are touched, and a reset leaves nothing', t => {
	let [done, refused] = [0, 0];
	fc.assert(
		fc.property(episodes, fc.integer({min: 20, max: 37}), fc.integer(), (life, minor, seed) => {
			const pool = [...range(1, 5).map(n => host(n, 'master')), ...range(11, 4).map(n => host(n, 'node'))];
			const world = createWorld(minor, pool);
			for (const episode of life) {
				const request = requestOf(world, pool, minor, episode);
				if (request === undefined) continue;
				if (checkRequest(request).some(({severity}) => severity === 'error')) {
					expectRefused(request);
					refused++;
					continue;
				}
				live(world, pool, request, seed, episode);
				done++;
			}
		}),
		{numRuns: 150},
	);
	t.true(done > 150 && refused > 0);
});

/** Does it, with what goes wrong, then again until it is whole. */
function live(
	world: FakeWorld,
	pool: readonly SettingHost[],
	request: PlanRequest,
	seed: number,
	{mishap}: Episode,
): void {
	const named = new Set([...request.wanted.hosts, ...request.leaving].map(({name}) => name));
	const others = (): string =>
		JSON.stringify(
			picture({...world, cluster: undefined, hosts: new Map([...world.hosts].filter(([name]) => !named.has(name)))}),
		);
	const before = others();
	const off = new Set([...world.hosts.values()].filter(({isUp}) => !isUp).map(({name}) => name));
	const again = (): PlanRequest =>
		requestFor(
			world,
			request.wanted,
			request.verb === 'reset'
				? {verb: 'reset', leaving: request.leaving}
				: {verb: request.verb, leaving: request.leaving},
		);
	if (mishap !== undefined) {
		const {quorumLostBy} = runVerb(world, request, seed, mishap);
		if (quorumLostBy !== undefined) throw new Error(`${quorumLostBy} took the majority from etcd`);
		for (const name of off) world.hosts.get(name)!.isUp = false;
	}
	const {failures, quorumLostBy} = runVerb(world, again(), seed);
	if (failures.length > 0) throw new Error(failures.join('\n'));
	if (quorumLostBy !== undefined) throw new Error(`${quorumLostBy} took the majority from etcd`);
	const left = planCluster(again()).actions;
	if (left.length > 0) throw new Error(`left to do: ${left.map(({id}) => id).join(', ')}`);
	if (others() !== before) throw new Error('a host was touched that nobody named');
	const leaving = request.leaving.filter(({name}) => !off.has(name));
	const bare = JSON.stringify(picture(createWorld(world.minor, leaving)));
	const found = new Map(leaving.map(({name}) => [name, world.hosts.get(name)!]));
	if (JSON.stringify(picture({...world, cluster: undefined, hosts: found})) !== bare)
		throw new Error('a host that left is not as it was');
	expectMembers(world, pool, request);
}

/** Who is in etcd, and who is a node, is who shall be. */
function expectMembers(world: FakeWorld, pool: readonly SettingHost[], {verb, wanted}: PlanRequest): void {
	if (verb === 'reset') return;
	const nodes = [...(world.cluster?.nodes ?? [])].sort().join();
	const members = [...(world.cluster?.etcd.keys() ?? [])].sort().join();
	const names = (hosts: readonly SettingHost[]): string =>
		hosts
			.map(({nodeName}) => nodeName)
			.sort()
			.join();
	const hosts = pool.filter(({name}) => wanted.hosts.some(one => one.name === name));
	if (nodes !== names(hosts)) throw new Error(`the nodes are ${nodes}, expected ${names(hosts)}`);
	const masters = names(hosts.filter(({isMaster}) => isMaster));
	if (members !== masters) throw new Error(`the members of etcd are ${members}, expected ${masters}`);
}

/** Undefined when there is nothing that it could happen to; hosts go on and off here. */
function requestOf(
	world: FakeWorld,
	pool: readonly SettingHost[],
	minor: number,
	episode: Episode,
): PlanRequest | undefined {
	const {what, pick} = episode;
	const known = knownOf(world)?.setting;
	const inside = known?.hosts ?? [];
	const isIn = ({name}: SettingHost): boolean => inside.some(one => one.name === name);
	const choose = <T>(from: readonly T[]): T | undefined => from[pick % Math.max(1, from.length)];
	const isOn = ({name}: SettingHost): boolean => world.hosts.get(name)!.isUp;
	switch (what) {
		case 'run': {
			if (known !== undefined) return undefined;
			const free = pool.filter(isOn);
			const masters = free.filter(({isMaster}) => isMaster).slice(0, 1 + (pick % 3));
			const nodes = free.filter(({isMaster}) => !isMaster).slice(0, pick % 4);
			if (masters.length === 0) return undefined;
			const wanted = {...settingOf([...masters, ...nodes], minor), id: String(++clusters).padStart(16, '0')};
			return requestFor(world, wanted, {verb: 'run'});
		}
		case 'add': {
			const coming = choose(pool.filter(one => !isIn(one)));
			if (known === undefined || coming === undefined) return undefined;
			return requestFor(world, settingOf([...inside, coming], minor, known), {verb: 'add'});
		}
		case 'delete': {
			const leaving = choose(inside);
			if (known === undefined || leaving === undefined) return undefined;
			const wanted = settingOf(
				inside.filter(one => one !== leaving),
				minor,
				known,
			);
			return requestFor(world, wanted, {verb: 'delete', leaving: [leaving]});
		}
		case 'reset':
			// Hosts that are off would keep what they have: nobody resets then.
			if (known === undefined || !inside.every(isOn)) return undefined;
			return requestFor(world, known, {verb: 'reset', leaving: inside});
		case 'off': {
			const target = world.hosts.get(choose(inside)?.name ?? '');
			if (target === undefined) return undefined;
			target.isUp = false;
			// A cluster that has lost its majority is another story.
			if (!hasQuorum(world)) target.isUp = true;
			return undefined;
		}
		case 'on': {
			const target = choose(pool.filter(one => !isOn(one)));
			if (target !== undefined) world.hosts.get(target.name)!.isUp = true;
			return undefined;
		}
	}
}

/** Each cluster has an id of its own. */
let clusters = 0;

function settingOf(hosts: readonly SettingHost[], minor: number, known?: ClusterSetting): ClusterSetting {
	const sorted = [...hosts.filter(({isMaster}) => isMaster), ...hosts.filter(({isMaster}) => !isMaster)];
	return {...(known ?? setting({masters: [], nodes: [], minor})), hosts: sorted};
}

function expectRefused(request: PlanRequest): void {
	const codes = [
		'ERR_QUORUM',
		'ERR_LAST_MASTER',
		'ERR_HOST_UNREACHABLE',
		'ERR_HOST_TAKEN',
		'ERR_CLUSTER_REQUEST',
	] as const;
	try {
		planCluster(request);
	} catch (error) {
		if (codes.some(code => hasCode(error, code))) return;
		throw error;
	}
	throw new Error('a request with errors was planned');
}

function range(first: number, count: number): readonly number[] {
	return Array.from({length: count}, (_, index) => first + index);
}
