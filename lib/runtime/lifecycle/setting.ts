import type {Digest} from '../../oci/digest.js';
import type {ConfigDocument} from '../cluster/config-document.js';
import type {KubeadmDocument} from '../kubeadm/document.js';
import type {KubeadmCluster} from '../kubeadm/documents.js';
import type {ClusterNetwork} from '../kubeadm/network.js';
import type {KubernetesVersion} from '../kubeadm/version.js';
import type {KeyAlgorithm} from '../pki/keys.js';

/**
 * A cluster as it is wished, with every question answered: what plans are made from. It holds no logins and no secrets
 * but what users put into `env`; JSON-safe.
 */
export interface ClusterSetting {
	readonly name: string;
	/** Told apart from another cluster of this name on the same hosts: 16 hexadecimal digits, made once by chance. */
	readonly id: string;
	readonly version: KubernetesVersion;
	readonly network: ClusterNetwork;
	readonly proxyMode: KubeadmCluster['proxyMode'];
	readonly keyAlgorithm: KeyAlgorithm;
	/** Further names and addresses of the API servers. */
	readonly apiNames: readonly string[];
	/** Masters first, in the order in which they were named. */
	readonly hosts: readonly SettingHost[];
	/** In the order in which they count: the rootfs first, patches over it, applications as they are to be run. */
	readonly images: readonly ClusterImage[];
	/** Of the cluster, over what images say. */
	readonly env: Readonly<Record<string, string>>;
	readonly configs: readonly ConfigDocument[];
	/** Of the rootfs image, then of the user. */
	readonly kubeadm: readonly KubeadmDocument[];
}

export interface SettingHost {
	/** How reports call it, and by which its transport is found: `HostTarget.name`. */
	readonly name: string;
	/** The name of its node: its own hostname in small letters. */
	readonly nodeName: string;
	/** Its own addresses that others in the cluster reach it by: one of each family of the cluster, the main one first. */
	readonly addresses: readonly string[];
	readonly isMaster: boolean;
	/** `linux/amd64`. */
	readonly platform: string;
	/** As in the Clusterfile; `master` or `node` is among them. */
	readonly roles: readonly string[];
	/** Of this host, over that of the cluster. */
	readonly env: Readonly<Record<string, string>>;
	readonly hasCgroupV1: boolean;
}

/** What an image is to a cluster; read from the operator's store. JSON-safe. */
export interface ClusterImage {
	/** Its full name, as it is called on hosts: `docker.io/library/redis:v7`. */
	readonly name: string;
	/** Of the index or manifest in the store. */
	readonly digest: Digest;
	readonly type: 'rootfs' | 'patch' | 'application';
	/** Of a rootfs. */
	readonly kubernetes?: string | undefined;
	/** `linux/amd64` and what of it moves, by platform. */
	readonly platforms: Readonly<Record<string, {readonly manifest: Digest; readonly bytes: number}>>;
	/** ENV without PATH. */
	readonly env: Readonly<Record<string, string>>;
	/** What the user said for this image alone when it was run: over its own env, and over that of cluster and hosts. */
	readonly given?: Readonly<Record<string, string>> | undefined;
	/** Whole shell lines; those of ENTRYPOINT come before those of CMD, for which the user may have given others (`--cmd`). */
	readonly entrypoint: readonly string[];
	readonly command: readonly string[];
	/** What bash is given in the folder `scripts/`, by the name of the hook: `check`, `init`, `clean`, `init-registry`, `clean-registry`, `init-cri`, `clean-cri`. Only those that the image has. */
	readonly hooks: Readonly<Record<string, string>>;
	/** Of `etc/kubeadm.yml`, and of `config.yml`. */
	readonly kubeadm: readonly KubeadmDocument[];
	readonly configs: readonly ConfigDocument[];
	/**
	 * Every file of a rootfs or patch, by platform: what a node is prepared from. Those of its registry and of the agent are left out.
	 * Paths without a leading slash, sorted.
	 */
	readonly files: Readonly<Record<string, readonly ImageFile[]>>;
}

export interface ImageFile {
	readonly path: string;
	/** A file that becomes another one is a template; links point to `target`. */
	readonly kind: 'file' | 'link' | 'folder';
	readonly mode: number;
	readonly sizeBytes: number;
	readonly target?: string | undefined;
}
