import {setTimeout as sleep} from 'node:timers/promises';
import {emit, type OperationOptions} from '../core/events.js';
import {endpointText} from '../core/ip-address.js';
import {createProber, type Prober} from './health.js';
import {firstPauseMs, pauseMs} from './pace.js';
import {
	allHealthy,
	type BalancerState,
	type MemberState,
	type Operation,
	type ProbeResult,
	reconcile,
} from './reconcile.js';
import {type BalancerSpec, type Member, memberKey} from './spec.js';
import type {BalancerTable} from './table.js';

export interface RunOptions extends OperationOptions {
	/** PEM of the authority that members' certificates are checked with. Undefined: they are not checked. */
	readonly authority?: string | undefined;
	/** Every member counts as healthy at the start, also those that a balancer before took out. Default false. */
	readonly trustsAll?: boolean | undefined;
	/** Milliseconds that only grow; default performance.now. */
	readonly now?: (() => number) | undefined;
	/** From 0 to below 1; default Math.random. Spreads the probes of many nodes over time. */
	readonly random?: (() => number) | undefined;
}

/** After such a part of an interval since the last look at the table a probe's answer is the occasion for the next. */
const lookShare = 0.75;

/** A balancer at work. */
export interface Balancer {
	/** How each member stands, in the order of their endpoints. */
	members(): readonly MemberState[];
	/** How often a member died since the start, or since it became a member. */
	deathsOf(member: Member): number;
	/** Takes another list of members, or other settings, from the next round on; the virtual address stays. */
	update(spec: BalancerSpec, authority?: string): void;
	/** Sums since the start. */
	readonly counters: Counters;
	/** Why the kernel's table could not be read or changed at the last attempt; undefined when it could. */
	readonly failure: unknown;
	/** Settles when the signal aborts. The table stays as it is: the kernel goes on balancing without us. */
	readonly done: Promise<void>;
}

export interface Counters {
	probes: number;
	failedProbes: number;
	/** Members that died. */
	deaths: number;
	/** Rounds in which the kernel's table was not what it should be though no member had changed: somebody else changed it. */
	repairs: number;
}

/**
 * Keeps the kernel's table true until the signal aborts: probes every member at its own pace, and after each answer decides and applies. The rules are
 * written once before this resolves, so that there is a way to the API before the first probe. A kernel that refuses is told
 * as an event and asked again in the next round.
 * @throws what `table` throws when the rules cannot be written at the start
 */
export function runBalancer(first: BalancerSpec, table: BalancerTable, options: RunOptions = {}): Balancer {
	const {signal, now = () => performance.now(), random = Math.random} = options;
	let spec = first;
	let {authority} = options;
	let state: BalancerState = options.trustsAll === true ? allHealthy(first, now()) : new Map();
	const deaths = new Map<string, number>();
	let failure: unknown;
	const counters: Counters = {probes: 0, failedProbes: 0, deaths: 0, repairs: 0};
	const probing = new Map<string, {stop(): void}>();

	let lookedAtMs = Number.NEGATIVE_INFINITY;

	const round = (probes: ReadonlyMap<string, ProbeResult>): void => {
		lookedAtMs = now();
		const next = reconcile(spec, state, probes, table.read(), now());
		table.apply(next.operations);
		if (next.operations.length > 0 && next.changes.length === 0 && state.size > 0) counters.repairs++;
		state = next.state;
		for (const {member, from, to, why} of next.changes) {
			if (to === 'dead') {
				counters.deaths++;
				deaths.set(memberKey(member), (deaths.get(memberKey(member)) ?? 0) + 1);
			}
			if (to === 'gone') deaths.delete(memberKey(member));
			emit(options, {type: 'balancer.member', service: endpointText(spec), member: memberKey(member), from, to, why});
		}
		for (const operation of next.operations)
			emit(options, {type: 'balancer.table', service: endpointText(spec), change: sentence(operation)});
	};
	const tryRound = (probes: ReadonlyMap<string, ProbeResult>): void => {
		try {
			round(probes);
			failure = undefined;
		} catch (error) {
			if (failure === undefined)
				emit(options, {type: 'balancer.failed', service: endpointText(spec), message: (error as Error).message});
			failure = error;
		}
	};
	const probeForever = async (member: Member, prober: Prober, own: AbortSignal): Promise<void> => {
		const key = memberKey(member);
		await pause(firstPauseMs(spec.probe.intervalMs, random), own);
		while (!own.aborted) {
			const startedMs = now();
			const result = await prober.probe();
			if (own.aborted) return;
			counters.probes++;
			if (result.kind === 'failed') counters.failedProbes++;
			// A healthy member that answers changes nothing: the table is looked at once an interval then, however many members there are.
			const isNews = result.kind !== 'ready' || state.get(key)?.phase !== 'healthy' || failure !== undefined;
			if (isNews || now() - lookedAtMs >= spec.probe.intervalMs * lookShare) tryRound(new Map([[key, result]]));
			const isSuspect = state.get(key)?.phase === 'suspect';
			await pause(pauseMs(spec.probe.intervalMs, now() - startedMs, isSuspect, random), own);
		}
	};
	const follow = (): void => {
		const wanted = new Map(spec.members.map(member => [memberKey(member), member]));
		for (const [key, {stop}] of probing) {
			if (wanted.has(key)) continue;
			stop();
			probing.delete(key);
		}
		for (const [key, member] of wanted) {
			if (probing.has(key)) continue;
			const own = new AbortController();
			const prober = createProber(member, spec.probe, authority);
			probing.set(key, {
				stop() {
					own.abort();
					prober.close();
				},
			});
			void probeForever(member, prober, own.signal);
		}
	};

	round(new Map());
	follow();
	return {
		members: () => [...state.values()].sort((a, b) => (memberKey(a.member) < memberKey(b.member) ? -1 : 1)),
		deathsOf: member => deaths.get(memberKey(member)) ?? 0,
		update(next, nextAuthority = authority) {
			const probesChange = JSON.stringify(next.probe) !== JSON.stringify(spec.probe) || nextAuthority !== authority;
			spec = {...next, address: spec.address, port: spec.port};
			authority = nextAuthority;
			if (probesChange) {
				for (const {stop} of probing.values()) stop();
				probing.clear();
			}
			follow();
			tryRound(new Map());
		},
		counters,
		get failure() {
			return failure;
		},
		done: untilAborted(signal).then(() => {
			for (const {stop} of probing.values()) stop();
			probing.clear();
		}),
	};
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
	await sleep(ms, undefined, {signal}).catch(() => undefined);
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
	return new Promise(resolve => {
		if (signal?.aborted === true) resolve();
		else signal?.addEventListener('abort', () => resolve(), {once: true});
	});
}

function sentence(operation: Operation): string {
	switch (operation.do) {
		case 'add-service':
			return `add the service with the scheduler ${operation.service.scheduler}`;
		case 'edit-service':
			return `change the scheduler to ${operation.service.scheduler}`;
		case 'add-member':
			return `add ${memberKey(operation.destination)} with weight ${operation.destination.weight}`;
		case 'edit-member':
			return `give ${memberKey(operation.destination)} the weight ${operation.destination.weight}`;
		case 'delete-member':
			return `delete ${memberKey(operation.member)}`;
	}
}
