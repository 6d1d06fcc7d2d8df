/** Where kubeadm, the components and ours look for what the cluster's certificates are. */
export const pkiFolder = '/etc/kubernetes/pki';

/** Certificate authorities by their names here. */
export const authorityIds = ['kubernetes', 'etcd', 'front-proxy'] as const;
export type AuthorityId = (typeof authorityIds)[number];

export interface PairPlaces {
	readonly certificate: string;
	readonly key: string;
}

/** The common name of each authority as kubeadm writes it, and its files. */
export const authorityPlaces: Readonly<Record<AuthorityId, PairPlaces & {readonly commonName: string}>> = {
	kubernetes: {commonName: 'kubernetes', ...pair('ca')},
	etcd: {commonName: 'etcd-ca', ...pair('etcd/ca')},
	'front-proxy': {commonName: 'front-proxy-ca', ...pair('front-proxy-ca')},
};

export const serviceAccountPlaces = {key: `${pkiFolder}/sa.key`, publicKey: `${pkiFolder}/sa.pub`} as const;

/** The certificate and the key of kubelets as clients are one file, which they replace by themselves. */
export const kubeletClientPlace = '/var/lib/kubelet/pki/kubelet-client-current.pem';

/** Kubelets take these when they are there, and make a certificate of one year, signed by itself, when they are not. */
export const kubeletServingPlaces: PairPlaces = {
	certificate: '/var/lib/kubelet/pki/kubelet.crt',
	key: '/var/lib/kubelet/pki/kubelet.key',
};

export const kubeconfigPlaces = {
	admin: '/etc/kubernetes/admin.conf',
	superAdmin: '/etc/kubernetes/super-admin.conf',
	controllerManager: '/etc/kubernetes/controller-manager.conf',
	scheduler: '/etc/kubernetes/scheduler.conf',
	kubelet: '/etc/kubernetes/kubelet.conf',
	balancer: '/etc/sealimage/lb.kubeconfig',
} as const;

/** @param name of the pair below /etc/kubernetes/pki, without an ending */
export function pair(name: string): PairPlaces {
	return {certificate: `${pkiFolder}/${name}.crt`, key: `${pkiFolder}/${name}.key`};
}
