import type {Digest} from '../../oci/digest.js';
import type {HostFacts} from '../facts/facts.js';
import type {ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import type {NodeWish, WantedFile, WantedUnit} from '../node/wish.js';
import {digestOfValue} from '../plan/plan.js';
import {containerdConfig, containerdUnit, crictlConfig} from './containerd.js';
import {type RootfsFiles, rootfsFiles} from './files.js';
import {nodeModules, nodeSysctls} from './kernel.js';
import {kubeletDropIn, kubeletUnit} from './kubelet.js';
import {rootfsPlace, stagedFolder} from './places.js';
import {programsOf} from './programs.js';
import {stageSources} from './sources.js';

/** What the wish is for when nobody says otherwise. */
const defaultRoot = '/var/lib/sealimage';

/**
 * What a host needs to be a node of Kubernetes, from what the rootfs image has and the host is. Pure, and the same for a host
 * before and after it was prepared. Files of the image count more than those that are made here. A runtime that is packed into
 * archives is not touched: the image's own hook installs it.
 * @param root where sealimage keeps things on the host
 * @throws SealError ERR_IMAGE_UNKNOWN without a rootfs image
 */
export function kubernetesWish(
	setting: ClusterSetting,
	host: SettingHost,
	facts: HostFacts,
	root: string = defaultRoot,
): NodeWish {
	const rootfs = rootfsFiles(setting, host);
	const staged = stagedFolder(root, rootfsPlace);
	const programs = programsOf(rootfs, staged);
	const source = {rootfs, staged};
	const {env} = stageSources(setting, host, rootfsPlace);
	const sysctls = nodeSysctls(setting, facts);
	const modules = nodeModules(setting, facts);
	const runtime = programs.names.has('containerd') ? runtimeOf(source, containerdConfig(setting, env)) : nothing;
	const kubelet = programs.names.has('kubelet') ? kubeletOf(source) : nothing;
	const swap = keepsSwap(setting) ? nothing : swapless;
	return {
		files: [
			...programs.files,
			...runtime.files,
			...kubelet.files,
			...swap.files,
			...(host.isMaster ? copyOf(source, '/etc/kubernetes/audit-policy.yml', 'statics/audit-policy.yml') : []),
			...ownFiles(modules, sysctls.all, facts),
		],
		modules,
		sysctls: sysctls.all,
		sysctlsIfKnown: sysctls.ifKnown,
		remembered: sysctls.remembered,
		folders: filledFolders(programs.names.has('containerd')),
		...trustedBy(setting, facts),
		swapOff: !keepsSwap(setting),
		units: [...swap.units, ...runtime.units, ...kubelet.units],
	};
}

/**
 * Of a wish with what its files are made from: the key of preparing. The paths in a wish stay when the content of an image changes.
 * @throws SealError ERR_IMAGE_UNKNOWN
 */
export function wishDigest(setting: ClusterSetting, host: SettingHost, facts: HostFacts, root?: string): Digest {
	const {images, configs, env} = stageSources(setting, host, rootfsPlace);
	const manifests = images.map(({platforms}) => platforms[host.platform]?.manifest ?? null);
	return digestOfValue({wish: kubernetesWish(setting, host, facts, root), manifests, configs, env});
}

interface Part {
	readonly files: readonly WantedFile[];
	readonly units: readonly WantedUnit[];
}

const nothing: Part = {files: [], units: []};

interface Source {
	readonly rootfs: RootfsFiles;
	/** The folder of the working copy on the host. */
	readonly staged: string;
}

function runtimeOf(source: Source, config: string): Part {
	const files = [
		...copyOf(source, '/etc/containerd/config.toml', 'etc/config.toml', config),
		...copyOf(source, '/etc/systemd/system/containerd.service', 'etc/containerd.service', containerdUnit),
		...copyOf(source, '/etc/crictl.yaml', 'etc/crictl.yaml', crictlConfig),
	];
	const restartFor = ['/usr/bin/containerd', '/etc/containerd/config.toml', '/etc/systemd/system/containerd.service'];
	return {files, units: [{name: 'containerd.service', enabled: true, active: true, restartFor}]};
}

/** It is started by kubeadm, once there is something to start with. */
function kubeletOf(source: Source): Part {
	const unit = '/etc/systemd/system/kubelet.service';
	const dropIn = '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf';
	const files = [
		...firstOf(source, unit, ['etc/kubelet.service', 'etc/systemd/system/kubelet.service'], kubeletUnit),
		...firstOf(
			source,
			dropIn,
			['etc/kubelet.service.d/10-kubeadm.conf', 'etc/systemd/system/kubelet.service.d/10-kubeadm.conf'],
			kubeletDropIn,
		),
	];
	return {files, units: [{name: 'kubelet.service', enabled: true, restartFor: ['/usr/bin/kubelet', unit, dropIn]}]};
}

/** No swap after the next start either: a masked target pulls in no unit, wherever it comes from. Some services swap by themselves. */
const swapless: Part = {
	files: [{path: '/etc/systemd/system/swap.target', content: {kind: 'link', target: '/dev/null'}}],
	units: ['zramswap.service', 'zram-config.service', 'dphys-swapfile.service'].map(name => ({
		name,
		enabled: false,
		active: false,
	})),
};

/** A user who tells the kubelet to bear swap wants it. */
function keepsSwap({kubeadm}: ClusterSetting): boolean {
	return kubeadm.some(({kind, failSwapOn}) => kind === 'KubeletConfiguration' && failSwapOn === false);
}

function ownFiles(
	modules: readonly string[],
	sysctls: Readonly<Record<string, string>>,
	{software}: HostFacts,
): readonly WantedFile[] {
	const lines = Object.entries(sysctls).map(([name, value]) => `${name} = ${value}\n`);
	return [
		text('/etc/modules-load.d/sealimage-kubernetes.conf', modules.map(name => `${name}\n`).join('')),
		text('/etc/sysctl.d/95-sealimage-kubernetes.conf', lines.join('')),
		...(software.services.includes('NetworkManager.service')
			? [text('/etc/NetworkManager/conf.d/sealimage-kubernetes.conf', unmanaged)]
			: []),
	];
}

/** The hosts of the cluster, its pods and services; asked of a host only where a firewall is active that can be told. */
function trustedBy(setting: ClusterSetting, {security}: HostFacts): Pick<NodeWish, 'trusted'> {
	if (!security.firewalls.some(name => name === 'firewalld' || name === 'ufw')) return {};
	const trusted = known.get(setting) ?? listTrusted(setting);
	known.set(setting, trusted);
	return {trusted};
}

/** Every host of thousands trusts all of them: the list is made once. */
const known = new WeakMap<ClusterSetting, readonly string[]>();

function listTrusted({hosts, network}: ClusterSetting): readonly string[] {
	const addresses = hosts.flatMap(host => host.addresses);
	return [...new Set([...addresses, ...network.pods, ...network.services])].toSorted();
}

/** Interfaces of pod networks, which NetworkManager would take for its own when it starts. */
const unmanaged = `[keyfile]
unmanaged-devices=interface-name:cali*;interface-name:tunl*;interface-name:vxlan.calico;interface-name:vxlan-v6.calico;interface-name:flannel*;interface-name:cni0;interface-name:cilium*;interface-name:lxc*;interface-name:kube-ipvs0
`;

/** Folders that containerd, kubelets, kubectl and pod networks write to; some of them only if the runtime is ours. */
function filledFolders(hasRuntime: boolean): readonly string[] {
	return [
		'/etc/cni',
		'/etc/cni/net.d',
		'/etc/kubernetes',
		// Authorities of a user's own are put there before, and stay; what is made beside them goes.
		'/etc/kubernetes/pki',
		'/etc/kubernetes/pki/etcd',
		'/opt/cni',
		'/opt/cni/bin',
		// What kubectl makes of itself: a configuration beside it is somebody's own.
		'/root/.kube/cache',
		'/root/.kube/http-cache',
		'/run/calico',
		'/run/cilium',
		'/run/flannel',
		'/usr/libexec/kubernetes',
		'/var/lib/calico',
		'/var/lib/cilium',
		'/var/lib/cni',
		'/var/lib/etcd',
		'/var/lib/kubelet',
		'/var/log/calico',
		'/var/log/containers',
		'/var/log/pods',
		...(hasRuntime ? ['/opt/containerd', '/run/containerd', '/var/lib/containerd'] : []),
	];
}

function firstOf(source: Source, path: string, inImage: readonly string[], otherwise: string): readonly WantedFile[] {
	const found = inImage.find(candidate => source.rootfs.file(candidate) !== undefined);
	return found === undefined ? [text(path, otherwise)] : copyOf(source, path, found);
}

/** The image's file, or the text in its place; nothing without both. */
function copyOf({rootfs, staged}: Source, path: string, inImage: string, otherwise?: string): readonly WantedFile[] {
	const file = rootfs.file(inImage);
	if (file !== undefined) return [{path, content: {kind: 'copy', from: `${staged}/${file.path}`, mode: 0o644}}];
	return otherwise === undefined ? [] : [text(path, otherwise)];
}

function text(path: string, content: string): WantedFile {
	return {path, content: {kind: 'text', text: content, mode: 0o644}};
}
