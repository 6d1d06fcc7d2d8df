import type {Destination, DestinationState, ServiceState, VirtualService} from './ipvs/table.js';
import {type BalancerSpec, type Member, memberKey} from './spec.js';

/**
 * How a member stands:
 * `joining` new or back, but not proven yet; `healthy`; `suspect` failed, but not often enough; `dead`; `draining` going on purpose.
 */
export type Phase = 'joining' | 'healthy' | 'suspect' | 'dead' | 'draining';

export interface MemberState {
	readonly member: Member;
	readonly phase: Phase;
	/** When it came into this phase, on the clock that `reconcile` is given. */
	readonly sinceMs: number;
	/** How many probes of the same kind came one after the other. */
	readonly failures: number;
	readonly successes: number;
	/** What the last failed probe said. */
	readonly lastError?: string | undefined;
	/** Not in the spec any more: gone for good when it is drained. */
	readonly leaving: boolean;
}

export type BalancerState = ReadonlyMap<string, MemberState>;

/** What a probe found. `unready`: the server answers that it should get no new connections, as an API server that shuts down does. */
export type ProbeResult =
	| {readonly kind: 'ready'}
	| {readonly kind: 'unready'; readonly why: string}
	| {readonly kind: 'failed'; readonly why: string};

/** What is in the kernel for our virtual address. */
export interface KernelView {
	readonly service: ServiceState | undefined;
	readonly destinations: readonly DestinationState[];
}

export type Operation =
	| {readonly do: 'add-service'; readonly service: VirtualService}
	| {readonly do: 'edit-service'; readonly service: VirtualService}
	| {readonly do: 'add-member'; readonly destination: Destination}
	| {readonly do: 'edit-member'; readonly destination: Destination}
	| {readonly do: 'delete-member'; readonly member: Member};

/** A member that came into another phase, for events and logs. */
export interface PhaseChange {
	readonly member: Member;
	readonly from: Phase | undefined;
	readonly to: Phase | 'gone';
	readonly why: string;
}

export interface Reconciled {
	readonly state: BalancerState;
	/** In the order in which they must be done: what comes before what goes, so that there is no moment without a member. */
	readonly operations: readonly Operation[];
	readonly changes: readonly PhaseChange[];
}

/**
 * The whole policy, as a function: what was known, what the probes found and what the kernel holds go in; what is to be changed in the kernel comes out.
 * A crash deletes a member at once, so that `expire_nodest_conn` ends its connections; one that goes on purpose gets no new connections and
 * is deleted when its old ones are done. When nobody is known to work, all members stay: a balancer that sees nobody is more likely wrong than right.
 */
export function reconcile(
	spec: BalancerSpec,
	before: BalancerState,
	probes: ReadonlyMap<string, ProbeResult>,
	kernel: KernelView,
	nowMs: number,
): Reconciled {
	const changes: PhaseChange[] = [];
	const state = new Map<string, MemberState>();
	const connections = new Map(kernel.destinations.map(found => [memberKey(found), found.activeConnections]));
	const weights = new Map(kernel.destinations.map(found => [memberKey(found), found.weight]));
	const isFirst = before.size === 0;
	const takesOver = isFirst && spec.members.some(member => (weights.get(memberKey(member)) ?? 0) > 0);
	for (const member of spec.members) {
		const key = memberKey(member);
		const first = takesOver ? phaseOf(weights.get(key)) : isFirst || connections.has(key) ? 'healthy' : 'joining';
		const known = before.get(key) ?? newcomer(member, first, nowMs);
		const next = step({...known, leaving: false}, probes.get(key), spec, nowMs);
		state.set(key, next.state);
		if (next.state.phase !== before.get(key)?.phase)
			changes.push({member, from: before.get(key)?.phase, to: next.state.phase, why: next.why});
	}
	for (const [key, known] of before) {
		if (state.has(key)) continue;
		const next = leave(known, connections.get(key) ?? 0, spec, nowMs);
		if (next !== undefined) state.set(key, next);
		const to = next?.phase ?? 'gone';
		if (to !== known.phase)
			changes.push({member: known.member, from: known.phase, to, why: 'it is no member any more'});
	}
	for (const {address, port} of takesOver ? kernel.destinations : []) {
		const member = {address, port};
		if (state.has(memberKey(member))) continue;
		state.set(memberKey(member), {...newcomer(member, 'draining', nowMs), leaving: true});
		changes.push({member, from: undefined, to: 'draining', why: 'it is no member any more'});
	}
	return {
		state,
		operations: operationsFor(spec, wantedWeights(state, connections, weights, spec, nowMs), kernel),
		changes,
	};
}

/** A state in which every member counts as healthy, whatever the kernel holds. */
export function allHealthy({members}: Pick<BalancerSpec, 'members'>, nowMs: number): BalancerState {
	return new Map(members.map(member => [memberKey(member), newcomer(member, 'healthy', nowMs)]));
}

/**
 * At the start nothing is known: members count as healthy until probes say otherwise, or as the balancer before left them in the
 * kernel, so that a restart gives a dead one no connections. One that comes later has to prove itself.
 */
function newcomer(member: Member, phase: Phase, nowMs: number): MemberState {
	return {member, phase, sinceMs: nowMs, failures: 0, successes: 0, leaving: false};
}

function phaseOf(weight: number | undefined): Phase {
	if (weight === undefined) return 'joining';
	return weight > 0 ? 'healthy' : 'draining';
}

/** One member and one probe, or none since the last time. */
function step(
	known: MemberState,
	probe: ProbeResult | undefined,
	{policy}: BalancerSpec,
	nowMs: number,
): {readonly state: MemberState; readonly why: string} {
	const enter = (phase: Phase, counted: Partial<MemberState>, why: string) => ({
		state: {...known, ...counted, phase, sinceMs: phase === known.phase ? known.sinceMs : nowMs},
		why,
	});
	if (probe === undefined) return enter(known.phase, {}, 'it is a member');
	if (probe.kind === 'unready') {
		// A dead server that answers again, but not for work, has nothing to drain.
		const phase = known.phase === 'dead' || known.phase === 'joining' ? known.phase : 'draining';
		return enter(phase, {successes: 0, failures: 0, lastError: probe.why}, probe.why);
	}
	if (probe.kind === 'failed') {
		const failures = known.failures + 1;
		const counted = {failures, successes: 0, lastError: probe.why};
		const isGone = known.phase === 'dead' || failures >= policy.fall;
		if (isGone) return enter('dead', counted, `${probe.why} (${failures} times)`);
		return enter(known.phase === 'healthy' ? 'suspect' : known.phase, counted, probe.why);
	}
	const successes = known.successes + 1;
	const isProven = known.phase === 'healthy' || known.phase === 'suspect' || successes >= policy.rise;
	return enter(
		isProven ? 'healthy' : known.phase === 'dead' ? 'joining' : known.phase,
		{successes, failures: 0},
		'it answers',
	);
}

/** A member that is not in the spec any more; undefined when it is done with. */
function leave(
	known: MemberState,
	connections: number,
	{policy}: BalancerSpec,
	nowMs: number,
): MemberState | undefined {
	if (known.phase === 'dead' || known.phase === 'joining') return undefined;
	const sinceMs = known.leaving ? known.sinceMs : nowMs;
	if (known.leaving && (connections === 0 || nowMs - sinceMs >= policy.drainMs)) return undefined;
	return {...known, phase: 'draining', sinceMs, leaving: true};
}

/** The weight that each member should have in the kernel; who is absent should not be there. */
function wantedWeights(
	state: BalancerState,
	connections: ReadonlyMap<string, number>,
	weights: ReadonlyMap<string, number>,
	{policy}: BalancerSpec,
	nowMs: number,
): ReadonlyMap<string, {readonly member: Member; readonly weight: number}> {
	const wanted = new Map<string, {readonly member: Member; readonly weight: number}>();
	const works = [...state.values()].some(({phase}) => phase === 'healthy' || phase === 'suspect');
	for (const [key, {member, phase, sinceMs, leaving}] of state) {
		if (phase === 'healthy' || phase === 'suspect') wanted.set(key, {member, weight: 1});
		else if (!works && !leaving) wanted.set(key, {member, weight: 1});
		// One that stayed while nobody was known to work, and has answered since, keeps the connections that it got meanwhile.
		else if (phase === 'joining' && !leaving && (weights.get(key) ?? 0) > 0) wanted.set(key, {member, weight: 1});
		else if (phase === 'draining' && (leaving || nowMs - sinceMs < policy.drainMs) && connections.has(key))
			wanted.set(key, {member, weight: 0});
	}
	return wanted;
}

/** The difference between what should be and what is. */
function operationsFor(
	spec: BalancerSpec,
	wanted: ReadonlyMap<string, {readonly member: Member; readonly weight: number}>,
	{service, destinations}: KernelView,
): readonly Operation[] {
	const virtual: VirtualService = {protocol: 'tcp', address: spec.address, port: spec.port, scheduler: spec.scheduler};
	const operations: Operation[] = [];
	if (service === undefined) operations.push({do: 'add-service', service: virtual});
	else if (service.scheduler !== spec.scheduler || service.persistenceMs !== undefined)
		operations.push({do: 'edit-service', service: virtual});
	const present = new Map((service === undefined ? [] : destinations).map(found => [memberKey(found), found]));
	for (const [key, {member, weight}] of wanted) {
		const destination: Destination = {...member, forwarding: 'masquerade', weight};
		const found = present.get(key);
		if (found === undefined) operations.push({do: 'add-member', destination});
		else if (found.weight !== weight || found.forwarding !== 'masquerade')
			operations.push({do: 'edit-member', destination});
	}
	// Adding before changing, changing before deleting.
	operations.sort((a, b) => order.indexOf(a.do) - order.indexOf(b.do));
	for (const [key, {address, port}] of present)
		if (!wanted.has(key)) operations.push({do: 'delete-member', member: {address, port}});
	return operations;
}

const order: readonly Operation['do'][] = ['add-service', 'edit-service', 'add-member', 'edit-member', 'delete-member'];
