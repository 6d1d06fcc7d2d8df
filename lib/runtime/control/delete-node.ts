import type {OperationOptions} from '../../core/events.js';
import {parseYaml, printYaml} from '../../core/yaml.js';
import {fieldsOf} from '../kubeadm/document.js';
import type {ClusterRun, Performer, RunHost} from '../lifecycle/run.js';
import {onLiveMaster} from './api-server.js';
import {askedAt} from './describe.js';
import {kubectlOn} from './kubectl.js';
import {say} from './say.js';

/** Takes the object of a node out of the cluster, and what kubeadm noted of it. */
export const deleteNode: Performer<'delete-node'> = async (run, action, options) => {
	const {node} = action.input;
	const {signal} = options;
	const words = ['delete', 'node', node, '--ignore-not-found', '--timeout=60s'];
	const others = {...options, but: [node]};
	const said = await onLiveMaster(run, others, master =>
		kubectlOn(askedAt(run.setting, master))(words, {signal, timeoutMs: 90_000}),
	);
	say(options, action.id, said.trim() === '' ? [`there is no node ${node}`] : said.trim().split('\n'));
	// Later versions of kubeadm keep no list of masters.
	if (run.setting.version.minor < 22) await onLiveMaster(run, others, master => forget(run, master, node, options));
};

const configMap = ['-n', 'kube-system', 'configmap', 'kubeadm-config'];

async function forget(run: ClusterRun, master: RunHost, node: string, {signal}: OperationOptions): Promise<void> {
	const kubectl = kubectlOn(askedAt(run.setting, master));
	const text = await kubectl(['get', ...configMap, '-o', 'json'], {signal});
	const changed = withoutMaster(text, node);
	// A writer that came between makes the version that is named stale, and kubectl refuses.
	if (changed !== undefined) await kubectl(['replace', '-f', '-'], {input: changed, signal});
}

/** The ConfigMap of kubeadm without a master in its ClusterStatus; undefined when it is not there. */
export function withoutMaster(text: string, node: string): string | undefined {
	const object = fieldsOf(JSON.parse(text));
	const data = fieldsOf(object.data);
	if (typeof data.ClusterStatus !== 'string') return undefined;
	const status = fieldsOf(parseYaml(data.ClusterStatus, 'ClusterStatus')[0]);
	const {[node]: gone, ...apiEndpoints} = fieldsOf(status.apiEndpoints);
	if (gone === undefined) return undefined;
	const ClusterStatus = printYaml([{...status, apiEndpoints}]);
	return JSON.stringify({...object, data: {...data, ClusterStatus}});
}
