import {isIP} from 'node:net';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {parseYaml} from '../../core/yaml.js';
import {type AskedMaster, kubectlJson, kubectlOn} from '../control/kubectl.js';
import type {HostTarget} from '../host/target.js';
import {isFields, type KubeadmDocument} from '../kubeadm/document.js';
import {readNetwork} from '../kubeadm/network.js';
import {parseKubernetesVersion} from '../kubeadm/version.js';
import type {SettingHost} from '../lifecycle/setting.js';
import type {ClusterState} from './cluster-state.js';
import type {HostState} from './host-state.js';
import {isClusterState} from './parse-state.js';
import {reachOf} from './reach.js';

/** What the objects of a cluster tell of it. */
export interface ClusterObjects {
	readonly nodes: readonly RebuiltNode[];
	/** kubeadm's ClusterConfiguration. */
	readonly configuration: Readonly<Record<string, unknown>>;
	readonly proxyMode: 'iptables' | 'nftables' | 'ipvs';
}

export interface RebuiltNode {
	readonly name: string;
	/** Internal addresses, the main one first; at least one. */
	readonly addresses: readonly string[];
	readonly isMaster: boolean;
	readonly platform: string;
}

/** @throws SealError as `kubectlJson` */
export async function readClusterObjects(master: AskedMaster, {signal}: Abortable): Promise<ClusterObjects> {
	const options = {signal, maxOutputBytes: 64 * 1024 * 1024};
	const kubectl = kubectlOn(master);
	const nodes = await kubectlJson(kubectl, ['get', 'nodes'], options);
	const maps = await kubectlJson(kubectl, ['get', 'configmaps', '-n', 'kube-system'], options);
	const configuration = documentIn(maps, 'kubeadm-config', 'ClusterConfiguration');
	const mode = documentIn(maps, 'kube-proxy', 'config.conf')?.mode;
	return {
		nodes: itemsOf(nodes).flatMap(readNode),
		configuration: configuration ?? {},
		proxyMode: mode === 'ipvs' || mode === 'nftables' ? mode : 'iptables',
	};
}

/** A node of the cluster, how it is reached, and what it says when it answers. */
export interface FoundNode {
	readonly node: RebuiltNode;
	readonly target: HostTarget;
	readonly state: HostState | undefined;
}

/**
 * The state of a cluster of which no copy is left, as far as it can be told: its hosts, networks and version. Which images it was made
 * from and what was done for it as a whole is lost: the same `run` or `apply` brings both back.
 * @param master who was asked, a member of the cluster
 * @throws SealError ERR_CLUSTER_STATE when the objects do not tell enough
 */
export function rebuildState(
	{member}: HostState,
	found: readonly FoundNode[],
	{configuration, proxyMode}: ClusterObjects,
	version: string,
): ClusterState {
	const document = {apiVersion: 'kubeadm.k8s.io', kind: 'ClusterConfiguration', ...configuration} as KubeadmDocument;
	const endpoint = splitEndpoint(configuration.controlPlaneEndpoint);
	if (member === undefined || endpoint === undefined || typeof configuration.kubernetesVersion !== 'string') {
		throw tooLittle('the objects of kubeadm are missing');
	}
	const bind = {kind: 'InitConfiguration', apiVersion: '', localAPIEndpoint: {bindPort: endpoint.port}};
	const hosts = found.map(one => hostOf(one));
	const state: ClusterState = {
		schema: 1,
		generation: 1,
		writtenBy: version,
		setting: {
			name: member.cluster,
			id: member.id,
			version: parseKubernetesVersion(configuration.kubernetesVersion),
			network: readNetwork([document, bind], {virtualAddress: endpoint.address}),
			proxyMode,
			keyAlgorithm: 'ecdsa-p256',
			apiNames: apiNamesOf(configuration, endpoint.address),
			hosts: [...hosts.filter(({isMaster}) => isMaster), ...hosts.filter(({isMaster}) => !isMaster)],
			images: [],
			env: {},
			configs: [],
			kubeadm: [],
		},
		reach: Object.fromEntries(found.map((one, index) => [hosts[index]!.name, reachOf(one.target)])),
		done: {},
	};
	if (!isClusterState(state)) throw tooLittle('what its nodes say of themselves makes no sense');
	return state;
}

/** The journal of a host knows what the host was called; without one it goes by its address. */
function hostOf({node, target, state}: FoundNode): SettingHost {
	const joined = Object.keys(state?.journal ?? {}).find(id => /^(?:init|join)\//.test(id));
	return {
		name: joined === undefined ? target.name : joined.slice(joined.indexOf('/') + 1),
		nodeName: node.name,
		addresses: node.addresses,
		isMaster: node.isMaster,
		platform: node.platform,
		roles: [node.isMaster ? 'master' : 'node'],
		env: {},
		hasCgroupV1: state !== undefined && state.facts.kernel.cgroup.version !== 'v2',
	};
}

function readNode(value: unknown): readonly RebuiltNode[] {
	if (!isFields(value) || !isFields(value.metadata) || !isFields(value.status)) return [];
	const {name, labels} = value.metadata;
	const {addresses, nodeInfo} = value.status;
	const internal = (Array.isArray(addresses) ? addresses : []).flatMap((entry: unknown) =>
		isFields(entry) && entry.type === 'InternalIP' && typeof entry.address === 'string' && isIP(entry.address) !== 0
			? [entry.address]
			: [],
	);
	if (typeof name !== 'string' || internal.length === 0) return [];
	const roles = isFields(labels) ? Object.keys(labels) : [];
	const architecture = isFields(nodeInfo) ? nodeInfo.architecture : undefined;
	return [
		{
			name,
			addresses: internal.slice(0, 2),
			isMaster: roles.some(role => /^node-role\.kubernetes\.io\/(?:master|control-plane)$/.test(role)),
			platform: `linux/${typeof architecture === 'string' ? architecture : 'amd64'}`,
		},
	];
}

function documentIn(maps: unknown, name: string, key: string): Readonly<Record<string, unknown>> | undefined {
	const map = itemsOf(maps).find(item => isFields(item) && isFields(item.metadata) && item.metadata.name === name);
	const text = isFields(map) && isFields(map.data) ? map.data[key] : undefined;
	if (typeof text !== 'string' || text.length > 1024 * 1024) return undefined;
	const [document] = parseYaml(text, name);
	return isFields(document) ? document : undefined;
}

function itemsOf(value: unknown): readonly unknown[] {
	return isFields(value) && Array.isArray(value.items) ? value.items.slice(0, 20_000) : [];
}

function splitEndpoint(value: unknown): {readonly address: string; readonly port: number} | undefined {
	const [, six, four, port = '6443'] =
		/^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(typeof value === 'string' ? value : '') ?? [];
	const address = six ?? four ?? '';
	return isIP(address) === 0 ? undefined : {address, port: Number(port)};
}

function apiNamesOf({apiServer}: Readonly<Record<string, unknown>>, virtualAddress: string): readonly string[] {
	const names = isFields(apiServer) && Array.isArray(apiServer.certSANs) ? apiServer.certSANs : [];
	const own = new Set(['localhost', '127.0.0.1', '::1', virtualAddress]);
	return names.filter((name): name is string => typeof name === 'string' && !own.has(name));
}

function tooLittle(why: string): SealError {
	return new SealError('ERR_CLUSTER_STATE', `The state of the cluster cannot be made anew: ${why}`, {
		hint: 'Run "sealimage apply" with the Clusterfile that the cluster was made from.',
	});
}
