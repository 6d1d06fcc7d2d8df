import {closest} from '../../core/closest.js';
import {SealError} from '../../core/errors.js';
import {type Fields, isFields, type KubeadmDocument, kubeadmGroup} from './document.js';
import type {KubeadmApi} from './minors.js';

/** What a field holds, and which versions of the configuration know it. Absent bounds: all do. */
interface Field {
	readonly since?: KubeadmApi;
	readonly until?: KubeadmApi;
	/** The fields of a map. */
	readonly fields?: Shape;
	/** The fields of each item of a list. */
	readonly items?: Shape;
}

type Shape = Readonly<Record<string, Field>>;

/**
 * Refuses fields that no version of kubeadm's configuration knows, or not the one that will be used. What kubelet and kube-proxy
 * are given is theirs to check: their fields change with every minor.
 * @throws SealError ERR_KUBEADM_DOCUMENT with `details.path`, the keys that lead to the field
 */
export function checkFields(document: KubeadmDocument, api: KubeadmApi): void {
	if (!document.apiVersion.startsWith(`${kubeadmGroup}/`)) return;
	const shape = shapes[document.kind];
	if (shape === undefined) return;
	const {apiVersion: _, kind: __, ...fields} = document;
	check(fields, shape, api, [document.kind]);
}

function check(fields: Fields, shape: Shape, api: KubeadmApi, path: readonly string[]): void {
	for (const [name, value] of Object.entries(fields)) {
		const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
		const here = [...path, name];
		if (field === undefined) throw unknown(name, Object.keys(shape), here);
		if (!isKnownTo(field, api)) throw otherVersion(field, api, here);
		if (field.fields !== undefined && isFields(value)) check(value, field.fields, api, here);
		if (field.items === undefined || !Array.isArray(value)) continue;
		for (const [index, item] of (value as unknown[]).entries())
			if (isFields(item)) check(item, field.items, api, [...here, String(index)]);
	}
}

function isKnownTo({since = 'v1beta2', until = 'v1beta4'}: Field, api: KubeadmApi): boolean {
	return since <= api && api <= until;
}

function unknown(name: string, known: readonly string[], path: readonly string[]): SealError {
	const near = closest(name, known);
	return new SealError('ERR_KUBEADM_DOCUMENT', `${path.join('.')} is no field that kubeadm knows`, {
		hint: near === undefined ? `Known here are ${known.join(', ')}.` : `Is "${near}" meant?`,
		details: {path},
	});
}

function otherVersion({since, until}: Field, api: KubeadmApi, path: readonly string[]): SealError {
	const known = since === undefined ? `up to ${until}` : `since ${since}`;
	return new SealError(
		'ERR_KUBEADM_DOCUMENT',
		`${path.join('.')} is known ${known} of kubeadm's configuration, and this Kubernetes has ${api}`,
		{hint: 'Leave the field out, or use another version of Kubernetes.', details: {path}},
	);
}

const any: Field = {};
const since3: Field = {since: 'v1beta3'};
const since4: Field = {since: 'v1beta4'};

function named(...names: readonly string[]): Shape {
	return Object.fromEntries(names.map(name => [name, any]));
}

const timeouts: Field = {
	since: 'v1beta4',
	fields: named(
		'controlPlaneComponentHealthCheck',
		'kubeletHealthCheck',
		'kubernetesAPICall',
		'etcdAPICall',
		'tlsBootstrap',
		'discovery',
		'upgradeManifests',
	),
};

const patches: Field = {since: 'v1beta3', fields: named('directory')};
const localEndpoint: Field = {fields: named('advertiseAddress', 'bindPort')};

const nodeRegistration: Field = {
	fields: {
		...named('name', 'criSocket', 'kubeletExtraArgs', 'ignorePreflightErrors'),
		taints: {items: named('key', 'value', 'effect', 'timeAdded')},
		imagePullPolicy: since3,
		imagePullSerial: since4,
	},
};

const component: Shape = {
	extraArgs: any,
	extraVolumes: {items: named('name', 'hostPath', 'mountPath', 'readOnly', 'pathType')},
	extraEnvs: since4,
};

const etcd: Field = {
	fields: {
		local: {
			fields: {
				...named('imageRepository', 'imageTag', 'dataDir', 'extraArgs', 'serverCertSANs', 'peerCertSANs'),
				extraEnvs: since4,
			},
		},
		external: {fields: {...named('endpoints', 'caFile', 'certFile', 'keyFile'), httpEndpoints: since4}},
	},
};

const discovery: Field = {
	fields: {
		bootstrapToken: {fields: named('token', 'apiServerEndpoint', 'caCertHashes', 'unsafeSkipCAVerification')},
		file: {fields: named('kubeConfigPath')},
		tlsBootstrapToken: any,
		timeout: {until: 'v1beta3'},
	},
};

const shapes: Readonly<Record<string, Shape>> = {
	InitConfiguration: {
		bootstrapTokens: {items: named('token', 'description', 'ttl', 'expires', 'usages', 'groups')},
		nodeRegistration,
		localAPIEndpoint: localEndpoint,
		certificateKey: any,
		skipPhases: since3,
		patches,
		dryRun: since4,
		timeouts,
	},
	JoinConfiguration: {
		nodeRegistration,
		caCertPath: any,
		discovery,
		controlPlane: {fields: {localAPIEndpoint: localEndpoint, certificateKey: any}},
		skipPhases: since3,
		patches,
		dryRun: since4,
		timeouts,
	},
	ClusterConfiguration: {
		etcd,
		networking: {fields: named('serviceSubnet', 'podSubnet', 'dnsDomain')},
		kubernetesVersion: any,
		controlPlaneEndpoint: any,
		apiServer: {fields: {...component, certSANs: any, timeoutForControlPlane: {until: 'v1beta3'}}},
		controllerManager: {fields: component},
		scheduler: {fields: component},
		dns: {fields: {...named('imageRepository', 'imageTag'), type: {until: 'v1beta2'}, disabled: since4}},
		proxy: {since: 'v1beta4', fields: named('disabled')},
		certificatesDir: any,
		imageRepository: any,
		useHyperKubeImage: {until: 'v1beta2'},
		featureGates: any,
		clusterName: any,
		encryptionAlgorithm: since4,
		certificateValidityPeriod: since4,
		caCertificateValidityPeriod: since4,
	},
};
