/** What hosts are judged by. Everything has a default; nothing here knows what the hosts are for but these lists. */
export interface PreflightOptions {
	/** The roles of each host, by its name in reports. A host without any is judged as a `node`. */
	readonly roles?: Readonly<Record<string, readonly string[]>> | undefined;
	/** What a host of a role needs, beside what all need, in place of `defaultNeeds`. A role without an entry needs nothing more. */
	readonly needs?: Readonly<Record<string, HostNeeds>> | undefined;
	/** What every host needs, in place of `commonNeeds`. */
	readonly common?: HostNeeds | undefined;
	/** Networks that the cluster will use inside, in CIDR form, by what they are for: `pods`, `services`, `virtual`. */
	readonly networks?: Readonly<Record<string, readonly string[]>> | undefined;
	/** The platforms that the images are there for: `linux/amd64`. Absent: not judged. */
	readonly platforms?: readonly string[] | undefined;
	/** How far clocks may be apart, default 5 s, before it is an error; from a tenth of that it is a warning. */
	readonly maxClockSkewMs?: number | undefined;
	/** Findings that are known and accepted, by id. */
	readonly ignore?: readonly string[] | undefined;
}

/** What a host must have; absent fields ask for nothing. Of several needs the greater one counts, lists are joined. */
export interface HostNeeds {
	readonly cpus?: number | undefined;
	readonly memoryBytes?: number | undefined;
	/** Free space by folder. Folders on one file system share it: their needs are added. */
	readonly freeBytes?: Readonly<Record<string, number>> | undefined;
	/** Folders that will be written to. */
	readonly writable?: readonly string[] | undefined;
	/** Folders that programs will be started from. */
	readonly executable?: readonly string[] | undefined;
	/** Folders that must not be on a network file system. */
	readonly local?: readonly string[] | undefined;
	/** Ports that must be free. */
	readonly ports?: readonly PortNeed[] | undefined;
	/** Commands that must be there. */
	readonly commands?: readonly string[] | undefined;
	/** Kernel modules that must be loaded or loadable. */
	readonly modules?: readonly string[] | undefined;
	/** Controllers of cgroups that must be on. */
	readonly controllers?: readonly string[] | undefined;
	/** Files and folders that must not be there, or be empty. */
	readonly absent?: readonly string[] | undefined;
	/** Services that must not run, with `.service`. */
	readonly stopped?: readonly string[] | undefined;
}

export interface PortNeed {
	readonly protocol: 'tcp' | 'udp';
	readonly port: number;
	/** What it is for, as findings say it. */
	readonly use: string;
}

/** Tells what a host needs in all, by its name. Hosts of the same roles share what is told: there may be thousands. */
export function openNeeds(options: PreflightOptions): (host: string) => HostNeeds {
	const byRole = options.needs ?? defaultNeeds;
	const known = new Map<string, HostNeeds>();
	return host => {
		const own = Object.hasOwn(options.roles ?? {}, host) ? options.roles![host]! : [];
		const roles = own.length > 0 ? own : ['node'];
		const key = JSON.stringify(roles);
		const found =
			known.get(key) ??
			roles
				.map(role => (Object.hasOwn(byRole, role) ? byRole[role]! : {}))
				.reduce(joinNeeds, options.common ?? commonNeeds);
		known.set(key, found);
		return found;
	};
}

function joinNeeds(one: HostNeeds, other: HostNeeds): HostNeeds {
	const most = (a = 0, b = 0): number => Math.max(a, b);
	const joined = <T>(a: readonly T[] = [], b: readonly T[] = []): readonly T[] => [...new Set([...a, ...b])];
	const folders = Object.keys({...one.freeBytes, ...other.freeBytes});
	return {
		cpus: most(one.cpus, other.cpus),
		memoryBytes: most(one.memoryBytes, other.memoryBytes),
		freeBytes: Object.fromEntries(
			folders.map(folder => [folder, most(one.freeBytes?.[folder], other.freeBytes?.[folder])]),
		),
		writable: joined(one.writable, other.writable),
		executable: joined(one.executable, other.executable),
		local: joined(one.local, other.local),
		ports: joined(one.ports, other.ports),
		commands: joined(one.commands, other.commands),
		modules: joined(one.modules, other.modules),
		controllers: joined(one.controllers, other.controllers),
		absent: joined(one.absent, other.absent),
		stopped: joined(one.stopped, other.stopped),
	};
}

const mebibyte = 1024 * 1024;

/** What content and the agent need of every host. */
export const commonNeeds: HostNeeds = {
	freeBytes: {'/opt': 400 * mebibyte, '/var/lib/sealimage': 2048 * mebibyte},
	writable: ['/etc', '/opt', '/tmp', '/var/lib/sealimage'],
	executable: ['/opt'],
	local: ['/var/lib/sealimage'],
};

const member: HostNeeds = {
	freeBytes: {'/var/lib/containerd': 4096 * mebibyte, '/var/lib/kubelet': 1024 * mebibyte},
	writable: ['/usr/local/bin', '/var/lib/containerd', '/var/lib/kubelet', '/var/log'],
	executable: ['/usr/local/bin', '/var/lib/containerd'],
	local: ['/var/lib/containerd', '/var/lib/kubelet'],
	ports: [{protocol: 'tcp', port: 10250, use: 'the kubelet'}],
	commands: ['ip', 'iptables', 'modprobe', 'mount', 'nsenter'],
	modules: ['br_netfilter', 'ip_vs', 'ip_vs_rr', 'nf_conntrack', 'overlay'],
	controllers: ['cpu', 'memory', 'pids'],
	absent: [
		'/etc/kubernetes/bootstrap-kubelet.conf',
		'/etc/kubernetes/kubelet.conf',
		'/etc/kubernetes/manifests',
		'/etc/rancher',
		'/var/lib/k0s',
	],
	stopped: [
		'k0scontroller.service',
		'k0sworker.service',
		'k3s-agent.service',
		'k3s.service',
		'kubelet.service',
		'rke2-agent.service',
		'rke2-server.service',
		'snap.microk8s.daemon-kubelite.service',
	],
};

/** What the roles of a cluster need when nobody says otherwise. */
export const defaultNeeds: Readonly<Record<string, HostNeeds>> = {
	master: joinNeeds(member, {
		cpus: 2,
		// kubeadm's own limit, in its own unit: 1700 MB.
		memoryBytes: 1_700_000_000,
		freeBytes: {'/var/lib/etcd': 2048 * mebibyte},
		writable: ['/var/lib/etcd'],
		local: ['/var/lib/etcd'],
		ports: [
			{protocol: 'tcp', port: 6443, use: 'the API server'},
			{protocol: 'tcp', port: 2379, use: 'etcd'},
			{protocol: 'tcp', port: 2380, use: "etcd's peers"},
			{protocol: 'tcp', port: 10257, use: 'the controller manager'},
			{protocol: 'tcp', port: 10259, use: 'the scheduler'},
		],
		absent: ['/etc/kubernetes/admin.conf', '/var/lib/etcd'],
	}),
	node: member,
};
