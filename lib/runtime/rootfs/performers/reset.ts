import {HostError} from '../../host/error.js';
import {fieldsOf} from '../../kubeadm/document.js';
import type {Performer} from '../../lifecycle/run.js';
import type {ClusterSetting} from '../../lifecycle/setting.js';
import type {ResetDone, ResetRequest} from '../reset/reset.js';
import {callAgent, hostOf, tell, warnOfLeftover} from './on-host.js';

/** Takes everything of Kubernetes off a host. Done again, it goes on with what is left. */
export const reset: Performer<'reset'> = async (run, action, options) => {
	const host = hostOf(run, action);
	// Of a cluster that is there, what it was made with counts.
	const setting = run.known?.setting ?? run.setting;
	const request = resetRequest(setting, action.input.role);
	const result = (await callAgent(host, 'reset-node', request, action.id, options)) as ResetDone;
	const {done, leftovers, remnants} = result;
	for (const line of done) tell(action.id, line, options);
	for (const remnant of remnants) warnOfLeftover(host.name, remnant, options);
	if (leftovers.length === 0) return;
	const shown = leftovers.slice(0, 5).map(({what, why}) => `${what}: ${why}`);
	throw new HostError(host.name, 'ERR_RESET', `Something of Kubernetes is left: ${shown.join('; ')}`, {
		hint: 'Mend what it says, and run the command again: it goes on with what is left.',
		details: {leftovers: leftovers.slice(0, 100)},
	});
};

function resetRequest({network, kubeadm}: ClusterSetting, role: ResetRequest['role']): ResetRequest {
	const of = (...kinds: readonly string[]) => kubeadm.findLast(({kind}) => kinds.includes(kind));
	const {dataDir} = fieldsOf(fieldsOf(of('ClusterConfiguration')?.etcd).local);
	const {kubeletExtraArgs} = fieldsOf(of('InitConfiguration', 'JoinConfiguration')?.nodeRegistration);
	const rootDir = argumentIn(kubeletExtraArgs, 'root-dir');
	return {
		role,
		pods: network.pods,
		services: network.services,
		virtualAddress: network.virtualAddress,
		...(typeof dataDir === 'string' ? {etcdFolder: dataDir} : {}),
		...(rootDir === undefined ? {} : {kubeletFolder: rootDir}),
	};
}

/** In either form of kubeadm's configuration. */
function argumentIn(given: unknown, name: string): string | undefined {
	const value: unknown = Array.isArray(given)
		? given.map(fieldsOf).findLast(argument => argument.name === name)?.value
		: fieldsOf(given)[name];
	return typeof value === 'string' ? value : undefined;
}
