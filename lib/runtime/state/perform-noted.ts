import {isSealError} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import type {ActionKind, ClusterAction} from '../lifecycle/actions.js';
import {isRecorded, keyOf} from '../lifecycle/key.js';
import type {Performer, Performers} from '../lifecycle/run.js';
import {type ActionOutcome, type PerformOptions, perform} from '../plan/perform.js';
import type {Plan} from '../plan/plan.js';
import type {OpenedRun} from './run.js';

/**
 * Does the actions of a plan, and notes each that is done at once: in the journal of its host, or among what is done for the cluster.
 * Whatever ends it, the same plan made anew leaves out what was noted. Before the first action every host on which something is
 * done is locked, with all masters that answer, and each host learns which cluster it is in before anything is done on it. Masters on
 * which nothing is done and hosts that leave may have broken disks: they are not waited for. A failure is the action's outcome.
 * @throws SealError ERR_PLAN; HostError ERR_CLUSTER_LOCKED and what else `OpenedRun.lock` throws: then nothing was done
 */
export async function performNoted(
	{actions}: Pick<Plan<ClusterAction>, 'actions'>,
	performers: Performers,
	run: OpenedRun,
	options: PerformOptions = {},
): Promise<readonly ActionOutcome[]> {
	if (actions.length === 0) return [];
	await lockHosts(actions, run, options);
	await run.remember();
	try {
		return await perform(actions, action => performOne(action, performers, run, options), options);
	} finally {
		await keepNews(run, options);
	}
}

/** Done from a master for a host that may be dead: nothing is asked of the host itself. */
const elsewhere: ReadonlySet<ActionKind> = new Set(['drain', 'leave-etcd', 'delete-node'] as const);

/** Two operators on different hosts of one cluster meet at its masters. */
async function lockHosts(actions: readonly ClusterAction[], run: OpenedRun, {signal}: PerformOptions): Promise<void> {
	const own = new Set(actions.flatMap(({host, kind}) => (host === undefined || elsewhere.has(kind) ? [] : [host])));
	const leaving = new Set(actions.flatMap(({host = '', kind}) => (kind === 'restore' ? [host] : [])));
	const masters = [...run.hosts.values()]
		.filter(({isMaster, state}) => isMaster && state !== undefined)
		.map(({name}) => name);
	await run.lock([...own, ...masters], {
		signal,
		dispensable: new Set([...leaving, ...masters.filter(name => !own.has(name))]),
		meeting: masters.filter(name => !leaving.has(name)),
	});
}

/** Until it is on the disk of its host that it is done, it is not. */
async function performOne(
	action: ClusterAction,
	performers: Performers,
	run: OpenedRun,
	{signal, onEvent}: PerformOptions,
): Promise<void> {
	const {host, kind, id} = action;
	if (host !== undefined && isRecorded(kind)) await run.begin(host);
	if (host !== undefined && kind === 'reset') run.noteLeaving(host);
	if (kind === 'init') await run.beginAnew();
	// The kind of an action says which performer knows its input.
	await (performers[kind] as Performer<ActionKind>)(run, action, {signal, onEvent});
	if (host !== undefined && kind === 'restore') await run.noteLeft(host);
	if (!isRecorded(kind)) return;
	if (host === undefined) await run.noteDone(id, keyOf(action));
	else await run.note(host, [{id, key: keyOf(action)}]);
}

/** What the operator alone knows goes to the masters too. It is in the cache, so this may fail. */
async function keepNews(run: OpenedRun, options: PerformOptions): Promise<void> {
	if (options.signal?.aborted === true) return;
	try {
		await run.writeNews(options);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		const code = isSealError(error) ? error.code : 'ERR_CLUSTER_STATE';
		emit(options, {type: 'warning', code, message: `The masters do not know of all that was done: ${message}`});
	}
}
