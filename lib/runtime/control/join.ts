import {hasCode} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import type {HostError} from '../host/error.js';
import {fieldsOf, type KubeadmDocument} from '../kubeadm/document.js';
import type {ClusterAction} from '../lifecycle/actions.js';
import type {ClusterRun, Performer, RunHost} from '../lifecycle/run.js';
import {awaitApiServer, awaitSomeApiServer, onLiveMaster} from './api-server.js';
import {askedAt, etcdOf, joinDocumentsOf} from './describe.js';
import {hostOf} from './host.js';
import {awaitMember, type JoiningMaster, readyEtcd} from './join-master.js';
import {runKubeadm} from './kubeadm.js';
import {kubectlOn} from './kubectl.js';
import {useEndpoint, useLocalApi} from './kubelet.js';
import type {ControlOptions} from './patience.js';
import {ignoredChecks} from './preflights.js';

/**
 * A further master or a node. No token is made: the host shows the certificate that it was given. What an attempt that was cut off left is
 * completed; masters come one at a time, with every member of etcd healthy before and after.
 */
export const join: Performer<'join'> = async (run, action, options: ControlOptions) => {
	const host = hostOf(run, action);
	const joining: JoiningMaster = {run, host, id: action.id, digest: action.input.documents};
	for (let attempt = 1; ; attempt++) {
		if (host.isMaster) await readyEtcd(joining, options);
		// Thousands of nodes that join would ask for nothing: who was live is live until it is seen that it is not.
		if (host.isMaster || attempt > 1) await awaitSomeApiServer(run, {...options, but: [host.nodeName]});
		if (host.isMaster) await useEndpoint(run.setting, host, options);
		try {
			await joinOnce(run, host, action, options);
			break;
		} catch (error) {
			if (attempt === attempts || !isPassing(error)) throw error;
			const reason = (error as HostError).message;
			emit(options, {type: 'retry', id: action.id, attempt, reason, delayMs: 0});
		}
	}
	if (!host.isMaster) return;
	await useLocalApi(run.setting, host, options);
	await awaitApiServer(run.setting, host, options);
	await awaitMember(joining, options);
	run.noteLive(host.name);
};

type JoinAction = ClusterAction<'join'>;

const attempts = 3;

/**
 * kubeadm waits forty seconds for the new member of etcd, which a slow disk needs for its first start alone, and for an API server that starts anew not
 * at all: then it goes on where it stood.
 */
function isPassing(error: unknown): boolean {
	if (!hasCode(error, 'ERR_KUBEADM')) return false;
	const [own = ''] = (error as HostError).message.split('; the kubelet says: ');
	return /\betcd\b|etcdserver|connection refused|connection reset|\bEOF\b|timed? ?out|ServiceUnavailable/i.test(own);
}

async function joinOnce(
	run: ClusterRun,
	host: RunHost,
	{id, input}: JoinAction,
	options: ControlOptions,
): Promise<void> {
	const {setting} = run;
	const etcd = etcdOf(setting);
	const documents = joinDocumentsOf(setting, host);
	const call = {
		verb: 'join',
		id,
		documents,
		digest: input.documents,
		ignored: ignoredChecks('join', {
			isMaster: host.isMaster,
			network: setting.network,
			dataDir: etcd === 'external' ? undefined : etcd.dataDir,
		}),
	} as const;
	try {
		await runKubeadm(run, host, call, options);
	} catch (error) {
		if (!(await isReadyItself(run, host, error, options))) throw error;
		// Its kubelet works already; kubeadm would say of it what belongs to a node that is there.
		await runKubeadm(run, host, {...call, skipPhases: ['kubelet-start']}, options);
		await noteSocket(run, host, documents, options);
	}
}

/** Whether kubeadm stopped at a node of this name that is Ready, and that node is this very host, from an attempt that was cut off. */
async function isReadyItself(
	run: ClusterRun,
	{nodeName, state}: RunHost,
	error: unknown,
	options: ControlOptions,
): Promise<boolean> {
	if (!hasCode(error, 'ERR_KUBEADM') || !(error as HostError).message.includes('already exists in the cluster'))
		return false;
	const own = state?.facts.identity.machineId;
	const words = ['get', 'node', nodeName, '-o', 'jsonpath={.status.nodeInfo.machineID}'];
	const known = await onLiveMaster(run, options, master => kubectlOn(askedAt(run.setting, master))(words, options));
	return own !== undefined && known.trim() === own;
}

/** Phases of kubeadm that come later, as those of an upgrade, look for it at the node. */
async function noteSocket(
	run: ClusterRun,
	{nodeName}: RunHost,
	documents: readonly KubeadmDocument[],
	options: ControlOptions,
): Promise<void> {
	const join = documents.find(({kind}) => kind === 'JoinConfiguration');
	const {criSocket} = fieldsOf(join?.nodeRegistration);
	const note = `kubeadm.alpha.kubernetes.io/cri-socket=${String(criSocket)}`;
	const words = ['annotate', '--overwrite', 'node', nodeName, note];
	await onLiveMaster(run, options, master => kubectlOn(askedAt(run.setting, master))(words, options));
}
