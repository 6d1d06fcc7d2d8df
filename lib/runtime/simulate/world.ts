import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {BlobState} from '../content/content.js';
import type {BlobParts, Part} from '../content/part.js';
import type {DistributionHost, DistributionWorld} from '../distribute/world.js';
import {HostError} from '../host/error.js';
import type {VirtualClock} from './clock.js';
import {createLink, type Flow, type Link, startFlow} from './network.js';

/** A host of the simulation. */
export interface SimulatedHost {
	readonly name: string;
	/** Bits per second; default 1 Gb/s each way. */
	readonly upBps?: number | undefined;
	readonly downBps?: number | undefined;
	/** The moment of a power cut. */
	readonly diesAtMs?: number | undefined;
	/** It cannot listen. */
	readonly isDeaf?: boolean | undefined;
	/** What it gives to others is wrong. */
	readonly isLiar?: boolean | undefined;
	/** Parts that it has at the start, by blob; `all` for the whole blob. */
	readonly has?: ReadonlyMap<Digest, readonly number[] | 'all'> | undefined;
}

export interface SimulationOptions {
	readonly clock: VirtualClock;
	readonly hosts: readonly SimulatedHost[];
	/** The operator's link; default 1 Gb/s. */
	readonly uplinkBps?: number | undefined;
	/** One way between any two machines; default 0.5 ms. */
	readonly latencyMs?: number | undefined;
	/** What a command costs the operator's processor; commands wait for each other. Default 0.1 ms. */
	readonly commandMs?: number | undefined;
	/** Default: everybody reaches everybody. A connection that is refused this way is noticed after `timeoutMs`. */
	readonly reaches?: ((from: SimulatedHost, to: SimulatedHost) => boolean) | undefined;
	/** After what silence of another host a host gives up; default 5 s. */
	readonly timeoutMs?: number | undefined;
	/** After what silence of a host the operator gives it up; default 15 s. */
	readonly silenceMs?: number | undefined;
}

/** The simulated world and what passed through it. */
export interface SimulatedWorld extends DistributionWorld {
	readonly operator: Link;
	readonly links: ReadonlyMap<string, Link>;
	/** The parts of a blob that a host has. */
	partsOf(host: string, blob: Digest): ReadonlySet<number>;
	/** Transfers under way at this moment: of all, and the most that any host gave, took and the operator sent at once. */
	readonly load: {running: number; mostGiven: number; mostTaken: number; mostSent: number; toDead: number};
}

export const gigabit = 1e9;

/** With every default filled in. */
interface Settled extends Omit<SimulationOptions, 'hosts'> {
	readonly uplinkBps: number;
	readonly latencyMs: number;
	readonly commandMs: number;
	readonly reaches: (from: SimulatedHost, to: SimulatedHost) => boolean;
	readonly timeoutMs: number;
	readonly silenceMs: number;
}

interface Simulation {
	readonly options: Settled;
	readonly operator: Link;
	readonly load: SimulatedWorld['load'];
	sends: number;
	operatorFreeAtMs: number;
}

interface Machine {
	readonly spec: SimulatedHost;
	readonly link: Link;
	readonly parts: Map<Digest, Set<number>>;
	readonly whole: Set<Digest>;
	gives: number;
	takes: number;
}

/** Hosts that exist as numbers only, under the same interface as real ones. */
export function simulateWorld(given: SimulationOptions): SimulatedWorld {
	const options: Settled = {
		clock: given.clock,
		uplinkBps: given.uplinkBps ?? gigabit,
		latencyMs: given.latencyMs ?? 0.5,
		commandMs: given.commandMs ?? 0.1,
		reaches: given.reaches ?? (() => true),
		timeoutMs: given.timeoutMs ?? 5000,
		silenceMs: given.silenceMs ?? 15_000,
	};
	const simulation: Simulation = {
		options,
		operator: createLink(options.uplinkBps, options.uplinkBps),
		load: {running: 0, mostGiven: 0, mostTaken: 0, mostSent: 0, toDead: 0},
		sends: 0,
		operatorFreeAtMs: 0,
	};
	const machines = new Map(given.hosts.map(spec => [spec.name, createMachine(spec)]));
	return {
		hosts: [...machines.values()].map(machine => createHost(simulation, machine, machines)),
		operator: simulation.operator,
		links: new Map([...machines].map(([name, {link}]) => [name, link])),
		load: simulation.load,
		now: () => options.clock.now(),
		sleep: (ms, sleepOptions) => options.clock.sleep(ms, sleepOptions),
		partsOf: (host, blob) => machines.get(host)?.parts.get(blob) ?? new Set(),
	};
}

function createMachine(spec: SimulatedHost): Machine {
	const parts = new Map<Digest, Set<number>>();
	const whole = new Set<Digest>();
	for (const [blob, has] of spec.has ?? []) {
		if (has === 'all') whole.add(blob);
		else parts.set(blob, new Set(has));
	}
	return {spec, link: createLink(spec.upBps ?? gigabit, spec.downBps ?? gigabit), parts, whole, gives: 0, takes: 0};
}

function createHost(
	simulation: Simulation,
	machine: Machine,
	machines: ReadonlyMap<string, Machine>,
): DistributionHost {
	const {spec} = machine;
	const {clock, latencyMs} = simulation.options;
	return {
		name: spec.name,
		async have(blobs, options) {
			await command(simulation, machine, options);
			return blobs.map(({blob}): BlobState => stateOf(machine, blob));
		},
		async serve(options) {
			await command(simulation, machine, options);
			return spec.isDeaf !== true;
		},
		async send(blob, part, options) {
			await command(simulation, machine, options);
			const {load} = simulation;
			load.mostSent = Math.max(load.mostSent, ++simulation.sends);
			try {
				await flow(simulation, machine, simulation.operator, undefined, part, options);
			} finally {
				simulation.sends--;
			}
			store(machine, blob, part);
		},
		async fetch(blob, part, from, options) {
			await command(simulation, machine, options);
			const source = machines.get(from.name)!;
			if (isDead(simulation, source)) simulation.load.toDead++;
			if (!simulation.options.reaches(spec, source.spec) || isDead(simulation, source)) {
				await clock.sleep(simulation.options.timeoutMs, options);
				throw new SealError('ERR_NETWORK', `${source.spec.name} does not answer`);
			}
			// A connection, its handshake and the request.
			await clock.sleep(latencyMs * 6, options);
			await flow(simulation, machine, source.link, source, part, options);
			if (source.spec.isLiar === true)
				throw new SealError('ERR_CONTENT_DIGEST', `${source.spec.name} gave wrong bytes`);
			store(machine, blob, part);
		},
	};
}

/** A command goes to the host and its answer comes back; the operator makes one after the other. */
async function command(simulation: Simulation, machine: Machine, options?: Abortable): Promise<void> {
	const {clock, commandMs, latencyMs, silenceMs} = simulation.options;
	simulation.operatorFreeAtMs = Math.max(clock.now(), simulation.operatorFreeAtMs) + commandMs;
	await clock.sleep(simulation.operatorFreeAtMs - clock.now() + latencyMs * 2, options);
	if (!isDead(simulation, machine)) return;
	await clock.sleep(Math.max(0, (machine.spec.diesAtMs ?? 0) + silenceMs - clock.now()), options);
	throw lost(machine);
}

async function flow(
	simulation: Simulation,
	to: Machine,
	from: Link,
	source: Machine | undefined,
	{sizeBytes}: Part,
	options?: Abortable,
): Promise<void> {
	const {clock, timeoutMs, silenceMs} = simulation.options;
	const {load} = simulation;
	const signal = options?.signal;
	signal?.throwIfAborted();
	load.running++;
	load.mostTaken = Math.max(load.mostTaken, ++to.takes);
	if (source !== undefined) load.mostGiven = Math.max(load.mostGiven, ++source.gives);
	const cancels: Array<() => void> = [];
	let running: Flow | undefined;
	try {
		await new Promise<void>((resolve, reject) => {
			running = startFlow(clock, from, to.link, sizeBytes, resolve);
			const onAbort = (): void => reject(signal?.reason as Error);
			signal?.addEventListener('abort', onAbort, {once: true});
			cancels.push(() => signal?.removeEventListener('abort', onAbort));
			const die = (machine: Machine, silentMs: number, error: Error): void => {
				const {diesAtMs} = machine.spec;
				if (diesAtMs === undefined) return;
				cancels.push(clock.after(diesAtMs - clock.now(), () => running?.stop()));
				cancels.push(clock.after(diesAtMs - clock.now() + silentMs, () => reject(error)));
			};
			die(to, silenceMs, lost(to));
			if (source !== undefined) die(source, timeoutMs, new SealError('ERR_NETWORK', `${source.spec.name} fell silent`));
		});
	} finally {
		running?.stop();
		for (const cancel of cancels) cancel();
		load.running--;
		to.takes--;
		if (source !== undefined) source.gives--;
	}
}

function store({parts}: Machine, {blob}: BlobParts, {index}: Part): void {
	const known = parts.get(blob);
	if (known === undefined) parts.set(blob, new Set([index]));
	else known.add(index);
}

function stateOf({parts, whole}: Machine, blob: Digest): BlobState {
	if (whole.has(blob)) return {blob, state: 'whole'};
	const known = parts.get(blob);
	return known === undefined ? {blob, state: 'absent'} : {blob, state: 'partial', parts: [...known]};
}

function isDead({options}: Simulation, {spec}: Machine): boolean {
	return spec.diesAtMs !== undefined && options.clock.now() >= spec.diesAtMs;
}

function lost({spec}: Machine): HostError {
	return new HostError(spec.name, 'ERR_NETWORK', 'The host does not answer any more');
}
