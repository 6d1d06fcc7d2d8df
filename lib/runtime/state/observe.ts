import {emit} from '../../core/events.js';
import {type Beside, type GatherOptions, gatherBeside} from '../facts/gather.js';
import {type EachHostOptions, eachHost, type HostOutcome} from '../host/each.js';
import type {HostTarget} from '../host/target.js';
import type {OpenTransport, Transport} from '../transport/transport.js';
import {hostScript} from './host-script.js';
import type {HostState} from './host-state.js';
import {agentRoot} from './places.js';
import {type ObservedHost, readHost} from './read-host.js';

export interface ObserveOptions extends Omit<EachHostOptions, 'onOutcome' | 'concurrency'>, Omit<GatherOptions, 'as'> {
	/** Hosts at once. Default 128. */
	readonly concurrency?: number | undefined;
	/** Where the agent keeps everything. Default `/var/lib/sealimage`. */
	readonly root?: string | undefined;
	/** How long the API server of a host may take to say that it is ready, in whole seconds. Default 3: one that works answers at once, and only a busy host or a server that hangs takes longer. */
	readonly apiTimeoutSeconds?: number | undefined;
}

/** A host that is looked at costs its login and some milliseconds here, and is waited for most of the time: more at once are no more work, and done sooner. */
const concurrencyOfLooks = 128;

/**
 * What each of these hosts is and what sealimage did there: one round trip each, nothing is installed or changed. A host that
 * does not answer is its own outcome. What a host says counts for itself alone; which copy of the cluster's state counts is for
 * `newestState` to say.
 */
export async function observeHosts(
	targets: readonly HostTarget[],
	open: OpenTransport,
	options: ObserveOptions = {},
): Promise<readonly HostOutcome<HostState>[]> {
	const {concurrency = concurrencyOfLooks, title = 'look at hosts', signal, onEvent} = options;
	return await eachHost(
		targets.map(target => ({host: target.name, target})),
		async ({target}) => {
			const transport = open(target);
			try {
				return await observeHost(transport, options);
			} finally {
				await transport.close();
			}
		},
		{concurrency, title, signal, onEvent},
	);
}

/** @throws as `gatherFacts` */
export async function observeHost(transport: Transport, options: ObserveOptions = {}): Promise<HostState> {
	const {root = agentRoot, apiTimeoutSeconds, wanted, timeoutMs, startTimeoutMs, now, signal, onEvent} = options;
	const beside: Beside<ObservedHost> = {
		script: hostScript(root, apiTimeoutSeconds),
		read: answers => readHost(answers, root),
	};
	const gather = {wanted, timeoutMs, startTimeoutMs, now, signal, onEvent};
	const {facts, beside: observed} = await gatherBeside(transport, beside, gather);
	const {hasBrokenState, ...state} = observed;
	if (hasBrokenState) {
		emit(options, {
			type: 'warning',
			code: 'ERR_CLUSTER_STATE',
			message: `The copy of the cluster's state on ${transport.host} is damaged, and does not count`,
		});
	}
	return {facts, ...state};
}
