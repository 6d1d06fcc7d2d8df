import type {ClusterAction} from '../../../lib/runtime/lifecycle/actions.js';
import {isRecorded, keyOf} from '../../../lib/runtime/lifecycle/key.js';
import {planCluster} from '../../../lib/runtime/lifecycle/plan.js';
import {clusterLanes} from '../../../lib/runtime/lifecycle/plan-joins.js';
import type {PlanRequest} from '../../../lib/runtime/lifecycle/request.js';
import type {Plan} from '../../../lib/runtime/plan/plan.js';
import {type FakeHost, type FakeWorld, hasQuorum} from './fake-cluster.js';
import {FakeFailure, type Work} from './fake-kubeadm.js';
import {type FakeRun, perform} from './fake-performers.js';

/** What goes wrong after so many steps. `operator`: everything stops at once. `power`: the host whose turn it is goes off. `network`: its work goes on, and nobody hears of it. */
export interface Mishap {
	readonly kind: 'operator' | 'power' | 'network';
	readonly afterSteps: number;
}

export interface FakeOutcome {
	readonly plan: Plan<ClusterAction>;
	readonly steps: number;
	readonly failures: readonly string[];
	readonly isKilled: boolean;
	/** A step of an action that took the majority from etcd, when any did. */
	readonly quorumLostBy: string | undefined;
}

/** Plans, and does the plan in an order that `seed` chooses among all that are allowed. */
export function runVerb(world: FakeWorld, request: PlanRequest, seed: number, mishap?: Mishap): FakeOutcome {
	const plan = planCluster(request);
	if (plan.actions.length > 0) openRun(world, request);
	const run: FakeRun = {world, request, done: new Map(Object.entries(request.known?.done ?? {}))};
	const random = randomFrom(seed);
	const schedule = createSchedule(plan.actions);
	const failures: string[] = [];
	const fail = ({id}: ClusterAction, message: string): void => {
		failures.push(`${id}: ${message}`);
		schedule.drop(id);
		schedule.idle.clear();
	};
	let steps = 0;
	let quorumLostBy: string | undefined;
	for (;;) {
		for (const action of schedule.begin()) schedule.running.set(action.id, workOf(run, action));
		const turns = schedule.awake();
		if (turns.length === 0) break;
		const [id, work] = turns[Math.floor(random() * turns.length)]!;
		const action = schedule.byId.get(id)!;
		if (mishap !== undefined && steps === mishap.afterSteps) {
			if (mishap.kind === 'operator') return {plan, steps, failures, isKilled: true, quorumLostBy};
			strike(world, mishap.kind, action, work);
			if (mishap.kind === 'network') {
				steps++;
				fail(action, 'the connection is lost');
				continue;
			}
		}
		steps++;
		const hadQuorum = hasQuorum(world);
		try {
			demandHost(world, action);
			const {value, done} = work.next();
			if (done === true) schedule.finish(id);
			else if (value === 'wait') schedule.idle.add(id);
			if (value !== 'wait') schedule.idle.clear();
			if (hadQuorum && world.cluster !== undefined && !hasQuorum(world) && !isExpected(world, action))
				quorumLostBy ??= id;
		} catch (error) {
			if (!(error instanceof FakeFailure)) throw error;
			fail(action, error.message);
		}
	}
	for (const id of schedule.running.keys()) failures.push(`${id}: waits for ever`);
	if (request.verb === 'reset' && failures.length === 0) world.cache = undefined;
	for (const host of world.hosts.values()) if (mishap?.kind === 'power') host.isUp = true;
	return {plan, steps, failures, isKilled: false, quorumLostBy};
}

/** Says on every host that stays whose it is, before anything else is done there. What was written down for another cluster goes. */
function openRun(world: FakeWorld, {wanted, known, leaving, states, verb}: PlanRequest): void {
	world.cache ??= known ?? {schema: 1, generation: 0, writtenBy: 'test', setting: wanted, reach: {}, done: {}};
	const left = new Set(leaving.map(({name}) => name));
	for (const {name, isMaster} of wanted.hosts) {
		const host = world.hosts.get(name);
		if (host === undefined || verb === 'reset' || left.has(name) || !states.has(name)) continue;
		if (host.member?.id !== wanted.id) host.journal = new Map();
		host.member = {cluster: wanted.name, id: wanted.id, role: isMaster ? 'master' : 'node'};
	}
}

/** The action, and then, as a step of its own, that it is written down. */
function* workOf(run: FakeRun, action: ClusterAction): Work {
	yield* perform(run, action);
	yield 'step';
	if (!isRecorded(action.kind)) return;
	const key = keyOf(action);
	if (action.host !== undefined) {
		run.world.hosts.get(action.host)?.journal.set(action.id, key);
		return;
	}
	run.done.set(action.id, key);
	const {world} = run;
	if (world.cache !== undefined) world.cache = {...world.cache, done: {...world.cache.done, [action.id]: key}};
}

/** Of a host that is off nothing can be asked; what concerns the cluster is asked of others. */
function demandHost(world: FakeWorld, {host, kind, id}: ClusterAction): void {
	const isAboutCluster = kind === 'drain' || kind === 'leave-etcd' || kind === 'delete-node';
	if (host === undefined || isAboutCluster || world.hosts.get(host)?.isUp === true) return;
	throw new FakeFailure(`${id} is for a host that is off`);
}

function strike(world: FakeWorld, kind: Mishap['kind'], {host}: ClusterAction, work: Work): void {
	const target: FakeHost | undefined = host === undefined ? undefined : world.hosts.get(host);
	if (kind === 'power') {
		if (target !== undefined) target.isUp = false;
		return;
	}
	// It goes on there for a while.
	for (let left = 2; left > 0; left--) {
		try {
			const {value, done} = work.next();
			if (done === true || value === 'wait') return;
		} catch (error) {
			if (!(error instanceof FakeFailure)) throw error;
			return;
		}
	}
}

/** A new member counts before it works on old minors; and a whole cluster that is reset has no majority in between. */
function isExpected(world: FakeWorld, {kind}: ClusterAction): boolean {
	return kind === 'reset' || (kind === 'join' && world.minor < 29);
}

interface Schedule {
	readonly byId: ReadonlyMap<string, ClusterAction>;
	readonly running: Map<string, Work>;
	/** Those that wait until something else has happened. */
	readonly idle: Set<string>;
	begin(): readonly ClusterAction[];
	awake(): readonly (readonly [string, Work])[];
	finish(id: string): void;
	drop(id: string): void;
}

function createSchedule(actions: readonly ClusterAction[]): Schedule {
	const byId = new Map(actions.map(action => [action.id, action]));
	const waiting = new Map(byId);
	const done = new Set<string>();
	const running = new Map<string, Work>();
	const idle = new Set<string>();
	const inLane = (lane: string): number => [...running.keys()].filter(id => byId.get(id)!.lane === lane).length;
	return {
		byId,
		running,
		idle,
		begin() {
			const begun: ClusterAction[] = [];
			for (const action of waiting.values()) {
				const {id, needs, lane} = action;
				if (!needs.every(need => done.has(need))) continue;
				const used = lane === undefined ? 0 : inLane(lane) + begun.filter(other => other.lane === lane).length;
				if (lane !== undefined && used >= (clusterLanes[lane] ?? 1)) continue;
				waiting.delete(id);
				begun.push(action);
			}
			return begun;
		},
		awake: () => [...running].filter(([id]) => !idle.has(id)),
		finish(id) {
			done.add(id);
			running.delete(id);
		},
		drop: id => void running.delete(id),
	};
}

/** Mulberry32: the same numbers from the same seed. */
function randomFrom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}
