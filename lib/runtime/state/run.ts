import {randomBytes} from 'node:crypto';
import {hasCode, isSealError} from '../../core/errors.js';
import {type Abortable, emit, type OperationOptions} from '../../core/events.js';
import type {EnsureOptions} from '../agent/ensure.js';
import {eachHost} from '../host/each.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import type {ClusterRun, RunHost} from '../lifecycle/run.js';
import type {ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import type {OpenTransport} from '../transport/transport.js';
import type {ClusterCache} from './cache.js';
import type {ClusterState} from './cluster-state.js';
import type {LockOwner} from './host-lock.js';
import type {HostMember, HostState} from './host-state.js';
import type {JournalEntry} from './journal.js';
import {agentRoot} from './places.js';
import {createRunHost, type OpenedHost} from './run-host.js';
import {createRecord, type RunRecord} from './run-record.js';

export interface OpenRunOptions extends OperationOptions {
	readonly open: OpenTransport;
	/** What `observeHosts` found, by name; hosts that did not answer are absent. */
	readonly observed?: ReadonlyMap<string, HostState> | undefined;
	/** As it was before the run; a cluster that is new has none. */
	readonly known?: ClusterState | undefined;
	/** Hosts that leave the cluster. Default: those that it has, and the setting has not. */
	readonly leaving?: readonly SettingHost[] | undefined;
	/** Whom other operators are told to wait for. */
	readonly owner: LockOwner;
	/** How long to wait for another operator. Default: not at all. */
	readonly waitMs?: number | undefined;
	/** How the agent gets on hosts, and where it is there. */
	readonly agent: Omit<EnsureOptions, keyof OperationOptions>;
	/** The operator's own copies; without it none is kept. */
	readonly cache?: ClusterCache | undefined;
	/** Of this sealimage. */
	readonly version: string;
	/** Hosts that leave another cluster for this one. */
	readonly replaces?: ReadonlySet<string> | undefined;
	/** Hosts that are opened at once. Default 32. */
	readonly concurrency?: number | undefined;
}

export interface LockOptions extends Abortable {
	/** Hosts among them that need not be kept: one whose disk is full or broken is a warning, one that somebody else works on is not. */
	readonly dispensable?: ReadonlySet<string> | undefined;
	/** Where operators meet, if there is any: at least one of them has to be kept. */
	readonly meeting?: readonly string[] | undefined;
}

/** A run, and what keeps it: locks, journals, the state of the cluster. One connection and one session of the agent for each host. */
export interface OpenedRun extends ClusterRun, RunRecord, AsyncDisposable {
	/**
	 * Opens these hosts and keeps other operators off them until the run is closed. Nothing else is done on them yet.
	 * @throws HostError ERR_CLUSTER_LOCKED, ERR_CLUSTER_STATE when somebody has worked on one since it was looked at, and what ensureAgent
	 * throws; the locks that were got are given back then
	 */
	lock(hosts: readonly string[], options?: LockOptions): Promise<void>;
	/** Before the first action on a host: the host knows which cluster it is in. @throws HostError ERR_CLUSTER_MEMBER */
	begin(host: string): Promise<void>;
	/** Notes in the journal of the host what was done there; on its disk when it resolves. */
	note(host: string, entries: readonly JournalEntry[]): Promise<void>;
	/** Where an image's tree is on a host, once it is there. */
	noteTree(host: string, image: string, path: string): void;
	/** The host is about to leave the cluster: it is not asked for its API server any more. */
	noteLeaving(host: string): void;
	/** The host has left, and the agent on it is gone: nothing more is noted there. */
	noteLeft(host: string): Promise<void>;
	close(): Promise<void>;
}

/** Opens a run on the hosts of a setting, and on those that leave. Nothing is connected yet. */
export function openRun(setting: ClusterSetting, targets: readonly HostTarget[], options: OpenRunOptions): OpenedRun {
	const {known, cache, version, signal, onEvent} = options;
	const hosts = createHosts(setting, targets, options);
	const live = mastersThatAnswer(hosts);
	const left = new Set<string>();
	const liveMasters = (): readonly RunHost[] => [...live].flatMap(name => hosts.get(name) ?? []);
	const isThere = (name: string): boolean => !left.has(name);
	const record = createRecord({setting, known, cache, version, hosts, isThere, liveMasters, signal, onEvent});
	const close = async (): Promise<void> => {
		await Promise.allSettled([...hosts.values()].map(host => host.close()));
	};
	return {
		...record,
		...createTrees(setting, hosts),
		...createNotes(setting, hosts, isThere, name => void live.delete(name), options),
		setting,
		known,
		hosts,
		root: options.agent.root ?? agentRoot,
		liveMasters,
		noteLive: name => void live.add(name),
		noteLeaving: name => void live.delete(name),
		async noteLeft(name) {
			left.add(name);
			live.delete(name);
			await hosts.get(name)?.leave();
		},
		close,
		[Symbol.asyncDispose]: close,
	};
}

type Hosts = ReadonlyMap<string, OpenedHost>;

/** What is written on hosts, and what keeps others from it. */
function createNotes(
	setting: ClusterSetting,
	hosts: Hosts,
	isThere: (name: string) => boolean,
	noteLost: (name: string) => void,
	{signal, onEvent, concurrency, replaces}: OpenRunOptions,
): Pick<OpenedRun, 'lock' | 'begin' | 'note'> {
	const begun = new Map<string, Promise<void>>();
	const members = membersOf(setting);
	return {
		async lock(names, {signal: stop = signal, dispensable, meeting = []} = {}) {
			const wanted = [...new Set(names)].map(name => ({host: name, opened: hostOf(hosts, name)}));
			const options = {signal: stop, onEvent, title: 'open hosts', concurrency};
			const outcomes = await eachHost(wanted, ({opened}) => opened.lock({signal: stop}), options);
			const failed = outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome]));
			const lost = new Set(failed.map(({host}) => host));
			const grave =
				failed.find(({error}) => isOthersWork(error)) ??
				failed.find(({host}) => dispensable?.has(host) !== true) ??
				(meeting.length > 0 && meeting.every(host => lost.has(host)) ? failed[0] : undefined);
			if (grave !== undefined) {
				await Promise.all(wanted.map(({opened}) => opened.leave()));
				throw grave.error;
			}
			for (const {host, error} of failed) {
				// Its agent does not work either: others are asked for the cluster.
				noteLost(host);
				warnOfUnlocked(host, error, {onEvent});
			}
		},
		async begin(name) {
			const host = hostOf(hosts, name);
			const member = members.get(name);
			if (member === undefined || isMemberAlready(host.state?.member, member)) return;
			const beginning = begun.get(name) ?? introduce(host, member, replaces?.has(name) === true);
			begun.set(name, beginning);
			try {
				await beginning;
			} catch (error) {
				begun.delete(name);
				throw error;
			}
		},
		async note(name, entries) {
			if (isThere(name)) await twice(hostOf(hosts, name), {append: entries}, signal);
		},
	};
}

function createTrees(setting: ClusterSetting, hosts: Hosts): Pick<OpenedRun, 'treeOf' | 'noteTree'> {
	const trees = new Map<string, string>();
	return {
		treeOf(host, image) {
			const path = trees.get(`${host}\n${image}`) ?? treeBefore(setting, hosts.get(host), image);
			if (path !== undefined) return path;
			throw new HostError(host, 'ERR_CONTENT_MISSING', `The files of the image ${image} are not on the host`, {
				hint: 'Run the command again: it brings what is missing.',
			});
		},
		noteTree: (host, image, path) => void trees.set(`${host}\n${image}`, path),
	};
}

function hostOf(hosts: Hosts, name: string): OpenedHost {
	const host = hosts.get(name);
	if (host !== undefined) return host;
	throw new HostError(name, 'ERR_PLAN', 'The plan names a host that is no part of the run', {
		hint: 'Make the plan anew.',
	});
}

function createHosts(
	setting: ClusterSetting,
	targets: readonly HostTarget[],
	{open, known, leaving: given, observed, owner, waitMs = 0, agent, signal, onEvent}: OpenRunOptions,
): Hosts {
	const byName = new Map(targets.map(target => [target.name, target]));
	const staying = new Set(setting.hosts.map(({name}) => name));
	const leaving = (given ?? known?.setting.hosts ?? []).filter(({name}) => !staying.has(name));
	const run = randomBytes(16).toString('hex');
	const lock = {...owner, cluster: setting.name, run, waitMs};
	const ensure: EnsureOptions = {...agent, signal, onEvent};
	const create = (host: SettingHost): readonly (readonly [string, OpenedHost])[] => {
		const target = byName.get(host.name);
		if (target === undefined) return [];
		return [[host.name, createRunHost(host, target, observed?.get(host.name), {open, ensure, lock})]];
	};
	return new Map([...setting.hosts, ...leaving].flatMap(create));
}

function mastersThatAnswer(hosts: Hosts): Set<string> {
	const masters = [...hosts.values()].filter(({isMaster, state}) => isMaster && state?.kubernetes.apiReady === true);
	return new Set(masters.map(({name}) => name));
}

/** The tree that was there before the run, if it is that of the very image that is wished for. */
function treeBefore(setting: ClusterSetting, host: OpenedHost | undefined, name: string): string | undefined {
	const observed = host?.state?.images;
	if (host === undefined || observed === undefined || !Object.hasOwn(observed, name)) return undefined;
	const {platforms} = setting.images.find(image => image.name === name) ?? {};
	const wished = platforms?.[host.platform]?.manifest;
	return wished !== undefined && observed[name]?.manifest === wished ? observed[name].tree : undefined;
}

function membersOf({name: cluster, id, hosts}: ClusterSetting): ReadonlyMap<string, HostMember> {
	return new Map(hosts.map(({name, isMaster}) => [name, {cluster, id, role: isMaster ? 'master' : 'node'}]));
}

function isMemberAlready(found: HostMember | undefined, {cluster, id, role}: HostMember): boolean {
	return found?.id === id && found.role === role && found.cluster === cluster;
}

async function introduce(host: OpenedHost, member: HostMember, replaces: boolean): Promise<void> {
	await (await host.agent()).call('journal', {member, replaces});
}

/** Somebody is on the host, or was: that is no matter of its disk. */
function isOthersWork(error: unknown): boolean {
	return hasCode(error, 'ERR_CLUSTER_LOCKED') || hasCode(error, 'ERR_CLUSTER_STATE');
}

function warnOfUnlocked(host: string, error: unknown, options: OperationOptions): void {
	const message = error instanceof Error ? error.message : String(error);
	emit(options, {
		type: 'warning',
		code: isSealError(error) ? error.code : 'ERR_CLUSTER_LOCKED',
		message: `Other operators are not kept off ${host}: ${message}`,
		hint: 'Mend the host, or turn it off and take it out with "sealimage delete".',
	});
}

/** An agent whose connection was cut is opened once more: what was done there should not be forgotten for that. */
async function twice(host: OpenedHost, params: object, signal: AbortSignal | undefined): Promise<void> {
	const before = await host.agent().catch(() => undefined);
	try {
		if (before !== undefined) {
			await before.call('journal', params, {signal});
			return;
		}
	} catch (error) {
		signal?.throwIfAborted();
		// What the agent itself refuses it refuses again.
		if (!isConnectionLost(error)) throw error;
	}
	await (await host.agent()).call('journal', params, {signal});
}

function isConnectionLost(error: unknown): boolean {
	return error instanceof HostError && /^ERR_(?:AGENT_LOST|HOST_\w+)$/.test(error.code);
}
