import {dirname} from 'node:path';
import {SealError} from '../../core/errors.js';
import {readClusterImage} from '../application/read-image.js';
import {chooseProxyMode} from '../control/proxy-mode.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import {digestOfValue} from '../plan/plan.js';
import {type ClusterCache, openClusterCache} from '../state/cache.js';
import type {ClusterState} from '../state/cluster-state.js';
import {keepTransports} from '../transport/keep.js';
import type {OpenTransport} from '../transport/transport.js';
import {type CarryOut, carryOut} from './carry-out.js';
import {checkEarly} from './check-early.js';
import {leavingHosts, resetSetting} from './leaving.js';
import {look, type Seen} from './look.js';
import {readNextId} from './next-id.js';
import type {AddHostsRequest, LeaveRequest, NamedHost, OperateOptions, RunRequest} from './operate-request.js';
import type {Operated} from './operated.js';
import {type PlanFile, plannedTargets} from './plan-file.js';
import type {ClusterImage, ClusterSetting} from './setting.js';
import {type SettleRequest, settleCluster, type WantedHost} from './settle.js';

/**
 * Makes a cluster out of hosts and images, or changes the one that is there. All hosts are looked at first, in one round trip each;
 * then it is settled what shall be, checked, planned, shown to `confirm`, and done. Whatever interrupts it, the same request goes on
 * where it ended. Failures of actions are in the result; what is thrown is thrown before anything was changed, but for the signal's reason.
 * @throws HostsError, FindingsError, HostError; SealError ERR_CLUSTER_REQUEST and the codes of its problems, ERR_CLUSTER_SETTING,
 * ERR_CLUSTER_STATE, ERR_CLUSTER_LOCKED, ERR_PLAN, what reading images throws; the signal's reason
 */
export async function runCluster(request: RunRequest, options: OperateOptions): Promise<Operated> {
	const {hosts: given, images: names, isWaiting, ...rest} = request;
	return await withWays(request.name, options, async (cache, open) => {
		const known = await cache.read(request.name);
		const isAlone = given.length === 0 && known === undefined && request.isWhole !== true;
		await checkEarly(request, known, isAlone, options);
		const named: readonly NamedHost[] = isAlone ? [{target: thisMachine}] : given;
		const seen = await look({name: request.name, named: named.map(({target}) => target)}, cache, open, options);
		if (seen.states.size === 0) refuseSilent(seen, 'Start the masters, or check the way to them.');
		const hosts = wantedHosts(seen, named, request.isWhole === true);
		const images = await readImages(names, platformsOf(hosts), options);
		const next = await readNextId(dirname(cache.logFolder(request.name)));
		const wanted = settle({...rest, known: seen.known, hosts, images}, next.id);
		if (seen.known === undefined && options.isDryRun === true) await next.keep();
		const asked = new Set(images.map(({name}) => name));
		const applications = wanted.images.filter(({type, name}) => type === 'application' && asked.has(name));
		const staying = new Set(wanted.hosts.map(({name}) => name));
		return {
			request: {
				verb: request.isWhole === true ? 'apply' : 'run',
				wanted,
				known: seen.known,
				states: seen.states,
				leaving: (seen.known?.setting.hosts ?? []).filter(({name}) => !staying.has(name)),
				applications: applications.map(({name}) => name),
				isForced: options.isForced,
			},
			seen,
			isWaiting,
			onBegun: () => next.forget(),
		};
	});
}

/** Adds masters and nodes to a cluster that is known here, with the images that it has. @throws as `runCluster`; SealError ERR_CLUSTER_UNKNOWN */
export async function addHosts({name, hosts: named}: AddHostsRequest, options: OperateOptions): Promise<Operated> {
	return await withWays(name, options, async (cache, open) => {
		const seen = await look({name, named: named.map(({target}) => target)}, cache, open, options);
		const known = knownCluster(name, seen);
		const hosts = wantedHosts(seen, named, false);
		const images = await readAgain(known.setting, platformsOf(hosts), options);
		const settled = settle({name, known, hosts, images: []}, known.setting.id);
		return {
			request: {
				verb: 'add',
				wanted: {...settled, images},
				known,
				states: seen.states,
				leaving: [],
				applications: [],
				isForced: options.isForced,
			},
			seen,
		};
	});
}

/**
 * Takes hosts out of a cluster, also those that are dead, and puts those that answer back as they were found.
 * @throws as `runCluster`; SealError ERR_CLUSTER_UNKNOWN; HostError ERR_CLUSTER_MEMBER for a host that is not in it
 */
export async function deleteHosts({name, hosts: named}: LeaveRequest, options: OperateOptions): Promise<Operated> {
	return await withWays(name, options, async (cache, open) => {
		const seen = await look(
			{name, named: await targetsByName(name, named, cache), maySilentLeave: true},
			cache,
			open,
			options,
		);
		const known = knownCluster(name, seen);
		const leaving = leavingHosts(known.setting, named, seen);
		const left = new Set(leaving.map(host => host.name));
		const wanted = {...known.setting, hosts: known.setting.hosts.filter(host => !left.has(host.name))};
		return {
			request: {
				verb: 'delete',
				wanted,
				known,
				states: seen.states,
				leaving,
				applications: [],
				isForced: options.isForced,
			},
			seen,
		};
	});
}

/**
 * Takes a whole cluster away; hosts are left as they were found. Hosts that do not answer stand in the way unless it is forced.
 * @throws as `runCluster`; SealError ERR_CLUSTER_UNKNOWN when nothing is known and no host was named
 */
export async function resetCluster({name, hosts: named}: LeaveRequest, options: OperateOptions): Promise<Operated> {
	return await withWays(name, options, async (cache, open) => {
		const seen = await look({name, named, maySilentLeave: options.isForced}, cache, open, options);
		if (options.isForced !== true) refuseSilent(seen, 'Start it, or leave it as it is with --force.');
		const wanted = resetSetting(name, named, seen);
		const {known} = seen;
		return {
			request: {
				verb: 'reset',
				wanted,
				known,
				states: seen.states,
				leaving: wanted.hosts,
				applications: [],
				isForced: options.isForced,
			},
			seen,
		};
	});
}

/**
 * Does a plan that was made before, if it still is what follows from how hosts are. Whoever made the file chose hosts, lines and variables;
 * what images bring is read from the store, and hosts that are remembered are reached as they are remembered.
 * @throws as `runCluster`; SealError ERR_PLAN
 */
export async function applyPlan(file: PlanFile, options: OperateOptions): Promise<Operated> {
	const {plan, verb, leaving, applications, isForced} = file;
	const {name} = file.wanted;
	return await withWays(name, {...options, agreed: plan}, async (cache, open) => {
		const named = plannedTargets(file, await cache.read(name), options.login);
		const seen = await look({name, named, maySilentLeave: true}, cache, open, options);
		const wanted = {...file.wanted, images: await plannedImages(file, seen, options)};
		const request = {verb, wanted, known: seen.known, states: seen.states, leaving, applications, isForced};
		return {request, seen};
	});
}

/** Hooks and lines run as root: they have to be those of images that the cluster has, or of the very images in the store that the file names. */
async function plannedImages(
	{verb, wanted}: PlanFile,
	{known}: Seen,
	options: OperateOptions,
): Promise<readonly ClusterImage[]> {
	if (verb === 'reset' || verb === 'delete') return known?.setting.images ?? [];
	const there = new Set(known?.setting.images.map(digestOfValue));
	const isThere = (image: ClusterImage): boolean => there.has(digestOfValue(image));
	const read = await readAgain({...wanted, images: wanted.images.filter(image => !isThere(image))}, [], options);
	return wanted.images.map(image => (isThere(image) ? image : read.find(({name}) => name === image.name)!));
}

/** This machine, when no host is named. */
const thisMachine: HostTarget = {name: 'local', address: 'local', roles: ['master'], login: {}};

/** Each host is logged in to once, however often it is looked at. */
async function withWays(
	name: string,
	options: OperateOptions,
	prepare: (cache: ClusterCache, open: OpenTransport) => Promise<CarryOut>,
): Promise<Operated> {
	options.signal?.throwIfAborted();
	const startedMs = performance.now();
	const cache = openClusterCache(options.clustersDir);
	// Names become names of files: a wrong one is refused before anything else.
	cache.logFolder(name);
	const ways = keepTransports(options.open);
	try {
		return await carryOut(await prepare(cache, ways.open), cache, ways.open, options, startedMs);
	} finally {
		await ways.close();
	}
}

/** The hosts that the cluster shall have: those that it has, in their order, and those that are new; or only those that are named. */
function wantedHosts(seen: Seen, named: readonly NamedHost[], isWhole: boolean): readonly WantedHost[] {
	const byName = new Map(named.map(host => [host.target.name, host]));
	const wish = (target: HostTarget, isMaster: boolean): WantedHost => ({
		...byName.get(target.name),
		target,
		isMaster,
		facts: seen.states.get(target.name)?.facts,
	});
	const kept = (seen.known?.setting.hosts ?? []).flatMap((host): WantedHost[] => {
		const said = byName.get(host.name);
		if (said !== undefined) return [];
		const target = seen.targets.get(host.name) ?? {name: host.name, address: host.name, roles: host.roles, login: {}};
		return isWhole ? [] : [wish(target, host.isMaster)];
	});
	const said = named.map(({target}) => wish(target, isMasterBy(target)));
	const order = new Map((seen.known?.setting.hosts ?? []).map(({name}, index) => [name, index]));
	const placeOf = ({target}: WantedHost): number => order.get(target.name) ?? order.size;
	return [...kept, ...said].sort((a, b) => placeOf(a) - placeOf(b));
}

function isMasterBy({name, roles}: HostTarget): boolean {
	if (roles.includes('master')) return true;
	if (roles.includes('node')) return false;
	throw new HostError(name, 'ERR_CLUSTER_SETTING', 'The host is neither a master nor a node', {
		hint: 'Give it one of these roles.',
	});
}

function settle(request: SettleRequest, id: string): ClusterSetting {
	return settleCluster(request, {
		makeId: () => id,
		proxyMode: (version, facts, documents) =>
			chooseProxyMode(
				version,
				facts.map(({kernel}) => kernel),
				documents,
			),
	});
}

function platformsOf(hosts: readonly WantedHost[]): readonly string[] {
	const found = hosts.flatMap(({facts}) => (facts === undefined ? [] : [platformText(facts.system)]));
	return [...new Set(found)];
}

function platformText({architecture, variant}: {readonly architecture: string; readonly variant?: string}): string {
	return variant === undefined ? `linux/${architecture}` : `linux/${architecture}/${variant}`;
}

async function readImages(
	names: readonly string[],
	platforms: readonly string[],
	{store, signal, onEvent}: OperateOptions,
): Promise<readonly ClusterImage[]> {
	return await Promise.all(names.map(name => readClusterImage(store, name, {platforms, signal, onEvent})));
}

/** The images of a cluster, for the platforms of hosts that join. They must be the very images that the cluster has. */
async function readAgain(
	{images}: ClusterSetting,
	platforms: readonly string[],
	{store, signal, onEvent}: OperateOptions,
): Promise<readonly ClusterImage[]> {
	return await Promise.all(
		images.map(async image => {
			const all = [...new Set([...Object.keys(image.platforms), ...platforms])];
			const found = await readClusterImage(store, image.name, {platforms: all, signal, onEvent});
			if (found.digest === image.digest)
				return {...found, command: image.command, ...(image.given === undefined ? {} : {given: image.given})};
			throw new SealError('ERR_CLUSTER_IMAGE', `${image.name} in the store is another image than the cluster has`, {
				hint: `Bring the cluster to it first with "sealimage run ${image.name}", or give that name to the image ${image.digest} again.`,
				details: {image: image.name, cluster: image.digest, store: found.digest},
			});
		}),
	);
}

function knownCluster(name: string, {known}: Seen): ClusterState {
	if (known !== undefined) return known;
	throw new SealError('ERR_CLUSTER_UNKNOWN', `Nothing is known here of a cluster "${name}"`, {
		hint: 'Run "sealimage clusters import --host MASTER" first, or make the cluster with "sealimage run".',
	});
}

/** Hosts may be named as they are called in the cluster, by their address, or by the name of their node. */
async function targetsByName(
	name: string,
	named: readonly HostTarget[],
	cache: ClusterCache,
): Promise<readonly HostTarget[]> {
	const hosts = (await cache.read(name))?.setting.hosts ?? [];
	const isKnown = ({name: host, address}: HostTarget): boolean =>
		hosts.some(one => one.name === host || one.nodeName === host || one.addresses.includes(address));
	// What is remembered of the way to a host is better than what its name alone says.
	return named.filter(target => !isKnown(target));
}

function refuseSilent({silent}: Seen, hint: string): void {
	const [first, ...more] = silent;
	if (first === undefined) return;
	const names = silent
		.map(({host}) => host)
		.slice(0, 5)
		.join(', ');
	throw new HostError(
		first.host,
		'ERR_HOST_UNREACHABLE',
		`${more.length === 0 ? 'It does' : `${names} do`} not answer; nothing was done`,
		{
			hint,
			cause: first.error,
		},
	);
}
