import type {OperationOptions} from '../../../core/events.js';
import type {HostFacts} from '../../facts/facts.js';
import {gatherFacts} from '../../facts/gather.js';
import type {ClusterRun, Performer, RunHost} from '../../lifecycle/run.js';
import {hasKubernetes} from '../../lifecycle/situation.js';
import {kubernetesWish} from '../wish.js';
import {callAgent, factsOf, hostOf} from './on-host.js';

/**
 * Makes a host a node that kubeadm can go on with. How it was is kept on the host before the first change: the files and settings, and
 * its facts, which a second look is compared with one day.
 */
export const prepare: Performer<'prepare'> = async (run, action, options) => {
	const host = hostOf(run, action);
	const facts = await factsOf(host, options);
	const wish = kubernetesWish(run.setting, host, facts, run.root);
	await callAgent(
		host,
		'prepare',
		{wish, dryRun: false, before: await factsBefore(run, host, facts, options)},
		action.id,
		options,
	);
};

/** What another Kubernetes had there, and was taken off since the host was looked at, is not to come back. */
async function factsBefore(
	{setting}: ClusterRun,
	{state, transport}: RunHost,
	facts: HostFacts,
	{signal}: OperationOptions,
): Promise<HostFacts> {
	const wasTaken = state !== undefined && state.member?.id !== setting.id && hasKubernetes(state.kubernetes);
	return wasTaken ? await gatherFacts(transport, {signal}) : facts;
}
