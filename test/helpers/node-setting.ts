import {digestOf} from '../../lib/oci/digest.js';
import {parseKubernetesVersion} from '../../lib/runtime/kubeadm/version.js';
import type {ClusterImage, ClusterSetting, ImageFile, SettingHost} from '../../lib/runtime/lifecycle/setting.js';
import type {HostKubernetes} from '../../lib/runtime/state/host-state.js';
import {emptyImage, exampleSetting} from './cluster-state.js';

export const master: SettingHost = {
	name: '10.0.0.1',
	nodeName: 'm1',
	addresses: ['10.0.0.1'],
	isMaster: true,
	platform: 'linux/amd64',
	roles: ['master'],
	env: {},
	hasCgroupV1: false,
};

export const worker: SettingHost = {
	...master,
	name: '10.0.0.9',
	nodeName: 'w1',
	addresses: ['10.0.0.9'],
	isMaster: false,
	roles: ['node'],
};

/** A cluster of one master and one worker. */
export function nodeSetting(
	images: readonly ClusterImage[],
	change: Partial<ClusterSetting> & {readonly kubernetes?: string} = {},
): ClusterSetting {
	const {kubernetes = 'v1.20.2', ...rest} = change;
	const setting = exampleSetting([master, worker], {
		name: 'default',
		version: parseKubernetesVersion(kubernetes),
		images,
	});
	const network = {...setting.network, pods: ['10.244.0.0/16'], services: ['10.96.0.0/16']};
	return {...setting, network, ...rest};
}

/** Files by path: programs are executable, `-> x` is a link, a path that ends with a slash is a folder. */
export function clusterImage(name: string, paths: readonly string[], change: Partial<ClusterImage> = {}): ClusterImage {
	return {
		name,
		digest: digestOf(name),
		type: 'rootfs',
		platforms: {'linux/amd64': {manifest: digestOf(`${name} amd64`), bytes: 1000}},
		...emptyImage,
		files: {'linux/amd64': paths.map(imageFile).toSorted((a, b) => (a.path < b.path ? -1 : 1))},
		...change,
	};
}

function imageFile(text: string): ImageFile {
	const [path = '', target] = text.split(' -> ');
	if (target !== undefined) return {path, kind: 'link', mode: 0o777, sizeBytes: 0, target};
	if (path.endsWith('/')) return {path: path.slice(0, -1), kind: 'folder', mode: 0o755, sizeBytes: 0};
	const isProgram = /^(?:bin|cri|opt)\//.test(path);
	return {path, kind: 'file', mode: isProgram ? 0o755 : 0o644, sizeBytes: 1000};
}

/** The layout of the lab's image: loose programs, configuration as plain files. */
export const looseRootfs = clusterImage(
	'kubernetes:v1.20.2',
	[
		...['bin/kubeadm', 'bin/kubelet', 'bin/kubectl', 'bin/crictl'],
		...['cri/bin/containerd', 'cri/bin/containerd-shim-runc-v2', 'cri/bin/ctr', 'cri/bin/runc'],
		...['opt/cni/bin/loopback', 'opt/cni/bin/bridge'],
		...['etc/config.toml', 'etc/containerd.service', 'etc/kubelet.service', 'etc/crictl.yaml', 'etc/modules.conf'],
		'etc/kubelet.service.d/10-kubeadm.conf',
	],
	{env: {sandboxImage: 'pause:3.2'}},
);

/** The layout of sealos: the runtime in archives, everything else by scripts. */
export const sealosRootfs = clusterImage(
	'labring/kubernetes:v1.27.7',
	[
		...['bin/kubeadm', 'bin/kubelet', 'bin/kubectl', 'bin/crictl', 'bin/conntrack'],
		...['cri/cri-containerd.tar.gz', 'cri/libseccomp.tar.gz', 'cri/registry', 'cri/image-cri-shim'],
		...['etc/config.toml.tmpl', 'etc/containerd.service.tmpl', 'etc/crictl.yaml', 'etc/kubelet.service.tmpl'],
		'etc/systemd/system/kubelet.service.d/10-kubeadm.conf.tmpl',
		...['scripts/init.sh', 'scripts/init-cri.sh', 'scripts/check.sh', 'scripts/clean.sh'],
		'statics/audit-policy.yml',
	],
	{env: {sandboxImage: 'pause:3.9'}, hooks: {init: 'init-cri.sh $registryDomain $registryPort && bash init.sh'}},
);

/** What a host without anything of Kubernetes says of it. */
export const nothing: HostKubernetes = {
	kubelet: 'inactive',
	containerd: 'inactive',
	hasAdminConf: false,
	hasKubeletConf: false,
	hasKubeletConfig: false,
	hasEtcdData: false,
	manifests: [],
};
