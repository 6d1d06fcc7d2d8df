import type {OperationOptions} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {ClusterRun, Performer, RunHost} from '../lifecycle/run.js';
import {installMirror, lookAtMirror} from '../mirror/install.js';
import type {MirrorState} from '../mirror/observe.js';
import {places} from '../mirror/places.js';
import {type MirrorHost, type MirrorSetting, settle} from '../mirror/setting.js';
import {hostOf} from './host.js';
import {ofRun} from './once.js';
import {say} from './say.js';

/** The registry of a host. What masters have of theirs is read once for a run, so that all hosts belong to one authority. */
export const registry: Performer<'registry'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const {peers} = action.input;
	const setting = await settings(run, JSON.stringify(peers), () => settleAmong(run, peers, options));
	// Looked at now: what came to a master since the first host asked, as its agent, counts.
	const mirror = await look(host, options);
	const {changes, findings} = await installMirror(host.transport, mirror, setting, {signal: options.signal});
	say(options, action.id, [...changes, ...findings.map(({what, mend}) => `${what}. ${mend}`)]);
};

const settings = ofRun<MirrorSetting>();

async function settleAmong(
	run: ClusterRun,
	peers: readonly string[],
	options: OperationOptions,
): Promise<MirrorSetting> {
	const hosts = peers.flatMap(name => run.hosts.get(name) ?? []);
	const seen = await mapBounded(hosts, 16, async host => await lookOrError(host, options), options);
	const failed = seen.find(({error}) => error !== undefined);
	const hasAuthority = seen.some(({mirror}) => mirror.state.files.has(places.authorityKey));
	// The one that does not answer may be the only one that has it: another would part the hosts.
	if (failed !== undefined && !hasAuthority) throw failed.error;
	const addresses = new Map(hosts.map(({name, addresses: [address = '']}) => [name, address]));
	return await settle(
		seen.map(({mirror}) => mirror),
		{addresses},
	);
}

async function look(host: RunHost, {signal}: OperationOptions): Promise<MirrorHost> {
	return await lookAtMirror(host.transport, mirrorHost(host), {signal});
}

interface Seen {
	readonly mirror: MirrorHost;
	readonly error?: unknown;
}

async function lookOrError(host: RunHost, options: OperationOptions): Promise<Seen> {
	try {
		return {mirror: await look(host, options)};
	} catch (error) {
		options.signal?.throwIfAborted();
		return {mirror: {...mirrorHost(host), state: unseen(host)}, error};
	}
}

function mirrorHost({name, addresses: [address = ''], isMaster}: RunHost): Omit<MirrorHost, 'state'> {
	return {name, address, isMaster};
}

/** Of a master that is off now: the others are to ask it when it comes back. */
function unseen({nodeName, addresses}: RunHost): MirrorState {
	return {
		hostname: nodeName,
		addresses,
		hasAgent: false,
		hasSystemd: false,
		active: 'unknown',
		isStale: false,
		enabled: 'not-found',
		files: new Map(),
		hasContent: false,
	};
}
