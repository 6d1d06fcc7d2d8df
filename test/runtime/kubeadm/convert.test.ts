import test from 'ava';
import {convertDocuments} from '../../../lib/runtime/kubeadm/convert.js';
import type {KubeadmDocument} from '../../../lib/runtime/kubeadm/document.js';
import type {KubeadmApi} from '../../../lib/runtime/kubeadm/minors.js';

test('arguments are a map before v1beta4 and a list from then on', t => {
	const older = made('v1beta2', 'ClusterConfiguration', {apiServer: {extraArgs: {v: 4, 'audit-log-maxage': '7'}}});
	t.deepEqual(convertDocuments([older], 'v1beta4'), [
		made('v1beta4', 'ClusterConfiguration', {
			apiServer: {
				extraArgs: [
					{name: 'v', value: '4'},
					{name: 'audit-log-maxage', value: '7'},
				],
			},
		}),
	]);
	t.deepEqual(convertDocuments(convertDocuments([older], 'v1beta4'), 'v1beta3'), [
		made('v1beta3', 'ClusterConfiguration', {apiServer: {extraArgs: {v: '4', 'audit-log-maxage': '7'}}}),
	]);
});

test('time-outs move to where the version has them, and back', t => {
	const older = [
		made('v1beta3', 'ClusterConfiguration', {apiServer: {timeoutForControlPlane: '6m0s'}}),
		made('v1beta3', 'JoinConfiguration', {discovery: {timeout: '9m0s', tlsBootstrapToken: 'a'}}),
	];
	const newer = convertDocuments(older, 'v1beta4');
	t.deepEqual(byKind(newer), {
		InitConfiguration: made('v1beta4', 'InitConfiguration', {timeouts: {controlPlaneComponentHealthCheck: '6m0s'}}),
		JoinConfiguration: made('v1beta4', 'JoinConfiguration', {
			timeouts: {controlPlaneComponentHealthCheck: '6m0s', discovery: '9m0s'},
			discovery: {tlsBootstrapToken: 'a'},
		}),
		ClusterConfiguration: made('v1beta4', 'ClusterConfiguration', {apiServer: {}}),
	});
	t.deepEqual(byKind(convertDocuments(newer, 'v1beta3')), {
		...byKind(older),
		InitConfiguration: made('v1beta3', 'InitConfiguration', {}),
	});
});

test('what an old version says that is so anyway is left out', t => {
	const older = made('v1beta2', 'ClusterConfiguration', {
		dns: {type: 'CoreDNS', imageTag: '1'},
		useHyperKubeImage: false,
	});
	t.deepEqual(convertDocuments([older], 'v1beta3'), [made('v1beta3', 'ClusterConfiguration', {dns: {imageTag: '1'}})]);
	t.deepEqual(convertDocuments([older], 'v1beta2'), [older]);
});

test('documents of components are left as they are', t => {
	const kubelet = {
		apiVersion: 'kubelet.config.k8s.io/v1beta1',
		kind: 'KubeletConfiguration',
		maxPods: 200,
		own: {a: 1},
	};
	t.deepEqual(convertDocuments([kubelet], 'v1beta4'), [kubelet]);
});

const refused = test.macro((t, document: KubeadmDocument, api: KubeadmApi, message: RegExp, hint: RegExp) => {
	const error = t.throws(() => convertDocuments([document], api), {code: 'ERR_KUBEADM_DOCUMENT', message});
	t.regex((error as {hint?: string}).hint ?? '', hint);
});

test(
	'a field that is misspelt',
	refused,
	made('v1beta3', 'ClusterConfiguration', {networking: {podSubnets: '10.0.0.0/8'}}),
	'v1beta3',
	/ClusterConfiguration\.networking\.podSubnets is no field/,
	/Is "podSubnet" meant\?/,
);
test(
	'a field in an item of a list',
	refused,
	made('v1beta3', 'InitConfiguration', {nodeRegistration: {taints: [{}, {keey: 'a'}]}}),
	'v1beta3',
	/InitConfiguration\.nodeRegistration\.taints\.1\.keey is no field/,
	/Is "key" meant\?/,
);
test(
	'a field that came later',
	refused,
	made('v1beta4', 'ClusterConfiguration', {proxy: {disabled: true}}),
	'v1beta3',
	/ClusterConfiguration\.proxy is known since v1beta4.*this Kubernetes has v1beta3/,
	/Leave the field out/,
);
test(
	'a time-out that older versions do not have',
	refused,
	made('v1beta4', 'InitConfiguration', {timeouts: {kubernetesAPICall: '1m'}}),
	'v1beta3',
	/InitConfiguration\.timeouts is known since v1beta4/,
	/Leave the field out/,
);
test(
	'another DNS than CoreDNS',
	refused,
	made('v1beta2', 'ClusterConfiguration', {dns: {type: 'kube-dns'}}),
	'v1beta3',
	/dns\.type is known up to v1beta2/,
	/Leave the field out/,
);
test(
	'a version that is not known',
	refused,
	made('v1beta1', 'ClusterConfiguration', {}),
	'v1beta3',
	/has the apiVersion "kubeadm.k8s.io\/v1beta1", which is not known/,
	/v1beta2, v1beta3 or v1beta4/,
);
test(
	'an argument that is there twice',
	refused,
	made('v1beta4', 'ClusterConfiguration', {
		scheduler: {
			extraArgs: [
				{name: 'v', value: '1'},
				{name: 'v', value: '2'},
			],
		},
	}),
	'v1beta3',
	/ClusterConfiguration\.scheduler\.extraArgs has "v" twice, which v1beta3 cannot say/,
	/1\.31/,
);
test(
	'an argument that is a map',
	refused,
	made('v1beta3', 'ClusterConfiguration', {scheduler: {extraArgs: {v: {}}}}),
	'v1beta4',
	/extraArgs\.v is no text/,
	/name: value/,
);
test(
	'arguments that are a text',
	refused,
	made('v1beta3', 'ClusterConfiguration', {scheduler: {extraArgs: '--v=4'}}),
	'v1beta4',
	/extraArgs is neither a map nor a list/,
	/name: value/,
);

function made(api: string, kind: string, fields: object): KubeadmDocument {
	return {apiVersion: `kubeadm.k8s.io/${api}`, kind, ...fields};
}

function byKind(documents: readonly KubeadmDocument[]): Record<string, KubeadmDocument> {
	return Object.fromEntries(documents.map(document => [document.kind, document]));
}
