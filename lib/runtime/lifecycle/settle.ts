import {SealError} from '../../core/errors.js';
import {formatPlatform} from '../../oci/platform.js';
import type {ConfigDocument} from '../cluster/config-document.js';
import type {HostFacts} from '../facts/facts.js';
import {HostError} from '../host/error.js';
import type {HostTarget} from '../host/target.js';
import {convertDocuments} from '../kubeadm/convert.js';
import {fieldsOf, type KubeadmDocument} from '../kubeadm/document.js';
import {minorFacts} from '../kubeadm/minors.js';
import {readNetwork} from '../kubeadm/network.js';
import {type KubernetesVersion, parseKubernetesVersion} from '../kubeadm/version.js';
import type {KeyAlgorithm} from '../pki/keys.js';
import {parseCidr} from '../preflight/cidr.js';
import type {ClusterState} from '../state/cluster-state.js';
import type {ClusterImage, ClusterSetting, SettingHost} from './setting.js';
import {type AddressWish, addressesOf, type Family, mainFamily} from './settle-addresses.js';
import {settleImages} from './settle-images.js';

/** A host that the cluster shall have. */
export interface WantedHost {
	readonly target: HostTarget;
	readonly isMaster: boolean;
	/** Absent for one that does not answer; only hosts that are known may be silent. */
	readonly facts?: HostFacts | undefined;
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** What the user says of its addresses. */
	readonly addresses?: readonly string[] | undefined;
}

/** What a cluster is settled from. Fields that are absent are as they were, or as they are by default. */
export interface SettleRequest {
	readonly name: string;
	/** As the cluster is now. */
	readonly known?: ClusterState | undefined;
	/** All hosts of the cluster as it shall be. */
	readonly hosts: readonly WantedHost[];
	/** Those that were named now, in that order. */
	readonly images: readonly ClusterImage[];
	/** The request says all there is to say, as a Clusterfile does: what it does not name is not wished any more. */
	readonly isWhole?: boolean | undefined;
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** In place of the CMD of the first application among `images`. */
	readonly command?: readonly string[] | undefined;
	readonly configs?: readonly ConfigDocument[] | undefined;
	/** Of the user. */
	readonly kubeadm?: readonly KubeadmDocument[] | undefined;
	readonly virtualAddress?: string | undefined;
	readonly proxyMode?: ClusterSetting['proxyMode'] | undefined;
	readonly keyAlgorithm?: KeyAlgorithm | undefined;
	/** Further names and addresses of the API servers. */
	readonly apiNames?: readonly string[] | undefined;
}

export interface SettleCircumstances {
	/** How kube-proxy works when nobody says so. */
	readonly proxyMode: (
		version: KubernetesVersion,
		facts: readonly HostFacts[],
		documents: readonly KubeadmDocument[],
	) => ClusterSetting['proxyMode'];
	/** The id of a new cluster: 16 hexadecimal digits. */
	readonly makeId: () => string;
}

/**
 * Answers every question about a cluster. Pure but for the id of a new one: what is known keeps names and addresses of its hosts, so
 * that the same request gives the same setting.
 * @throws SealError ERR_CLUSTER_SETTING, ERR_KUBERNETES_VERSION, ERR_CLUSTER_NETWORK, ERR_CIDR, ERR_KUBEADM_DOCUMENT; HostError ERR_CLUSTER_ADDRESS
 */
export function settleCluster(request: SettleRequest, circumstances: SettleCircumstances): ClusterSetting {
	const before = request.known?.setting;
	const images = settleImages(request);
	const version = versionOf(images);
	const kubeadm = [
		...documentsOf(images),
		...(request.kubeadm ?? (request.isWhole === true ? [] : userDocuments(before))),
	];
	// One document of each kind, so that what the user says of networks counts more than what the image says.
	const documents = convertDocuments(kubeadm, minorFacts(version).api);
	const virtualAddress = request.virtualAddress ?? before?.network.virtualAddress;
	const wishes = new Map(request.hosts.map(host => [host, wishOf(host, virtualAddress)]));
	const sorted = [...request.hosts].sort((a, b) => Number(b.isMaster) - Number(a.isMaster));
	const families = familiesOf(documents, sorted, wishes, before);
	const network = readNetwork(documents, {family: families[0], virtualAddress});
	const facts = sorted.flatMap(host => (host.facts === undefined ? [] : [host.facts]));
	const known = new Map(before?.hosts.map(host => [host.name, host]));
	return {
		name: request.name,
		id: before?.id ?? circumstances.makeId(),
		version,
		network,
		proxyMode: request.proxyMode ?? before?.proxyMode ?? circumstances.proxyMode(version, facts, documents),
		keyAlgorithm: request.keyAlgorithm ?? before?.keyAlgorithm ?? 'ecdsa-p256',
		apiNames: [...new Set([...(before?.apiNames ?? []), ...(request.apiNames ?? []), ...certificateNames(documents)])],
		hosts: sorted.map(host => settleHost(host, wishes.get(host)!, families, known.get(host.target.name))),
		images,
		env: settleEnv(request, before),
		configs: request.configs ?? (request.isWhole === true ? [] : (before?.configs ?? [])),
		kubeadm,
	};
}

function versionOf(images: readonly ClusterImage[]): KubernetesVersion {
	const rootfs = images.find(({type}) => type === 'rootfs');
	if (rootfs === undefined) {
		throw new SealError('ERR_CLUSTER_SETTING', 'None of the images is a rootfs, which Kubernetes comes with', {
			hint: 'Name one first, as "sealimage run kubernetes:v1.30.2 ...".',
			details: {images: images.map(({name, type}) => `${name} (${type})`)},
		});
	}
	if (rootfs.kubernetes === undefined) {
		throw new SealError('ERR_CLUSTER_SETTING', `The rootfs image ${rootfs.name} does not say which Kubernetes it is`, {
			hint: 'Build it with the label "version", as LABEL version=v1.30.2.',
		});
	}
	return parseKubernetesVersion(rootfs.kubernetes);
}

/** What images bring: the rootfs first, patches over it. */
function documentsOf(images: readonly ClusterImage[]): readonly KubeadmDocument[] {
	const ofType = (wanted: ClusterImage['type']): readonly ClusterImage[] => images.filter(({type}) => type === wanted);
	return [...ofType('rootfs'), ...ofType('patch')].flatMap(image => image.kubeadm);
}

/** Those behind the ones that images brought. */
function userDocuments(before: ClusterSetting | undefined): readonly KubeadmDocument[] {
	return before === undefined ? [] : before.kubeadm.slice(documentsOf(before.images).length);
}

/** What is said for a cluster when it is made is the cluster's; what is said for an image that joins it later is that image's (`settleImages`). */
function settleEnv(request: SettleRequest, before: ClusterSetting | undefined): Readonly<Record<string, string>> {
	if (request.isWhole === true || before === undefined) return request.env ?? {};
	return request.images.some(({type}) => type === 'rootfs') ? {...before.env, ...request.env} : before.env;
}

function wishOf({target, addresses}: WantedHost, virtualAddress: string | undefined): AddressWish {
	return {
		reached: target.address,
		...(addresses === undefined ? {} : {said: addresses}),
		virtual: virtualAddress === undefined ? [] : [virtualAddress],
	};
}

/** The user's networks say it, else how the cluster is, else the address of the first master. */
function familiesOf(
	documents: readonly KubeadmDocument[],
	sorted: readonly WantedHost[],
	wishes: ReadonlyMap<WantedHost, AddressWish>,
	before: ClusterSetting | undefined,
): readonly Family[] {
	const networking = fieldsOf(documents.find(({kind}) => kind === 'ClusterConfiguration')?.networking);
	const given = [networking.podSubnet, networking.serviceSubnet].find(value => typeof value === 'string');
	if (given !== undefined) return [...new Set(given.split(',').map(text => parseCidr(text.trim()).family))];
	if (before !== undefined) return before.network.pods.map(text => parseCidr(text).family);
	const first = sorted.find(({facts}) => facts !== undefined);
	return first?.facts === undefined ? [4] : [mainFamily(first.facts, wishes.get(first)!)];
}

/** Names that a user wants in the certificates of API servers. */
function certificateNames(documents: readonly KubeadmDocument[]): readonly string[] {
	const {certSANs} = fieldsOf(fieldsOf(documents.find(({kind}) => kind === 'ClusterConfiguration')).apiServer);
	return Array.isArray(certSANs) ? certSANs.filter(name => typeof name === 'string') : [];
}

function settleHost(
	{target, isMaster, facts, env, addresses}: WantedHost,
	wish: AddressWish,
	families: readonly Family[],
	known: SettingHost | undefined,
): SettingHost {
	const roles = [isMaster ? 'master' : 'node', ...target.roles.filter(role => role !== 'master' && role !== 'node')];
	// What certificates, etcd and kubelets were made for does not change under them.
	if (known !== undefined && (addresses === undefined || facts === undefined)) {
		return {...known, isMaster, roles: target.roles.length === 0 ? known.roles : roles, env: env ?? known.env};
	}
	if (facts === undefined) {
		throw new HostError(target.name, 'ERR_CLUSTER_SETTING', 'Nothing is known of the host', {
			hint: 'Look whether it can be reached.',
		});
	}
	const {architecture, variant} = facts.system;
	return {
		name: target.name,
		nodeName: nodeNameOf(facts),
		addresses: addressesOf(facts, wish, families),
		isMaster,
		platform: formatPlatform({os: 'linux', architecture, ...(variant === undefined ? {} : {variant})}),
		roles,
		env: env ?? {},
		hasCgroupV1: facts.kernel.cgroup.version === 'v1' || facts.kernel.cgroup.version === 'hybrid',
	};
}

/** As kubeadm and the kubelet name a node: the hostname in small letters (RFC 1123). @throws HostError ERR_CLUSTER_SETTING */
export function nodeNameOf({host, identity}: HostFacts): string {
	const name = identity.hostname.trim().toLowerCase();
	if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) && name !== 'localhost') return name;
	throw new HostError(
		host,
		'ERR_CLUSTER_SETTING',
		`The hostname ${JSON.stringify(identity.hostname)} cannot be the name of a node`,
		{
			hint: 'Give the host a name of letters, digits and hyphens with "hostnamectl set-hostname NAME".',
		},
	);
}
