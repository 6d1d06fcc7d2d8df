import type {Performer} from '../lifecycle/run.js';
import {awaitApiServer} from './api-server.js';
import {etcdOf, initDocumentsOf} from './describe.js';
import {hostOf} from './host.js';
import {runKubeadm} from './kubeadm.js';
import {useLocalApi} from './kubelet.js';
import {ignoredChecks} from './preflights.js';

/**
 * The first master. After a run that was cut off anywhere the same again completes it: kubeadm keeps certificates and the data of etcd, and writes
 * its manifests and objects anew.
 */
export const init: Performer<'init'> = async (run, action, options) => {
	const {setting} = run;
	const host = hostOf(run, action);
	const etcd = etcdOf(setting);
	await runKubeadm(
		run,
		host,
		{
			verb: 'init',
			id: action.id,
			documents: initDocumentsOf(setting, host),
			digest: action.input.documents,
			ignored: ignoredChecks('init', {
				isMaster: true,
				network: setting.network,
				dataDir: etcd === 'external' ? undefined : etcd.dataDir,
			}),
		},
		options,
	);
	await useLocalApi(setting, host, options);
	await awaitApiServer(setting, host, options);
	run.noteLive(host.name);
};
