import {SealError} from '../../../core/errors.js';

/** What kubeadm of one minor version does differently with certificates. */
export interface PkiRules {
	/** 20 for Kubernetes 1.20. */
	readonly minor: number;
	/** Of admin.conf and of the client with which API servers speak to kubelets. */
	readonly adminGroups: readonly string[];
	/** super-admin.conf is there, on the master where init ran alone: its group cannot be taken its rights. */
	readonly hasSuperAdmin: boolean;
	/** Of the clients of etcd. etcd looks at none of it. */
	readonly etcdClientGroups: readonly string[];
	/** Authorities carry their common name as a DNS name, too. */
	readonly namesAuthorities: boolean;
}

export const firstMinor = 20;
export const lastMinor = 37;

/** @param version `1.20`, `v1.31.4` @throws SealError ERR_PKI_CLUSTER for versions that are not known */
export function pkiRules(version: string): PkiRules {
	const minor = Number(/^v?1\.(\d{1,3})(?:[.+-]|$)/.exec(version)?.[1] ?? Number.NaN);
	if (!(minor >= firstMinor && minor <= lastMinor)) {
		throw new SealError('ERR_PKI_CLUSTER', `${JSON.stringify(version.slice(0, 50))} is no version that is known`, {
			hint: `Use Kubernetes 1.${firstMinor} to 1.${lastMinor}.`,
		});
	}
	// kubernetes/kubernetes #121305, #119859, #120521 and #121837: all of them came with 1.29. #100324 came with 1.22.
	const hasClusterAdmins = minor >= 29;
	return {
		minor,
		adminGroups: [hasClusterAdmins ? 'kubeadm:cluster-admins' : mastersGroup],
		hasSuperAdmin: hasClusterAdmins,
		etcdClientGroups: hasClusterAdmins ? [] : [mastersGroup],
		namesAuthorities: minor >= 22,
	};
}

/** The group that the API server lets do everything, whatever its rules say. */
export const mastersGroup = 'system:masters';
