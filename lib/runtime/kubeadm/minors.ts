import type {KubernetesVersion} from './version.js';

/** What differs between minors of Kubernetes, for those who install them and make their certificates. Everything version-dependent is asked here. */
export interface MinorFacts {
	/** The version of kubeadm's own configuration that is written. */
	readonly api: KubeadmApi;
	/** Sockets of the container runtime are written as URLs; before, a scheme was refused by some checks of kubeadm. */
	readonly criSocketIsUrl: boolean;
	/** The taints that kubeadm gives to masters, which a cluster without workers must not have. */
	readonly masterTaints: readonly string[];
	/** Two address families need a feature gate, in kubeadm and in every component. */
	readonly dualStackGate: boolean;
	/** kube-proxy's mode nftables is stable. */
	readonly proxyNftables: boolean;
	/** kube-proxy's mode ipvs is deprecated. */
	readonly proxyIpvsDeprecated: boolean;
	/** Cgroups of version 1 stop the kubelet unless its configuration allows them. */
	readonly refusesCgroupV1: boolean;
	/** The oldest containerd that kubelet and kubeadm work with. */
	readonly containerd: string;
	/** kubeadm does not begin without the program conntrack. */
	readonly needsConntrack: boolean;
	/** init leaves super-admin.conf beside admin.conf, whose group can be taken its rights. */
	readonly superAdmin: boolean;
	/** Of admin.conf and of the client with which API servers speak to kubelets. */
	readonly adminGroups: readonly string[];
	/** Of the clients of etcd. etcd looks at none of it. */
	readonly etcdClientGroups: readonly string[];
	/** Authorities carry their common name as a DNS name, too. */
	readonly namesAuthorities: boolean;
	/** kubeadm's configuration tells how long certificates live. */
	readonly certificatePeriods: boolean;
	/**
	 * The pod of etcd asks for storage of its own. A kubelet that has only just started knows of none, and refuses the pod for good.
	 * Such kubeadms take patches of what they write by a flag, later ones by their configuration.
	 */
	readonly etcdAsksForStorage: boolean;
	/** A control plane joins etcd as a learner first. */
	readonly etcdLearner: boolean;
	/** Where the images of the control plane come from unless the image says otherwise. */
	readonly imageRepository: string;
}

export type KubeadmApi = 'v1beta2' | 'v1beta3' | 'v1beta4';

/** The group that the API server lets do everything, whatever the cluster's roles say. */
export const mastersGroup = 'system:masters';

/** @param version what a patch release changed counts when it is known */
export function minorFacts({
	minor,
	patch = 0,
}: Pick<KubernetesVersion, 'minor'> & Partial<KubernetesVersion>): MinorFacts {
	// kubernetes/kubernetes #121305, #119859, #120521 and #121837: all of them came with 1.29.
	const hasClusterAdmins = minor >= 29;
	return {
		// v1beta3 came with 1.22, v1beta4 with 1.31; each is also read by later minors, but the newest says most.
		api: minor < 22 ? 'v1beta2' : minor < 31 ? 'v1beta3' : 'v1beta4',
		criSocketIsUrl: minor >= 24,
		masterTaints: [
			...(minor >= 24 ? ['node-role.kubernetes.io/control-plane'] : []),
			...(minor <= 24 ? ['node-role.kubernetes.io/master'] : []),
		],
		dualStackGate: minor < 21,
		proxyNftables: minor >= 33,
		proxyIpvsDeprecated: minor >= 35,
		refusesCgroupV1: minor >= 35,
		// CRI v1 alone since 1.26; containerd 1 is not supported since 1.36.
		containerd: minor < 26 ? '1.4.0' : minor < 36 ? '1.6.0' : '2.0.0',
		needsConntrack: minor < 32,
		superAdmin: hasClusterAdmins,
		adminGroups: [hasClusterAdmins ? 'kubeadm:cluster-admins' : mastersGroup],
		etcdClientGroups: hasClusterAdmins ? [] : [mastersGroup],
		// kubernetes/kubernetes #100324.
		namesAuthorities: minor >= 22,
		certificatePeriods: minor >= 31,
		// kubernetes/kubernetes #94479 and #102673, issue #99305; later patches of 1.20 and 1.21 are free of it, too.
		etcdAsksForStorage: minor < 22,
		etcdLearner: minor >= 29,
		imageRepository:
			patch >= (newRegistrySince[minor] ?? (minor < 25 ? Infinity : 0)) ? 'registry.k8s.io' : 'k8s.gcr.io',
	};
}

/** Patches of minors before 1.25 that take their images from the registry of today (kubernetes/kubernetes #113388, #113393, #113395). */
const newRegistrySince: Readonly<Record<number, number>> = {22: 17, 23: 15, 24: 9};
