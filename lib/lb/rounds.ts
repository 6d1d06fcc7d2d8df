import {emit, type Observable} from '../core/events.js';
import {endpointText} from '../core/ip-address.js';
import {type BalancerState, type Operation, type ProbeResult, reconcile} from './reconcile.js';
import {type BalancerSpec, memberKey} from './spec.js';
import type {BalancerTable} from './table.js';

export interface Counters {
	probes: number;
	failedProbes: number;
	/** Members that died. */
	deaths: number;
	/** Rounds in which the kernel's table was not what it should be though no member had changed: somebody else changed it. */
	repairs: number;
}

/** What a balancer knows, and how it makes the kernel's table what it should be: each round reads, decides and applies. */
export interface Rounds {
	readonly state: BalancerState;
	/** Sums since the start. */
	readonly counters: Counters;
	/** How often each member died, by its key. */
	readonly deaths: ReadonlyMap<string, number>;
	/** Why the table could not be read or changed at the last attempt; undefined when it could. */
	readonly failure: unknown;
	/** When the table was looked at. */
	readonly lookedAtMs: number;
	/** @throws what the table throws */
	run(spec: BalancerSpec, probes: ReadonlyMap<string, ProbeResult>): void;
	/** As `run`; a kernel that refuses is told as an event, once, and kept as `failure`. */
	attempt(spec: BalancerSpec, probes: ReadonlyMap<string, ProbeResult>): void;
}

/** @param now milliseconds that only grow */
export function createRounds(
	table: BalancerTable,
	before: BalancerState,
	now: () => number,
	options: Observable,
): Rounds {
	let state = before;
	let failure: unknown;
	let lookedAtMs = Number.NEGATIVE_INFINITY;
	const deaths = new Map<string, number>();
	const counters: Counters = {probes: 0, failedProbes: 0, deaths: 0, repairs: 0};
	const run = (spec: BalancerSpec, probes: ReadonlyMap<string, ProbeResult>): void => {
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
	return {
		counters,
		deaths,
		get state() {
			return state;
		},
		get failure() {
			return failure;
		},
		get lookedAtMs() {
			return lookedAtMs;
		},
		run,
		attempt(spec, probes) {
			try {
				run(spec, probes);
				failure = undefined;
			} catch (error) {
				if (failure === undefined)
					emit(options, {type: 'balancer.failed', service: endpointText(spec), message: (error as Error).message});
				failure = error;
			}
		},
	};
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
