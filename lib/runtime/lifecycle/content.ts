import {waitFor} from '../../core/abortable.js';
import {SealError} from '../../core/errors.js';
import {emit, type OperationOptions, type SealEvent} from '../../core/events.js';
import {distribute, type HostDistributed} from '../distribute/distribute.js';
import type {DistributeOptions} from '../distribute/run.js';
import type {HostOutcome} from '../host/each.js';
import type {HostTarget} from '../host/target.js';
import type {Transport} from '../transport/transport.js';
import type {ClusterAction} from './actions.js';
import type {ClusterRun, Performer, RunHost} from './run.js';

export interface ContentOptions
	extends Pick<DistributeOptions, 'store' | 'installAgent' | 'agentBundle' | 'concurrency'> {
	/** All actions of this kind in the plan: their hosts get content together. */
	readonly actions: readonly ClusterAction<'content'>[];
	/** Told where the tree of each image is on a host. */
	readonly onTree: (host: string, image: string, path: string) => void;
}

/** Performs all `content` actions of one plan. */
export interface ContentWork {
	readonly perform: Performer<'content'>;
	/** Ends what still runs for hosts whose action did not begin. */
	close(): Promise<void>;
}

/**
 * Content of a plan is brought by one distribution for all hosts that want the same images, so that hosts pass it on to each other;
 * it begins with the first action, and each action is done as soon as its own host has everything.
 */
export function createContentWork(options: ContentOptions): ContentWork {
	const life = new AbortController();
	const groups = new Map<string, Group>();
	for (const action of options.actions) {
		const key = JSON.stringify(action.input.images);
		const group: Group = groups.get(key) ?? {actions: [], outcomes: undefined, ended: Promise.resolve()};
		group.actions.push(action);
		groups.set(key, group);
	}
	return {
		async perform(run, action, {signal, onEvent}) {
			const group = groups.get(JSON.stringify(action.input.images));
			if (group === undefined || action.host === undefined) throw unknownAction(action);
			if (group.outcomes === undefined) begin(group, run, options, {signal: linked(life, signal), onEvent});
			const outcome = group.outcomes?.get(action.host);
			if (outcome === undefined) throw unknownAction(action);
			await waitFor(outcome.promise, {signal});
		},
		async close() {
			life.abort(new SealError('ERR_ABORTED', 'The run has ended'));
			await Promise.all([...groups.values()].map(({ended}) => ended));
		},
	};
}

interface Group {
	readonly actions: ClusterAction<'content'>[];
	/** What becomes of each host; undefined before it began. */
	outcomes: ReadonlyMap<string, Deferred> | undefined;
	/** Resolves when nothing of it runs. */
	ended: Promise<void>;
}

interface Deferred {
	readonly promise: Promise<void>;
	resolve(): void;
	reject(reason: unknown): void;
}

function linked(life: AbortController, signal: AbortSignal | undefined): AbortSignal {
	return signal === undefined ? life.signal : AbortSignal.any([life.signal, signal]);
}

function begin(group: Group, run: ClusterRun, options: ContentOptions, operation: OperationOptions): void {
	const [first] = group.actions;
	const outcomes = new Map(group.actions.map(({host = ''}) => [host, defer()]));
	group.outcomes = outcomes;
	const actionOf = new Map(group.actions.map(action => [action.host, action]));
	const hosts = group.actions.flatMap(({host = ''}) => run.hosts.get(host) ?? []);
	const settle = (outcome: HostOutcome<HostDistributed>): void => {
		if (outcome.ok) {
			for (const {name, path} of outcome.value.images) options.onTree(outcome.host, name, path);
			outcomes.get(outcome.host)?.resolve();
		} else outcomes.get(outcome.host)?.reject(outcome.error);
	};
	group.ended = bring({
		images: first!.input.images.map(({name}) => name),
		hosts: hosts.map(targetOf),
		store: options.store,
		open: target => lent(run.hosts.get(target.name)!.transport),
		concurrency: options.concurrency,
		agentBundle: options.agentBundle,
		agent: {root: run.root},
		installAgent: options.installAgent === undefined ? undefined : announced(options.installAgent, actionOf, operation),
		onHost: settle,
		signal: operation.signal,
		onEvent: event => tell(event, first!.phase, operation),
	}).then(
		() => failRest(outcomes, new SealError('ERR_INTERNAL', 'Internal error: a host without an outcome')),
		(error: unknown) => failRest(outcomes, error),
	);
}

/** What throws at once is an outcome like any other. */
async function bring(request: DistributeOptions): Promise<void> {
	await distribute(request);
}

/** Whether a host serves images to others is what the cluster says of it now. */
function targetOf({target, roles}: RunHost): HostTarget {
	return {...target, roles};
}

/** The run goes on with the connection when the content is there. */
function lent(transport: Transport): Transport {
	const keep = async (): Promise<void> => undefined;
	return {
		host: transport.host,
		spawn: (argv, options) => transport.spawn(argv, options),
		close: keep,
		[Symbol.asyncDispose]: keep,
	};
}

function announced(
	install: NonNullable<DistributeOptions['installAgent']>,
	actionOf: ReadonlyMap<string | undefined, ClusterAction<'content'>>,
	operation: OperationOptions,
): NonNullable<DistributeOptions['installAgent']> {
	return async (transport, target) => {
		const id = actionOf.get(target.name)?.id;
		if (id !== undefined) emit(operation, {type: 'command.output', id, stream: 'stdout', text: 'installing the agent'});
		await install(transport, target);
	};
}

/** Bytes count for the phase; which hosts are done is told by the actions. */
function tell(event: SealEvent, phase: string, operation: OperationOptions): void {
	if (event.type === 'hosts.progress' || event.type === 'step.started' || event.type === 'step.finished') return;
	emit(operation, event.type === 'blob.progress' ? {...event, id: phase} : event);
}

function failRest(outcomes: ReadonlyMap<string, Deferred>, error: unknown): void {
	// Those that have their outcome keep it.
	for (const outcome of outcomes.values()) outcome.reject(error);
}

function defer(): Deferred {
	let resolve: () => void = () => undefined;
	let reject: (reason: unknown) => void = () => undefined;
	const promise = new Promise<void>((done, fail) => {
		resolve = done;
		reject = fail;
	});
	// Nobody waits for a host whose action never begins.
	promise.catch(() => undefined);
	return {promise, resolve, reject};
}

function unknownAction({id}: ClusterAction): SealError {
	return new SealError('ERR_INTERNAL', `Internal error: ${id} is no part of the plan`);
}
