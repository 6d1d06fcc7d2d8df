/** What the facts are asked to look for: plain lists, so that callers with other needs bring their own. */
export interface Wanted {
	/** Folders whose file system and free space matter. */
	readonly paths: readonly string[];
	readonly modules: readonly string[];
	readonly commands: readonly string[];
	/** Commands whose `--version` is asked for; the others are only looked up. */
	readonly versions: readonly string[];
	/** systemd units, with `.service`. */
	readonly services: readonly string[];
	readonly sockets: readonly string[];
	/** Files and folders whose presence matters. */
	readonly present: readonly string[];
	/** With dots: `net.ipv4.ip_forward`. */
	readonly sysctls: readonly string[];
}

/** Services that keep the clock, under the names that distributions give them. */
export const clockServices: readonly string[] = [
	'chronyd.service',
	'chrony.service',
	'systemd-timesyncd.service',
	'ntpd.service',
	'ntp.service',
	'ntpsec.service',
	'openntpd.service',
];

/** What a host of a cluster is asked for when nobody says otherwise. */
export const defaultWanted: Wanted = {
	paths: [
		'/',
		'/etc',
		'/opt',
		'/run',
		'/tmp',
		'/usr/local/bin',
		'/var/lib',
		'/var/lib/containerd',
		'/var/lib/etcd',
		'/var/lib/kubelet',
		'/var/lib/sealimage',
		'/var/log',
	],
	modules: [
		'br_netfilter',
		'ip_vs',
		'ip_vs_lc',
		'ip_vs_rr',
		'ip_vs_sh',
		'ip_vs_wlc',
		'ip_vs_wrr',
		'nf_conntrack',
		'nf_tables',
		'overlay',
		'vxlan',
	],
	commands: words(
		'apparmor_parser conntrack containerd cri-dockerd crictl crio crun curl dockerd ebtables ethtool ip ipset iptables ipvsadm k0s k3s',
		'kubeadm kubectl kubelet modprobe mount nft nsenter podman rke2 runc socat ss systemctl tar tc touch wget',
	),
	versions: words('containerd crio dockerd k3s kubelet'),
	services: [
		...clockServices,
		...words(
			'containerd cri-docker crio docker etcd firewalld haproxy k0scontroller k0sworker k3s k3s-agent keepalived kubelet',
			'rke2-agent rke2-server sealimage-lb sealimage-registry snap.microk8s.daemon-kubelite systemd-resolved NetworkManager',
		).map(name => `${name}.service`),
	],
	sockets: [
		'/run/containerd/containerd.sock',
		'/run/cri-dockerd.sock',
		'/run/crio/crio.sock',
		'/run/docker.sock',
		'/run/k3s/containerd/containerd.sock',
	],
	present: [
		'/etc/cni/net.d',
		'/etc/containerd/config.toml',
		'/etc/docker/daemon.json',
		'/etc/kubernetes/admin.conf',
		'/etc/kubernetes/bootstrap-kubelet.conf',
		'/etc/kubernetes/kubelet.conf',
		'/etc/kubernetes/manifests',
		'/etc/kubernetes/pki',
		'/etc/rancher',
		'/opt/sealimage',
		'/var/lib/etcd',
		'/var/lib/k0s',
		'/var/lib/kubelet',
		'/var/lib/rancher',
		'/var/lib/sealos',
	],
	sysctls: words(
		'fs.file-max fs.inotify.max_user_instances fs.inotify.max_user_watches kernel.keys.root_maxkeys kernel.panic kernel.pid_max',
		'net.bridge.bridge-nf-call-ip6tables net.bridge.bridge-nf-call-iptables net.core.somaxconn net.ipv4.conf.all.rp_filter',
		'net.ipv4.ip_forward net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports net.ipv4.vs.conntrack',
		'net.ipv4.vs.expire_nodest_conn net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.all.forwarding',
		'net.netfilter.nf_conntrack_max user.max_user_namespaces vm.max_map_count vm.overcommit_memory vm.swappiness',
	),
};

function words(...lines: readonly string[]): readonly string[] {
	return lines.flatMap(line => line.split(' '));
}
