import type {HostFacts} from '../facts/facts.js';
import type {ClusterSetting} from '../lifecycle/setting.js';
import {parseCidr} from '../preflight/cidr.js';

/** Modules that a node cannot do without. */
const needed = ['overlay', 'br_netfilter', 'nf_conntrack'] as const;
/** Of the load balancer and of kube-proxy: each has another way where the kernel has none of them. */
const balancing = ['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh'] as const;

/** The modules of a node, now and after each start. What a host says that it has not is left out when there is a way without. */
export function nodeModules({proxyMode}: Pick<ClusterSetting, 'proxyMode'>, {kernel}: HostFacts): readonly string[] {
	const isThere = (name: string): boolean => !['absent', 'blocked'].includes(kernel.modules[name] ?? 'unknown');
	return [
		...needed,
		...(proxyMode === 'nftables' ? ['nf_tables'] : []),
		// kube-proxy has no modprobe in its image, and stops without these.
		...balancing.filter(name => proxyMode === 'ipvs' || isThere(name)),
	];
}

export interface NodeSysctls {
	readonly all: Readonly<Record<string, string>>;
	/** Of these, those that some kernels do not have. */
	readonly ifKnown: readonly string[];
	/** What kube-proxy sets by itself, and nobody sets back. */
	readonly remembered: readonly string[];
}

/** Settings of the kernel. Limits are raised and never lowered; equal facts before and after give the same. */
export function nodeSysctls({network}: Pick<ClusterSetting, 'network'>, {sysctls}: HostFacts): NodeSysctls {
	const families = new Set(network.pods.map(text => parseCidr(text).family));
	const atLeast = (name: string, value: number): Readonly<Record<string, string>> => {
		const now = Number(sysctls[name]);
		return {[name]: String(Number.isSafeInteger(now) ? Math.max(now, value) : value)};
	};
	// The kubelet sets these itself, and nobody would set them back: as ours they are put back one day.
	const kubelets = {
		'vm.overcommit_memory': '1',
		'vm.panic_on_oom': '0',
		'kernel.panic': '10',
		'kernel.panic_on_oops': '1',
		...atLeast('kernel.keys.root_maxkeys', 1_000_000),
		...atLeast('kernel.keys.root_maxbytes', 25_000_000),
	};
	const limits = {
		...atLeast('fs.inotify.max_user_instances', 8192),
		...atLeast('fs.inotify.max_user_watches', 524_288),
	};
	return {
		all: {
			...(families.has(4) ? {'net.ipv4.ip_forward': '1'} : {}),
			...(families.has(6) ? {'net.ipv6.conf.all.forwarding': '1'} : {}),
			'net.bridge.bridge-nf-call-iptables': '1',
			'net.bridge.bridge-nf-call-ip6tables': '1',
			...limits,
			...kubelets,
			...reservedPorts(sysctls),
		},
		ifKnown: [...Object.keys(kubelets), ...Object.keys(limits)],
		remembered: [
			// Where a host forwards or stops to, the kernel sets this one to the opposite.
			'net.ipv4.conf.all.accept_redirects',
			// kube-proxy in mode ipvs lets hosts forward IPv4, also where no pod speaks it.
			...(families.has(4) ? [] : ['net.ipv4.ip_forward']),
			'net.ipv4.conf.all.route_localnet',
			'net.ipv4.conf.all.arp_ignore',
			'net.ipv4.conf.all.arp_announce',
			'net.ipv4.vs.conntrack',
			'net.ipv4.vs.conn_reuse_mode',
			'net.ipv4.vs.expire_nodest_conn',
			'net.ipv4.vs.expire_quiescent_template',
			'net.netfilter.nf_conntrack_max',
			'net.netfilter.nf_conntrack_tcp_timeout_established',
			'net.netfilter.nf_conntrack_tcp_timeout_close_wait',
		],
	};
}

/** Where node ports begin and end unless somebody says otherwise. */
const nodePorts: readonly [number, number] = [30_000, 32_767];

/** Node ports are kept from connections that the host opens, where it takes such ports for those. */
function reservedPorts(sysctls: HostFacts['sysctls']): Readonly<Record<string, string>> {
	const [low = 32_768] = (sysctls['net.ipv4.ip_local_port_range'] ?? '').split(' ').map(Number);
	const reserved = sysctls['net.ipv4.ip_local_reserved_ports'];
	if (low > nodePorts[1] || reserved === undefined) return {};
	return {'net.ipv4.ip_local_reserved_ports': joinRanges([...readRanges(reserved), nodePorts])};
}

function readRanges(text: string): [number, number][] {
	return text
		.split(',')
		.filter(part => /^\d+(?:-\d+)?$/.test(part))
		.map((part): [number, number] => {
			const [first = 0, last = first] = part.split('-').map(Number);
			return [first, last];
		});
}

/** As the kernel writes it: sorted, and neighbours as one. */
function joinRanges(ranges: readonly (readonly [number, number])[]): string {
	const joined: [number, number][] = [];
	for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
		const before = joined.at(-1);
		if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
		else joined.push([first, last]);
	}
	return joined.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}
