import {parseCidr} from '../preflight/cidr.js';

/** Which of kubeadm's checks are passed over, by their names. */
export interface IgnoredChecks {
	/** Always: what we have judged ourselves, and files that we put there. */
	readonly always: readonly string[];
	/** When an earlier attempt was cut off: what it left is no foreigner's. */
	readonly again: readonly string[];
}

/**
 * The checks of `kubeadm init` and `kubeadm join` that would stop on what we know better. Everything else stops a host that is in another's use.
 * @param dataDir of etcd on masters; none where etcd is elsewhere
 */
export function ignoredChecks(
	verb: 'init' | 'join',
	{
		isMaster,
		network: {apiPort, pods},
		dataDir,
	}: {
		readonly isMaster: boolean;
		readonly network: {readonly apiPort: number; readonly pods: readonly string[]};
		readonly dataDir?: string | undefined;
	},
): IgnoredChecks {
	// kubeadm 1.20 wants IPv4 forwarded where no pod speaks it, too.
	const hasIpv4 = pods.some(pod => parseCidr(pod).family === 4);
	const ours = verb === 'init' ? [] : ['kubelet.conf', 'pki/ca.crt', 'bootstrap-kubelet.conf'].map(fileCheck);
	const manifests = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map(name =>
		fileCheck(`manifests/${name}.yaml`),
	);
	const master = [
		...[apiPort, 10_257, 10_259, 2379, 2380].map(port => `Port-${port}`),
		...manifests,
		...(dataDir === undefined ? [] : [`DirAvailable-${dataDir.replaceAll('/', '-')}`]),
	];
	return {
		// Our own preflight judges hosts by what they are to do, all of them before the first is touched.
		// Until 1.22 kubeadm refuses swap even where the kubelet was told to bear it; else preparing has ended it.
		always: [
			'NumCPU',
			'Mem',
			'Swap',
			'SystemVerification',
			...(hasIpv4 ? [] : ['FileContent--proc-sys-net-ipv4-ip_forward']),
			...ours,
		],
		again: ['Port-10250', 'DirAvailable--etc-kubernetes-manifests', ...(isMaster ? master : [])],
	};
}

/** As kubeadm names the check that a file of /etc/kubernetes is not there. */
function fileCheck(name: string): string {
	return `FileAvailable--etc-kubernetes-${name.replaceAll('/', '-')}`;
}
