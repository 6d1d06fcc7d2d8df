import {isSealError} from '../../core/errors.js';
import type {HostOutcome} from '../host/each.js';
import {HostsError} from '../host/hosts-error.js';
import {resolveHosts} from '../host/list.js';
import type {HostTarget} from '../host/target.js';
import type {ClusterCache} from '../state/cache.js';
import type {ClusterState} from '../state/cluster-state.js';
import type {HostState} from '../state/host-state.js';
import {newestState} from '../state/newest.js';
import {observeHosts} from '../state/observe.js';
import {listedHosts} from '../state/reach.js';
import type {OpenTransport} from '../transport/transport.js';
import type {OperateOptions} from './operate-request.js';

/** What one look at hosts gives: everything that is decided is decided from this. */
export interface Seen {
	/** By name: hosts that were named, and those that are remembered. */
	readonly targets: ReadonlyMap<string, HostTarget>;
	/** Of those that answer. */
	readonly states: ReadonlyMap<string, HostState>;
	/** Those that do not, of a cluster that is there. */
	readonly silent: readonly {readonly host: string; readonly error: unknown}[];
	/** As the masters or this operator know the cluster; undefined for one that is new. */
	readonly known: ClusterState | undefined;
}

export interface LookRequest {
	/** Of the cluster. */
	readonly name: string;
	/** What is said of them now counts more than what is remembered. */
	readonly named: readonly HostTarget[];
	/** Also named hosts may be silent: they leave. */
	readonly maySilentLeave?: boolean | undefined;
}

/**
 * Looks at all hosts at once. Hosts that are remembered may be dead; whatever else is wrong with any of them, a login among it, ends the
 * matter here, before anything is touched.
 * @throws HostError of the only host, HostsError with all of them; SealError ERR_CLUSTER_STATE, ERR_HOST_DUPLICATE
 */
export async function look(
	request: LookRequest,
	cache: ClusterCache,
	open: OpenTransport,
	options: OperateOptions,
): Promise<Seen> {
	const remembered = await cache.read(request.name);
	const targets = targetsOf(request, remembered, options);
	const outcomes = await observeHosts([...targets.values()], open, {
		root: options.root,
		concurrency: options.concurrency,
		now: options.now,
		signal: options.signal,
		onEvent: options.onEvent,
	});
	const states = new Map(outcomes.flatMap(outcome => (outcome.ok ? [[outcome.host, outcome.value] as const] : [])));
	const known = knownState(request.name, targets, states, remembered);
	const mayBeSilent = new Set(known?.setting.hosts.map(({name}) => name));
	if (request.maySilentLeave === true) for (const {name} of request.named) mayBeSilent.add(name);
	refuse(
		outcomes.filter(outcome => !outcome.ok && !(isDead(outcome) && mayBeSilent.has(outcome.host))),
		outcomes,
	);
	const silent = outcomes.flatMap(outcome => (outcome.ok ? [] : [{host: outcome.host, error: outcome.error}]));
	return {targets, states, silent, known};
}

function targetsOf(
	{named}: LookRequest,
	remembered: ClusterState | undefined,
	{login}: OperateOptions,
): ReadonlyMap<string, HostTarget> {
	const listed = remembered === undefined ? [] : resolveHosts(listedHosts(remembered, login), login);
	const kept = listed.map((target, index): HostTarget => {
		const {name = target.name} = remembered?.setting.hosts[index] ?? {};
		return {...target, name};
	});
	return new Map([...kept, ...named].map(target => [target.name, target]));
}

/** A cluster of another name on these hosts is another cluster: that is for the checks to say. */
function knownState(
	name: string,
	targets: ReadonlyMap<string, HostTarget>,
	states: ReadonlyMap<string, HostState>,
	remembered: ClusterState | undefined,
): ClusterState | undefined {
	const masters = new Set(remembered?.setting.hosts.flatMap(host => (host.isMaster ? [host.name] : [])));
	const witnesses = [...states]
		.filter(([, {state}]) => state === undefined || state.setting.name === name)
		.map(([host, state]) => {
			const isMaster = masters.has(host) || targets.get(host)?.roles.includes('master') === true;
			return {name: host, isMaster, state};
		});
	return newestState(witnesses, remembered);
}

/** The host is off, or there is no way to it. What is wrong with a login is something else. */
function isDead(outcome: HostOutcome<unknown>): boolean {
	return !outcome.ok && isSealError(outcome.error) && deadCodes.has(outcome.error.code);
}

const deadCodes: ReadonlySet<string> = new Set([
	'ERR_HOST_LOST',
	'ERR_HOST_NAME',
	'ERR_HOST_TIMEOUT',
	'ERR_HOST_UNREACHABLE',
]);

function refuse(failed: readonly HostOutcome<unknown>[], all: readonly HostOutcome<unknown>[]): void {
	const [first] = failed;
	if (first === undefined || first.ok) return;
	if (all.length === 1) throw first.error;
	throw new HostsError(
		all.filter(outcome => outcome.ok || failed.includes(outcome)),
		`${failed.length} of ${all.length} hosts cannot be used; nothing was done`,
		'Mend them or leave them out, then run the same command again.',
	);
}
