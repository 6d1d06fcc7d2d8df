import {setTimeout as sleep} from 'node:timers/promises';
import {createProber, type Prober} from './health.js';
import {firstPauseMs, pauseMs} from './pace.js';
import type {NextPort} from './probe-ports.js';
import type {ProbeResult} from './reconcile.js';
import {type BalancerSpec, type Member, memberKey} from './spec.js';

/** Who is told what probes find. */
export interface ProbeListener {
	onResult(key: string, result: ProbeResult): void;
	/** A member of which more has to be known soon. */
	isSuspect(key: string): boolean;
}

/** The probes of all members, each at its own pace. */
export interface Probing {
	/** Begins with new members, ends with those that are gone. */
	follow(spec: BalancerSpec, authority: string | undefined): void;
	stop(): void;
}

export interface ProbingOptions {
	/** Milliseconds that only grow. */
	readonly now: () => number;
	/** From 0 to below 1. */
	readonly random: () => number;
	/** Where connections come from; undefined: the kernel chooses. */
	readonly nextPort: NextPort | undefined;
}

export function createProbing(listener: ProbeListener, {now, random, nextPort}: ProbingOptions): Probing {
	const running = new Map<string, {stop(): void}>();
	let intervalMs = 0;
	const probeForever = async (key: string, prober: Prober, own: AbortSignal): Promise<void> => {
		await pause(firstPauseMs(intervalMs, random), own);
		while (!own.aborted) {
			const startedMs = now();
			const result = await prober.probe();
			if (own.aborted) return;
			listener.onResult(key, result);
			await pause(pauseMs(intervalMs, now() - startedMs, listener.isSuspect(key), random), own);
		}
	};
	const begin = (member: Member, {probe}: BalancerSpec, authority: string | undefined): {stop(): void} => {
		const own = new AbortController();
		const prober = createProber(member, probe, authority, nextPort);
		void probeForever(memberKey(member), prober, own.signal);
		return {
			stop() {
				own.abort();
				prober.close();
			},
		};
	};
	return {
		follow(spec, authority) {
			({intervalMs} = spec.probe);
			const wanted = new Map(spec.members.map(member => [memberKey(member), member]));
			for (const [key, {stop}] of running) {
				if (wanted.has(key)) continue;
				stop();
				running.delete(key);
			}
			for (const [key, member] of wanted) if (!running.has(key)) running.set(key, begin(member, spec, authority));
		},
		stop() {
			for (const {stop} of running.values()) stop();
			running.clear();
		},
	};
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
	await sleep(ms, undefined, {signal}).catch(() => undefined);
}
