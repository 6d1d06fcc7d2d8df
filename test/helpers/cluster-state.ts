import type {Digest} from '../../lib/oci/digest.js';
import type {ClusterImage, ClusterSetting, SettingHost} from '../../lib/runtime/lifecycle/setting.js';
import type {ClusterState} from '../../lib/runtime/state/cluster-state.js';
import type {HostKubernetes, HostState} from '../../lib/runtime/state/host-state.js';
import {soundFacts} from './recorded-facts.js';

export const exampleId = '0123456789abcdef';

export function digestNumber(number: number): Digest {
	return `sha256:${number.toString(16).padStart(64, '0')}`;
}

export function settingHost(name: string, isMaster: boolean, address = '10.0.0.1'): SettingHost {
	return {
		name,
		nodeName: `node-${name.replaceAll(/[^a-z0-9]/g, '-')}`,
		addresses: [address],
		isMaster,
		platform: 'linux/amd64',
		roles: [isMaster ? 'master' : 'node'],
		env: {},
		hasCgroupV1: false,
	};
}

/** What an image brings that brings nothing. */
export const emptyImage = {
	env: {},
	entrypoint: [],
	command: [],
	hooks: {},
	kubeadm: [],
	configs: [],
	files: {},
} as const satisfies Partial<ClusterImage>;

export function exampleImage(name: string, type: ClusterImage['type'], number: number): ClusterImage {
	return {
		name,
		digest: digestNumber(number),
		type,
		...(type === 'rootfs' ? {kubernetes: 'v1.20.2'} : {}),
		platforms: {'linux/amd64': {manifest: digestNumber(number + 1), bytes: 1000}},
		...emptyImage,
		env: {PROMPT: 'a "b" $c\nd'},
		command: type === 'application' ? ['kubectl apply -f manifests'] : [],
		files: type === 'rootfs' ? {'linux/amd64': [{path: 'bin/kubelet', kind: 'file', mode: 0o755, sizeBytes: 9}]} : {},
	};
}

export function exampleSetting(hosts: readonly SettingHost[], changes: Partial<ClusterSetting> = {}): ClusterSetting {
	return {
		name: 'prod',
		id: exampleId,
		version: {text: 'v1.20.2', minor: 20, patch: 2},
		network: {
			pods: ['100.64.0.0/10'],
			services: ['10.96.0.0/22'],
			dnsDomain: 'cluster.local',
			apiPort: 6443,
			virtualAddress: '10.103.97.2',
		},
		proxyMode: 'iptables',
		keyAlgorithm: 'ecdsa-p256',
		apiNames: [],
		hosts,
		images: [exampleImage('kubernetes:v1.20.2', 'rootfs', 16), exampleImage('redis:v7', 'application', 32)],
		env: {},
		configs: [],
		kubeadm: [],
		...changes,
	};
}

/** A cluster of one master and one node, unless other hosts are given. */
export function exampleState(
	changes: Partial<ClusterState> = {},
	hosts: readonly SettingHost[] = [settingHost('m1', true), settingHost('n1', false, '10.0.0.2')],
): ClusterState {
	return {
		schema: 1,
		generation: 3,
		writtenBy: '1.0.0',
		setting: exampleSetting(hosts),
		reach: Object.fromEntries(hosts.map(({name, addresses}) => [name, {address: addresses[0]!, user: 'ops'}])),
		done: {},
		...changes,
	};
}

export const workingMaster: HostKubernetes = {
	kubelet: 'active',
	containerd: 'active',
	registry: 'active',
	balancer: 'active',
	hasAdminConf: true,
	hasKubeletConf: true,
	hasKubeletConfig: true,
	manifests: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
	hasEtcdData: true,
	apiReady: true,
};

export function hostState(changes: Partial<HostState> = {}): HostState {
	const member = {cluster: 'prod', id: exampleId, role: 'master'} as const;
	return {facts: soundFacts, member, journal: {}, kubernetes: workingMaster, ...changes};
}
