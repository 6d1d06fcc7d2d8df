import {minorFacts} from '../../kubeadm/minors.js';
import {parseKubernetesMinor} from '../../kubeadm/version.js';
import {type PairPlaces, pair} from './places.js';

/** A flag of a component, without the dashes in front. */
export interface ComponentFlag {
	readonly name: string;
	readonly value: string;
}

/** What kubeadm's documents have to hold so that whatever is renewed later lives as long as what is made here. */
export interface LifetimeSettings {
	readonly controllerManager: readonly ComponentFlag[];
	readonly scheduler: readonly ComponentFlag[];
	/** The scheduler's pod sees no other files than these, and its kubeconfig: each needs a volume. The controller manager's has all of pki. */
	readonly schedulerFiles: PairPlaces;
	/** Fields of ClusterConfiguration, from v1beta4 (1.31) on; empty before. */
	readonly clusterConfiguration: Readonly<Record<string, string>>;
	/** Fields of KubeletConfiguration. */
	readonly kubeletConfiguration: Readonly<Record<string, boolean>>;
	/** `kubeadm upgrade apply` and `upgrade node` shall not renew: they would, for a year. From 1.31 on they take the periods above. */
	readonly upgradeFlags: readonly ComponentFlag[];
	/** What `kubeadm certs renew` gives: below 1.31 a year, so it must not be used; `sealimage certs check` sees it. */
	readonly renewKeepsPeriod: boolean;
}

/**
 * 100 years of 365 days. 99 calendar years hold up to 25 leap days, so 99 times 8760 hours would break the promise by three weeks. Go's durations
 * end at 292 years.
 */
const leafPeriod = '876000h0m0s';
const authorityPeriod = '963600h0m0s';

/** @throws SealError ERR_KUBERNETES_VERSION */
export function lifetimeSettings(kubernetesVersion: string): LifetimeSettings {
	const {certificatePeriods} = minorFacts({minor: parseKubernetesMinor(kubernetesVersion)});
	const serves = (files: PairPlaces): readonly ComponentFlag[] => [
		{name: 'tls-cert-file', value: files.certificate},
		{name: 'tls-private-key-file', value: files.key},
	];
	return {
		controllerManager: [
			// Until 1.18 it was called experimental-cluster-signing-duration. It has to be there before the first kubelet asks.
			{name: 'cluster-signing-duration', value: leafPeriod},
			...serves(pair('controller-manager')),
		],
		scheduler: serves(pair('scheduler')),
		schedulerFiles: pair('scheduler'),
		clusterConfiguration: certificatePeriods
			? {certificateValidityPeriod: leafPeriod, caCertificateValidityPeriod: authorityPeriod}
			: {},
		// They find the certificate that they serve with where they would put their own. Named here, its absence would stop a kubelet.
		kubeletConfiguration: {rotateCertificates: true},
		upgradeFlags: certificatePeriods ? [] : [{name: 'certificate-renewal', value: 'false'}],
		renewKeepsPeriod: certificatePeriods,
	};
}
