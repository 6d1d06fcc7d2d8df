import type {VirtualClock} from './clock.js';

/** A network card: bytes per millisecond each way, shared evenly by what passes it. */
export interface Link {
	readonly upPerMs: number;
	readonly downPerMs: number;
	readonly sending: Set<Flow>;
	readonly receiving: Set<Flow>;
	sentBytes: number;
	receivedBytes: number;
}

/** Bytes on their way from one link to another. */
export interface Flow {
	/** Ends it; `done` is not called. */
	stop(): void;
}

interface RunningFlow extends Flow {
	readonly from: Link;
	readonly to: Link;
	readonly done: () => void;
	leftBytes: number;
	perMs: number;
	sinceMs: number;
	cancel: () => void;
}

export function createLink(upBitsPerSecond: number, downBitsPerSecond: number): Link {
	return {
		upPerMs: upBitsPerSecond / 8000,
		downPerMs: downBitsPerSecond / 8000,
		sending: new Set(),
		receiving: new Set(),
		sentBytes: 0,
		receivedBytes: 0,
	};
}

/**
 * Begins a flow. It gets the smaller of its shares at both ends; what a flow leaves unused of its share is given to no
 * other, which makes the model slower than a real network, never faster.
 */
export function startFlow(clock: VirtualClock, from: Link, to: Link, sizeBytes: number, done: () => void): Flow {
	const flow: RunningFlow = {
		from,
		to,
		done,
		leftBytes: sizeBytes,
		perMs: 0,
		sinceMs: clock.now(),
		cancel: () => undefined,
		stop: () => endFlow(clock, flow),
	};
	from.sending.add(flow);
	to.receiving.add(flow);
	share(clock, from, to);
	return flow;
}

function endFlow(clock: VirtualClock, flow: RunningFlow): void {
	const {from, to} = flow;
	if (!from.sending.delete(flow)) return;
	to.receiving.delete(flow);
	advance(clock, flow);
	flow.cancel();
	share(clock, from, to);
}

/** Gives every flow of both links its share anew. */
function share(clock: VirtualClock, from: Link, to: Link): void {
	for (const flow of from.sending) setRate(clock, flow as RunningFlow);
	for (const flow of to.receiving) setRate(clock, flow as RunningFlow);
}

function setRate(clock: VirtualClock, flow: RunningFlow): void {
	const {from, to} = flow;
	const perMs = Math.min(from.upPerMs / from.sending.size, to.downPerMs / to.receiving.size);
	if (perMs === flow.perMs) return;
	advance(clock, flow);
	flow.perMs = perMs;
	flow.cancel();
	flow.cancel = clock.after(flow.leftBytes / perMs, () => {
		endFlow(clock, flow);
		flow.done();
	});
}

function advance(clock: VirtualClock, flow: RunningFlow): void {
	const nowMs = clock.now();
	const moved = Math.min(flow.leftBytes, flow.perMs * (nowMs - flow.sinceMs));
	flow.leftBytes -= moved;
	flow.from.sentBytes += moved;
	flow.to.receivedBytes += moved;
	flow.sinceMs = nowMs;
}
