import {HostError} from '../../host/error.js';
import {fieldsOf, type KubeadmDocument} from '../../kubeadm/document.js';
import type {Performer} from '../../lifecycle/run.js';
import type {ClusterSetting} from '../../lifecycle/setting.js';
import {isDataFolder} from '../reset/folders.js';
import type {ResetDone, ResetRequest} from '../reset/reset.js';
import {callAgent, hostOf, tell, warnOfLeftover} from './on-host.js';

/** Takes everything of Kubernetes off a host. Done again, it goes on with what is left. */
export const reset: Performer<'reset'> = async (run, action, options) => {
	const host = hostOf(run, action);
	// Of a cluster that is there, what it was made with counts.
	const setting = run.known?.setting ?? run.setting;
	const {request, untouched} = resetRequest(setting, action.input.role);
	const result = (await callAgent(host, 'reset-node', request, action.id, options)) as ResetDone;
	const {done, leftovers, remnants} = result;
	for (const line of done) tell(action.id, line, options);
	const kept = untouched.map(what => ({what, why: 'it is a folder of the system, and nothing is removed from it'}));
	for (const remnant of [...remnants, ...kept]) warnOfLeftover(host.name, remnant, options);
	if (leftovers.length === 0) return;
	const shown = leftovers.slice(0, 5).map(({what, why}) => `${what}: ${why}`);
	throw new HostError(host.name, 'ERR_RESET', `Something of Kubernetes is left: ${shown.join('; ')}`, {
		hint: 'Mend what it says, and run the command again: it goes on with what is left.',
		details: {leftovers: leftovers.slice(0, 100)},
	});
};

function resetRequest({network, kubeadm}: ClusterSetting, role: ResetRequest['role']): Chosen {
	// Whoever says it last, of the image and the user: a document that says something else says nothing of it.
	const last = (kinds: readonly string[], read: (document: KubeadmDocument) => unknown): string | undefined =>
		kubeadm
			.filter(({kind}) => kinds.includes(kind))
			.map(read)
			.findLast(value => typeof value === 'string')
			?.replace(/(?<=.)\/+$/, '');
	const dataDir = last(['ClusterConfiguration'], ({etcd}) => fieldsOf(fieldsOf(etcd).local).dataDir);
	const rootDir = last(['InitConfiguration', 'JoinConfiguration'], ({nodeRegistration}) =>
		argumentIn(fieldsOf(nodeRegistration).kubeletExtraArgs, 'root-dir'),
	);
	const {pods, services, virtualAddress} = network;
	const request = {
		...{role, pods, services, virtualAddress},
		...(dataDir !== undefined && isDataFolder(dataDir) ? {etcdFolder: dataDir} : {}),
		...(rootDir !== undefined && isDataFolder(rootDir) ? {kubeletFolder: rootDir} : {}),
	};
	return {request, untouched: [dataDir, rootDir].flatMap(path => path ?? []).filter(path => !isDataFolder(path))};
}

interface Chosen {
	readonly request: ResetRequest;
	/** Folders that the user chose and that nothing is removed from. */
	readonly untouched: readonly string[];
}

/** In either form of kubeadm's configuration. */
function argumentIn(given: unknown, name: string): string | undefined {
	const value: unknown = Array.isArray(given)
		? given.map(fieldsOf).findLast(argument => argument.name === name)?.value
		: fieldsOf(given)[name];
	return typeof value === 'string' ? value : undefined;
}
