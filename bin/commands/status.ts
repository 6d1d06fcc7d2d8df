import type {HostOutcome} from '../../lib/runtime/host/each.js';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import type {ClusterState} from '../../lib/runtime/state/cluster-state.js';
import type {HostState} from '../../lib/runtime/state/host-state.js';
import {askCluster, type LiveCluster} from '../../lib/runtime/state/live.js';
import {newestState} from '../../lib/runtime/state/newest.js';
import {isWell, judgeCluster} from '../../lib/runtime/state/status.js';
import type {OpenTransport} from '../../lib/runtime/transport/transport.js';
import {chooseCluster, clusterCache, clusterOperand} from '../clusters.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {exitCodes} from '../exit-codes.js';
import {hostHelp, loginFlags} from '../host-flags.js';
import {withObservedCluster} from '../observed-cluster.js';
import {renderClusterStatus} from '../render/cluster-status.js';

export const command = defineCommand({
	description: `Shows how a cluster stands: each host with its services and its node, the API servers and members of etcd, the applications that were run, and what is wrong. Every host is asked once, and one master for the rest; nothing is changed. A host that does not answer is a line of the table. The exit code is 1 when something is wrong. ${hostHelp}`,
	operands: [clusterOperand],
	flags: loginFlags,
	examples: [
		{about: 'How does the cluster stand?', line: 'sealimage status'},
		{
			about: 'Which nodes are not ready?',
			line: "sealimage status prod --output json | jq -r '.hosts[] | select(.node.isReady | not) | .host'",
		},
	],
	async run({operands, flags}, context) {
		const known = await chooseCluster(operands[0], context);
		return await withObservedCluster(known, flags, context, async ({hosts, outcomes, open}) => {
			const state = await refresh(known, outcomes, context);
			const live = await askFirst(state, hosts, outcomes, open, context);
			const status = judgeCluster(state, outcomes, live);
			return {
				json: status,
				text: () => renderClusterStatus(status, context.style),
				exitCode: isWell(status) ? exitCodes.ok.code : exitCodes.failure.code,
			};
		});
	},
});

/** Another operator may have changed the cluster since: what the masters say is remembered here too. */
async function refresh(
	known: ClusterState,
	outcomes: readonly HostOutcome<HostState>[],
	context: Context,
): Promise<ClusterState> {
	const masters = new Set(known.setting.hosts.filter(({isMaster}) => isMaster).map(({name}) => name));
	const witnesses = outcomes.flatMap(outcome =>
		outcome.ok ? [{name: outcome.host, isMaster: masters.has(outcome.host), state: outcome.value}] : [],
	);
	const state = newestState(witnesses, known) ?? known;
	if (witnesses.length > 0) await clusterCache(context).saw(state);
	return state;
}

/** The masters that answer are asked one after the other, until one knows. */
async function askFirst(
	{setting}: ClusterState,
	hosts: readonly HostTarget[],
	outcomes: readonly HostOutcome<HostState>[],
	open: OpenTransport,
	{signal, onEvent}: Context,
): Promise<LiveCluster | undefined> {
	for (const [index, outcome] of outcomes.entries()) {
		const isAsked = outcome.ok && outcome.value.member?.id === setting.id && outcome.value.kubernetes.apiReady === true;
		if (!isAsked) continue;
		try {
			const transport = open(hosts[index]!);
			return await askCluster({transport, apiUrl: outcome.value.kubernetes.apiUrl}, {signal});
		} catch (error) {
			signal.throwIfAborted();
			const message = error instanceof Error ? error.message : String(error);
			onEvent({
				type: 'warning',
				code: 'ERR_CLUSTER_API',
				message: `${outcome.host} cannot tell of the cluster: ${message}`,
			});
		}
	}
	return undefined;
}
