import {SealError} from '../../core/errors.js';
import {emit, type SealEvent} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {Plan} from '../plan/plan.js';
import type {HostFinding} from '../preflight/finding.js';
import {kubernetesFindings} from '../rootfs/preflight.js';
import type {ClusterCache} from '../state/cache.js';
import {performNoted} from '../state/perform-noted.js';
import {reachOf} from '../state/reach.js';
import {type OpenedRun, openRun} from '../state/run.js';
import {ifRemembered} from '../state/run-record.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import type {ClusterAction} from './actions.js';
import {checkRequest, refuseProblems} from './check.js';
import {createContentWork} from './content.js';
import {FindingsError} from './findings-error.js';
import type {Seen} from './look.js';
import type {AgentSource, OperateOptions} from './operate-request.js';
import type {Operated, OperatedEnd, Proposal, RestoredHost} from './operated.js';
import {clusterPerformers} from './performers.js';
import {planCluster} from './plan.js';
import {clusterLanes} from './plan-joins.js';
import type {Problem} from './problem.js';
import type {PlanRequest} from './request.js';
import {wishesFor} from './wishes.js';

export interface CarryOut {
	readonly request: Omit<PlanRequest, 'wishes'>;
	readonly seen: Seen;
	readonly isWaiting?: boolean | undefined;
	/** Called before the first action. */
	readonly onBegun?: (() => Promise<void>) | undefined;
}

/** From a request whose hosts were looked at to its end: checks, the plan, the question, the work. @throws as `runCluster` */
export async function carryOut(
	{request, seen, isWaiting = false, onBegun}: CarryOut,
	cache: ClusterCache,
	open: OpenTransport,
	options: OperateOptions,
	startedMs: number,
): Promise<Operated> {
	const restored: RestoredHost[] = [];
	const proposal = await propose(request, seen, options);
	const operated = (end: OperatedEnd, outcomes: Operated['outcomes'] = []): Operated => ({
		...proposal,
		end,
		outcomes,
		restored,
		elapsedMs: Math.round(performance.now() - startedMs),
	});
	const {plan} = proposal;
	refuseOther(plan, options);
	if (plan.actions.length === 0) {
		if (options.isDryRun !== true) await ifRemembered(() => settleCache(proposal, cache), options);
		return operated('nothing');
	}
	if (options.isDryRun === true) return operated('planned');
	if (options.confirm !== undefined && !(await options.confirm(proposal))) return operated('declined');
	options.signal?.throwIfAborted();
	await onBegun?.();
	const outcomes = await work(proposal, seen, isWaiting, cache, open, noting(restored, options));
	const states = new Set(outcomes.map(({state}) => state));
	const end = states.has('failed') ? 'failed' : states.has('stopped') ? 'stopped' : 'done';
	if (end === 'done' && plan.verb === 'reset') await ifRemembered(() => cache.remove(plan.cluster), options);
	return operated(end, outcomes);
}

/** Whether hosts that left are as they were found is for the result, too. */
function noting(restored: RestoredHost[], options: OperateOptions): OperateOptions {
	return {
		...options,
		onEvent(event) {
			if (event.type === 'host.restored')
				restored.push({host: event.host, clean: event.clean, leftovers: event.leftovers});
			emit(options, event);
		},
	};
}

async function propose(given: CarryOut['request'], seen: Seen, options: OperateOptions): Promise<Proposal> {
	const {wanted, known, leaving, applications, isForced = false} = given;
	const wishes = await wishesFor(wanted, given.verb === 'reset' ? new Map() : given.states, options, options);
	const request: PlanRequest = {...given, wishes};
	const problems = checkRequest(request);
	refuseProblems(problems);
	const found =
		given.verb === 'reset' || given.verb === 'delete'
			? []
			: kubernetesFindings(wanted, given.states, {ignore: options.ignore, isForced});
	// Who asks for the plan alone sees it beside what stands in its way.
	if (options.isDryRun !== true && found.some(({severity}) => severity === 'error')) throw new FindingsError(found);
	const reach = [...seen.targets].map(([name, target]) => [name, reachOf(target)] as const);
	return {
		plan: planCluster(request),
		setting: wanted,
		known,
		leaving,
		applications,
		isForced,
		reach: Object.fromEntries(reach),
		findings: [...problems.map(findingOf), ...found],
		silent: seen.silent,
	};
}

function findingOf({severity, code, hosts, message, hint}: Problem): HostFinding {
	return {id: code, severity, hosts, what: message, why: '', mend: hint};
}

/** What somebody agreed to is done, or nothing. */
function refuseOther({digest, basis}: Plan<ClusterAction>, {agreed}: OperateOptions): void {
	if (agreed === undefined || agreed.digest === digest) return;
	const why =
		agreed.basis === basis
			? 'another plan follows from it now'
			: 'hosts or the cluster are no longer as they were when it was made';
	throw new SealError('ERR_PLAN', `The plan ${agreed.digest.slice(0, 19)} is not done: ${why}`, {
		hint: 'Make the plan anew, and look at it again.',
		details: {agreed: agreed.digest, found: digest},
	});
}

/** An operator that knew nothing of the cluster, or less than the masters, knows it from now on; one that is gone is forgotten. */
async function settleCache({known, plan}: Proposal, cache: ClusterCache): Promise<void> {
	if (plan.verb === 'reset') return await cache.remove(plan.cluster);
	if (known === undefined) return;
	const before = await cache.read(plan.cluster).catch(() => undefined);
	if (before === undefined || before.generation < known.generation) await cache.write(known);
}

async function work(
	proposal: Proposal,
	seen: Seen,
	isWaiting: boolean,
	cache: ClusterCache,
	open: OpenTransport,
	options: OperateOptions,
): Promise<Operated['outcomes']> {
	const {plan, setting, known, leaving} = proposal;
	const {signal, onEvent, stop} = options;
	const agents = options.agents?.(setting.images.map(({name}) => name));
	const run = openRun(setting, [...seen.targets.values()], {
		open,
		observed: seen.states,
		known,
		leaving,
		owner: options.operator,
		agent: {root: options.root, bundle: agents?.agentBundle, install: installer(agents, seen)},
		cache,
		version: options.writtenBy,
		replaces: proposal.isForced ? new Set(setting.hosts.map(({name}) => name)) : undefined,
		concurrency: options.concurrency,
		signal,
		onEvent,
	});
	const content = createContentWork({
		actions: plan.actions.filter(action => action.kind === 'content'),
		store: options.store,
		installAgent: agents?.installAgent,
		agentBundle: agents?.agentBundle,
		concurrency: options.concurrency,
		onTree: (host, image, path) => run.noteTree(host, image, path),
	});
	try {
		emit(options, planStarted(plan));
		const performers = clusterPerformers(run, content.perform, {isWaiting});
		return await performNoted(plan, performers, run, {signal, onEvent, stop, lanes: clusterLanes});
	} finally {
		await content.close();
		await agents?.close();
		await closeQuietly(run);
	}
}

/** The session with a host that has just been put back is over. */
async function closeQuietly(run: OpenedRun): Promise<void> {
	await run.close().catch(() => undefined);
}

/** The agent comes to a host when it is opened. */
function installer(agents: AgentSource | undefined, {targets}: Seen): (transport: Transport) => Promise<void> {
	return async transport => {
		const target = targets.get(transport.host);
		if (agents?.installAgent !== undefined && target !== undefined) return await agents.installAgent(transport, target);
		throw new HostError(transport.host, 'ERR_AGENT_MISSING', 'There is no agent on the host, and none to bring there', {
			hint: `Install it with "sealimage agent install ${transport.host}".`,
		});
	};
}

function planStarted({verb, cluster, actions}: Plan<ClusterAction>): SealEvent {
	const phases = new Map<string, {actions: number; bytes: number; readonly hosts: Set<string>}>();
	for (const {phase, host, bytes = 0} of actions) {
		const found = phases.get(phase) ?? {actions: 0, bytes: 0, hosts: new Set<string>()};
		phases.set(phase, found);
		found.actions++;
		found.bytes += bytes;
		if (host !== undefined) found.hosts.add(host);
	}
	return {
		type: 'plan.started',
		verb,
		cluster,
		phases: [...phases].map(([phase, found]) => ({phase, ...found, hosts: found.hosts.size})),
	};
}
