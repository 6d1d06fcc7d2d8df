import type {Abortable} from '../../core/events.js';
import {type AskedMaster, kubectlJson, kubectlOn} from '../control/kubectl.js';
import {isFields} from '../kubeadm/document.js';

/** What a cluster says of its nodes. */
export interface LiveNode {
	readonly name: string;
	readonly isReady: boolean;
	/** Why not, in one word of the kubelet. */
	readonly why?: string | undefined;
	readonly isSchedulable: boolean;
	/** `v1.20.2`, of the kubelet. */
	readonly version: string;
}

/** What a cluster says of itself, asked of one master. */
export interface LiveCluster {
	readonly nodes: readonly LiveNode[];
	/** Names of nodes on which a member of etcd is ready. */
	readonly etcd: readonly string[];
}

/** @throws SealError as `kubectlJson` */
export async function askCluster(master: AskedMaster, {signal}: Abortable = {}): Promise<LiveCluster> {
	// Of thousands of nodes; one answers with some kilobytes for each image that it has.
	const options = {signal, timeoutMs: 30_000, maxOutputBytes: 256 * 1024 * 1024};
	const kubectl = kubectlOn(master);
	const etcdPods = ['get', 'pods', '-n', 'kube-system', '-l', 'component=etcd,tier=control-plane'];
	const [nodes, pods] = await Promise.all([
		kubectlJson(kubectl, ['get', 'nodes'], options),
		kubectlJson(kubectl, etcdPods, {...options, maxOutputBytes: 4 * 1024 * 1024}),
	]);
	return {
		nodes: itemsOf(nodes).flatMap(readNode),
		etcd: itemsOf(pods).flatMap(pod => {
			const {spec, status} = isFields(pod) ? pod : {};
			const node = isFields(spec) ? spec.nodeName : undefined;
			return typeof node === 'string' && conditionOf(status, 'Ready')?.status === 'True' ? [node] : [];
		}),
	};
}

function readNode(value: unknown): readonly LiveNode[] {
	if (!isFields(value) || !isFields(value.metadata)) return [];
	const {name} = value.metadata;
	const {spec, status} = value;
	const ready = conditionOf(status, 'Ready');
	const info = isFields(status) ? status.nodeInfo : undefined;
	const version = isFields(info) ? info.kubeletVersion : undefined;
	if (typeof name !== 'string') return [];
	const reason = ready?.reason;
	return [
		{
			name: word(name),
			isReady: ready?.status === 'True',
			...(ready?.status !== 'True' && typeof reason === 'string' ? {why: word(reason)} : {}),
			isSchedulable: !(isFields(spec) && spec.unschedulable === true),
			version: typeof version === 'string' ? word(version) : '',
		},
	];
}

function conditionOf(status: unknown, type: string): Readonly<Record<string, unknown>> | undefined {
	const conditions = isFields(status) && Array.isArray(status.conditions) ? status.conditions : [];
	return conditions.find(
		(condition): condition is Record<string, unknown> => isFields(condition) && condition.type === type,
	);
}

function itemsOf(value: unknown): readonly unknown[] {
	return isFields(value) && Array.isArray(value.items) ? value.items : [];
}

/** It goes to a terminal. */
function word(text: string): string {
	return text.slice(0, 253).replaceAll(/[^\x21-\x7e]/g, '?');
}
