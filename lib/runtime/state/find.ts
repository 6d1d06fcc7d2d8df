import {closest} from '../../core/closest.js';
import {hasCode, SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {type AskedMaster, kubectlJson, kubectlOn} from '../control/kubectl.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import type {OpenTransport} from '../transport/transport.js';
import type {ClusterCache} from './cache.js';
import type {ClusterState} from './cluster-state.js';
import {stateSecret} from './copies.js';
import type {HostState} from './host-state.js';
import {newestState, type Witness} from './newest.js';
import {observeHost, observeHosts} from './observe.js';
import {unpackState} from './parse-state.js';
import {type RebuiltNode, readClusterObjects, rebuildState} from './rebuild.js';
import {isObject} from './shape.js';

/** @throws SealError ERR_CLUSTER_UNKNOWN, ERR_CLUSTER_STATE */
export async function findState(cache: ClusterCache, name: string): Promise<ClusterState> {
	const state = await cache.read(name);
	if (state !== undefined) return state;
	const names = (await cache.list()).map(known => known.name);
	const near = closest(name, names);
	throw new SealError('ERR_CLUSTER_UNKNOWN', `Nothing is known of a cluster "${name}" on this machine`, {
		hint:
			near === undefined
				? `Take it from one of its masters with "sealimage clusters import --host MASTER".`
				: `Is "${near}" meant? Otherwise take it from a master with "sealimage clusters import --host MASTER".`,
	});
}

export interface ImportedState {
	readonly state: ClusterState;
	/** Where it was: on the master itself, in the cluster, or nowhere: then it was made out of what is there. */
	readonly from: 'master' | 'cluster' | 'rebuilt';
}

/**
 * The state of the cluster that a master is in, for an operator's machine that knows nothing of it: the copy on the host or in the
 * cluster, else as much as nodes and kubeadm's own objects tell; images are not among that.
 * @throws HostError ERR_CLUSTER_UNKNOWN, ERR_CLUSTER_API, ERR_CLUSTER_STATE, and what observing throws
 */
export async function importState(
	target: HostTarget,
	open: OpenTransport,
	options: OperationOptions & {readonly version: string},
): Promise<ImportedState> {
	const transport = open(target);
	try {
		const host = await observeHost(transport, options);
		// Whoever is asked for the cluster is trusted with it.
		const witness: Witness = {name: target.name, isMaster: true, state: host, isLocal: target.address === 'local'};
		const copy = newestState([witness]);
		if (copy !== undefined) return {state: copy, from: 'master'};
		if (host.member === undefined) throw notOurs(target.name);
		if (!host.kubernetes.hasAdminConf) throw noMaster(target.name, host);
		const master: AskedMaster = {transport, apiUrl: host.kubernetes.apiUrl};
		const secret = await readSecret(master, options);
		const kept = newestState([{...witness, state: {...host, state: secret}}]);
		if (kept !== undefined) return {state: kept, from: 'cluster'};
		return {state: await rebuild(target, host, master, open, options), from: 'rebuilt'};
	} finally {
		await transport.close();
	}
}

/** Undefined when there is none, or none that can be used. */
async function readSecret(master: AskedMaster, {signal}: OperationOptions): Promise<ClusterState | undefined> {
	const {namespace, name, key} = stateSecret;
	const args = ['get', 'secret', '-n', namespace, name, '--ignore-not-found'];
	try {
		const value = await kubectlJson(kubectlOn(master), args, {signal, maxOutputBytes: 8 * 1024 * 1024});
		const data = isObject(value) && isObject(value.data) ? value.data[key] : undefined;
		return typeof data === 'string' ? unpackState(Buffer.from(data, 'base64')) : undefined;
	} catch (error) {
		// With nothing to show kubectl prints nothing, which is no JSON.
		if (hasCode(error, 'ERR_CLUSTER_API')) return undefined;
		throw error;
	}
}

/** Asks the nodes that the cluster has by the login of the one that is known. */
async function rebuild(
	target: HostTarget,
	host: HostState,
	master: AskedMaster,
	open: OpenTransport,
	options: OperationOptions & {readonly version: string},
): Promise<ClusterState> {
	const objects = await readClusterObjects(master, options);
	const own = new Set(
		host.facts.network.interfaces.flatMap(({addresses}) => addresses.map(address => address.split('/')[0])),
	);
	const isSelf = ({addresses}: RebuiltNode): boolean => addresses.some(address => own.has(address));
	const targets = objects.nodes.map(node =>
		isSelf(node) ? target : {...target, name: node.addresses[0]!, address: node.addresses[0]!},
	);
	const others = targets.filter(({name}) => name !== target.name);
	const outcomes = await observeHosts(others, open, {...options, title: 'look at hosts'});
	const states = new Map(outcomes.flatMap(outcome => (outcome.ok ? [[outcome.host, outcome.value] as const] : [])));
	states.set(target.name, host);
	const found = objects.nodes.map((node, index) => {
		const reached = targets[index]!;
		return {node, target: reached, state: states.get(reached.name)};
	});
	return rebuildState(host, found, objects, options.version);
}

function notOurs(host: string): HostError {
	return new HostError(host, 'ERR_CLUSTER_UNKNOWN', 'The host is in no cluster that sealimage made', {
		hint: 'Name a master of the cluster.',
	});
}

function noMaster(host: string, {member}: HostState): HostError {
	const {cluster, role} = member ?? {cluster: '', role: 'node'};
	const why = role === 'master' ? `"${cluster}" has not begun on the host` : `The host is no master of "${cluster}"`;
	return new HostError(host, 'ERR_CLUSTER_UNKNOWN', `${why}, and no copy of its state is there`, {
		hint: role === 'master' ? 'Name another master of the cluster.' : 'Name a master of the cluster.',
	});
}
