import type {Environment} from '../application/environment.js';
import {minorFacts} from '../kubeadm/minors.js';
import type {KubernetesVersion} from '../kubeadm/version.js';
import type {ClusterSetting} from '../lifecycle/setting.js';

/**
 * The configuration of a containerd, for an image that brings none. What a Kubernetes older than 1.36 comes with may be containerd
 * 1 or 2, and both read version 2 of the configuration; since 1.36 it is containerd 2, whose own is version 3. Where plugins of CNI are
 * is not said: every containerd looks in /opt/cni/bin, and the word for it is another one since 2.1. Images are flushed before they count as there
 * (containerd/containerd #9401, #10284; older ones pass over the words): a power cut would leave programs without their bytes.
 */
export function containerdConfig(setting: ClusterSetting, env: Environment): string {
	const sandbox = JSON.stringify(sandboxImage(setting, env));
	return minorFacts(setting.version).containerd.startsWith('1.') ? configVersion2(sandbox) : configVersion3(sandbox);
}

/** The image that holds the namespaces of each pod: what the rootfs image says in `sandboxImage`, else what kubeadm takes. */
export function sandboxImage({version, kubeadm}: ClusterSetting, {sandboxImage: given}: Environment): string {
	const name = given ?? `pause:${pauseVersion(version)}`;
	// A name with a domain is whole; sealos writes it without.
	if (/^[^/]*[.:][^/]*\//.test(name) || name.startsWith('localhost/')) return name;
	const repository = kubeadm.findLast(
		({kind, imageRepository}) => kind === 'ClusterConfiguration' && typeof imageRepository === 'string',
	)?.imageRepository;
	return `${typeof repository === 'string' ? repository : minorFacts(version).imageRepository}/${name}`;
}

/** cmd/kubeadm/app/constants: another one than kubeadm's is pulled too, and warned of. */
function pauseVersion({minor}: KubernetesVersion): string {
	if (minor >= 36) return '3.10.2';
	if (minor >= 34) return '3.10.1';
	if (minor >= 31) return '3.10';
	if (minor >= 26) return '3.9';
	return ['3.2', '3.4.1', '3.5', '3.6', '3.7', '3.8'][minor - 20] ?? '3.9';
}

function configVersion2(sandbox: string): string {
	return `# Written by sealimage.
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${sandbox}
  max_concurrent_downloads = 10
  image_pull_with_sync_fs = true

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
`;
}

function configVersion3(sandbox: string): string {
	return `# Written by sealimage.
version = 3

[plugins."io.containerd.cri.v1.images"]
  max_concurrent_downloads = 10

  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = ${sandbox}

  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.service.v1.diff-service"]
  sync_fs = true

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
    SystemdCgroup = true
`;
}

/** Containers outlive the program that started them: only that one is ended when the service stops. */
export const containerdUnit = `# Written by sealimage.
[Unit]
Description=containerd: runs the containers of Kubernetes
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
Type=notify
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/bin/containerd
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`;

export const crictlConfig = `# Written by sealimage.
runtime-endpoint: unix:///run/containerd/containerd.sock
image-endpoint: unix:///run/containerd/containerd.sock
timeout: 60
`;
