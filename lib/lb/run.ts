import type {OperationOptions} from '../core/events.js';
import type {NextPort} from './probe-ports.js';
import {createProbing} from './probing.js';
import {allHealthy, type MemberState} from './reconcile.js';
import {type Counters, createRounds} from './rounds.js';
import {type BalancerSpec, type Member, memberKey} from './spec.js';
import type {BalancerTable} from './table.js';

export interface RunOptions extends OperationOptions {
	/** PEM of the authority that members' certificates are checked with. Undefined: they are not checked. */
	readonly authority?: string | undefined;
	/** Where connections of probes come from; default: the kernel chooses. */
	readonly nextPort?: NextPort | undefined;
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

/**
 * Keeps the kernel's table true until the signal aborts: probes every member at its own pace, and after each answer decides and applies. The rules are
 * written once before this resolves, so that there is a way to the API before the first probe. A kernel that refuses is told
 * as an event and asked again in the next round.
 * @throws what `table` throws when the rules cannot be written at the start
 */
export function runBalancer(first: BalancerSpec, table: BalancerTable, options: RunOptions = {}): Balancer {
	const {signal, now = () => performance.now(), random = Math.random, nextPort} = options;
	let spec = first;
	let {authority} = options;
	const rounds = createRounds(table, options.trustsAll === true ? allHealthy(first, now()) : new Map(), now, options);
	const {counters, deaths} = rounds;
	const probing = createProbing(
		{
			onResult(key, result) {
				counters.probes++;
				if (result.kind === 'failed') counters.failedProbes++;
				// A healthy member that answers changes nothing: the table is looked at once an interval then, however many members there are.
				const isNews =
					result.kind !== 'ready' || rounds.state.get(key)?.phase !== 'healthy' || rounds.failure !== undefined;
				if (isNews || now() - rounds.lookedAtMs >= spec.probe.intervalMs * lookShare)
					rounds.attempt(spec, new Map([[key, result]]));
			},
			isSuspect: key => rounds.state.get(key)?.phase === 'suspect',
		},
		{now, random, nextPort},
	);
	rounds.run(spec, new Map());
	probing.follow(spec, authority);
	return {
		members: () => [...rounds.state.values()].sort((a, b) => (memberKey(a.member) < memberKey(b.member) ? -1 : 1)),
		deathsOf: member => deaths.get(memberKey(member)) ?? 0,
		update(next, nextAuthority = authority) {
			const probesChange = JSON.stringify(next.probe) !== JSON.stringify(spec.probe) || nextAuthority !== authority;
			spec = {...next, address: spec.address, port: spec.port};
			authority = nextAuthority;
			if (probesChange) probing.stop();
			probing.follow(spec, authority);
			rounds.attempt(spec, new Map());
		},
		counters,
		get failure() {
			return rounds.failure;
		},
		done: untilAborted(signal).then(() => probing.stop()),
	};
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
	return new Promise(resolve => {
		if (signal?.aborted === true) resolve();
		else signal?.addEventListener('abort', () => resolve(), {once: true});
	});
}
