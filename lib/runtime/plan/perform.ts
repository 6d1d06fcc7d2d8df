import {emit, type OperationOptions} from '../../core/events.js';
import type {PlannedAction} from './action.js';
import {checkGraph, dependentsOf} from './graph.js';

/** What became of an action. `skipped`: one that it needs failed, was skipped or was stopped. `stopped`: it never began. */
export type ActionOutcome =
	| {readonly id: string; readonly state: 'done'; readonly elapsedMs: number}
	| {readonly id: string; readonly state: 'failed'; readonly error: unknown; readonly elapsedMs: number}
	| {readonly id: string; readonly state: 'skipped'; readonly because: string}
	| {readonly id: string; readonly state: 'stopped'};

export interface PerformOptions extends OperationOptions {
	/** Once aborted nothing more begins; what runs is brought to its end. That is how one Ctrl-C stops. */
	readonly stop?: AbortSignal | undefined;
	/** Actions at once, over all lanes. Default 64. */
	readonly concurrency?: number | undefined;
	/** How wide lanes are. Default 1 each. */
	readonly lanes?: Readonly<Record<string, number>> | undefined;
	/** Milliseconds from any fixed moment. */
	readonly now?: (() => number) | undefined;
}

/**
 * Does the actions, each as soon as all that it needs is done; those that could begin at once begin in the order of the list.
 * A failure is the action's outcome: what needs it is skipped, all else goes on. Outcomes are in the order of the list. Rejects
 * only when `signal` is aborted, with its reason, once all that runs has settled.
 * @throws SealError ERR_PLAN
 */
export async function perform<A extends PlannedAction>(
	actions: readonly A[],
	work: (action: A) => Promise<void>,
	options: PerformOptions = {},
): Promise<readonly ActionOutcome[]> {
	checkGraph(actions);
	options.signal?.throwIfAborted();
	const run = createRun(actions, work, options);
	await run.settled();
	options.signal?.throwIfAborted();
	return actions.map(({id}) => run.outcomes.get(id) ?? {id, state: 'stopped'});
}

interface Run {
	readonly outcomes: ReadonlyMap<string, ActionOutcome>;
	/** Resolves when nothing runs and nothing more can begin. */
	settled(): Promise<void>;
}

function createRun<A extends PlannedAction>(
	actions: readonly A[],
	work: (action: A) => Promise<void>,
	options: PerformOptions,
): Run {
	const {concurrency = 64, lanes = {}} = options;
	const outcomes = new Map<string, ActionOutcome>();
	const queue = createQueue(actions, lanes);
	const order = createOrder(actions);
	for (const action of order.first) queue.add(action);
	let running = 0;
	let end: () => void = () => undefined;
	const settled = new Promise<void>(resolve => {
		end = resolve;
	});
	const isStopped = (): boolean => options.signal?.aborted === true || options.stop?.aborted === true;

	const finish = (action: A, outcome: ActionOutcome): void => {
		outcomes.set(action.id, outcome);
		running--;
		queue.leave(action);
		if (outcome.state === 'done') for (const next of order.readyAfter(action)) queue.add(next);
		else skipAfter(action, order, outcomes, options);
		advance();
	};
	function advance(): void {
		while (running < concurrency && !isStopped()) {
			const next = queue.take();
			if (next === undefined) break;
			running++;
			void begin(next, work, options).then(outcome => finish(next, outcome));
		}
		if (running === 0) end();
	}
	advance();
	return {outcomes, settled: () => settled};
}

/** Never rejects: what `work` throws, at once or later, is the outcome. */
async function begin<A extends PlannedAction>(
	action: A,
	work: (action: A) => Promise<void>,
	options: PerformOptions,
): Promise<ActionOutcome> {
	const {now = () => performance.now()} = options;
	const {id, host, phase, title} = action;
	const started = now();
	emit(options, {type: 'action.started', id, phase, title, ...(host === undefined ? {} : {host})});
	try {
		await work(action);
	} catch (error) {
		const elapsedMs = Math.round(now() - started);
		const message = error instanceof Error ? error.message : String(error);
		emit(options, {type: 'action.failed', id, message, elapsedMs});
		return {id, state: 'failed', error, elapsedMs};
	}
	const elapsedMs = Math.round(now() - started);
	emit(options, {type: 'action.finished', id, elapsedMs});
	return {id, state: 'done', elapsedMs};
}

/** What needs a failed action is skipped, and what needs that. */
function skipAfter<A extends PlannedAction>(
	{id: failed}: A,
	{dependents, byId}: Order<A>,
	outcomes: Map<string, ActionOutcome>,
	options: PerformOptions,
): void {
	const lost = [failed];
	for (const because of lost) {
		for (const id of dependents.get(because) ?? []) {
			if (outcomes.has(id)) continue;
			outcomes.set(id, {id, state: 'skipped', because});
			emit(options, {type: 'action.skipped', id, phase: byId.get(id)?.phase ?? '', because});
			lost.push(id);
		}
	}
}

/** What waits for what. */
interface Order<A> {
	/** Those that wait for nothing. */
	readonly first: readonly A[];
	readonly dependents: ReadonlyMap<string, readonly string[]>;
	readonly byId: ReadonlyMap<string, A>;
	/** Those for which nothing is left to wait for, now that this one is done. */
	readyAfter(action: A): readonly A[];
}

function createOrder<A extends PlannedAction>(actions: readonly A[]): Order<A> {
	const {waitsFor, dependents} = dependentsOf(actions);
	const byId = new Map(actions.map(action => [action.id, action]));
	return {
		first: actions.filter(({id}) => waitsFor.get(id) === 0),
		dependents,
		byId,
		readyAfter: ({id}) =>
			(dependents.get(id) ?? []).flatMap(dependent => {
				const left = (waitsFor.get(dependent) ?? 0) - 1;
				waitsFor.set(dependent, left);
				const next = byId.get(dependent);
				return left === 0 && next !== undefined ? [next] : [];
			}),
	};
}

interface Queue<A> {
	add(action: A): void;
	/** The first in the order of the plan whose lane has room. */
	take(): A | undefined;
	/** Makes room in the lane of an action that was taken. */
	leave(action: A): void;
}

/** One list for each lane, so that thousands that wait for a narrow lane cost nothing to those in others. */
function createQueue<A extends PlannedAction>(
	actions: readonly A[],
	widths: Readonly<Record<string, number>>,
): Queue<A> {
	const place = new Map(actions.map((action, index) => [action.id, index]));
	const placeOf = (action: A | undefined): number => place.get(action?.id ?? '') ?? Number.POSITIVE_INFINITY;
	const lanes = new Map<string, {readonly waiting: A[]; room: number}>();
	const laneOf = ({lane = ''}: A): {readonly waiting: A[]; room: number} => {
		const room = lane === '' ? Number.POSITIVE_INFINITY : Math.max(1, widths[lane] ?? 1);
		const found = lanes.get(lane) ?? {waiting: [], room};
		lanes.set(lane, found);
		return found;
	};
	return {
		add(action) {
			const {waiting} = laneOf(action);
			// Mostly the last: what becomes ready later stands later in the plan.
			let at = waiting.length;
			while (at > 0 && placeOf(waiting[at - 1]) > placeOf(action)) at--;
			waiting.splice(at, 0, action);
		},
		take() {
			let best: {readonly waiting: A[]; room: number} | undefined;
			for (const lane of lanes.values()) {
				if (lane.room < 1 || lane.waiting.length === 0) continue;
				if (best === undefined || placeOf(lane.waiting[0]) < placeOf(best.waiting[0])) best = lane;
			}
			if (best === undefined) return undefined;
			best.room--;
			return best.waiting.shift();
		},
		leave(action) {
			laneOf(action).room++;
		},
	};
}
