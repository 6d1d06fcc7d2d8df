/** A document of kubeadm's configuration, or of the components that it configures. */
export interface KubeadmDocument {
	readonly apiVersion: string;
	readonly kind: string;
	readonly [field: string]: unknown;
}

/** The kinds that a Clusterfile may carry, in the order that files for kubeadm have them. */
export const documentKinds = [
	'InitConfiguration',
	'JoinConfiguration',
	'ClusterConfiguration',
	'KubeletConfiguration',
	'KubeProxyConfiguration',
] as const;

export type DocumentKind = (typeof documentKinds)[number];

export const kubeadmGroup = 'kubeadm.k8s.io';
export const kubeletApi = 'kubelet.config.k8s.io/v1beta1';
export const kubeProxyApi = 'kubeproxy.config.k8s.io/v1alpha1';

/** A value with fields. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a value that may be absent. */
export function fieldsOf(value: unknown): Fields {
	return isFields(value) ? value : {};
}

/** An argument of a component, in the form that each version of kubeadm's configuration is made from. */
export interface Argument {
	readonly name: string;
	readonly value: string;
}
