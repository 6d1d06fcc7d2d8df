import test from 'ava';
import type {KubeadmDocument} from '../../../lib/runtime/kubeadm/document.js';
import {readNetwork} from '../../../lib/runtime/kubeadm/network.js';
import {parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';

test('without a word the networks are those that sealos users know', t => {
	t.deepEqual(readNetwork([]), {
		pods: ['100.64.0.0/10'],
		services: ['10.96.0.0/22'],
		dnsDomain: 'cluster.local',
		apiPort: 6443,
		virtualAddress: '10.103.97.2',
	});
});

test('hosts with IPv6 alone get networks of IPv6', t => {
	t.like(readNetwork([], {family: 6}), {pods: ['fd00:100:64::/48'], virtualAddress: 'fd00:103:97::2'});
});

test('what the documents say counts, in one spelling', t => {
	const network = readNetwork([
		cluster({
			networking: {podSubnet: '10.1.2.3/16, FD00:1::/48', serviceSubnet: '10.2.0.0/16,fd00:2::/112', dnsDomain: 'a.b'},
		}),
		{apiVersion: 'kubeadm.k8s.io/v1beta3', kind: 'InitConfiguration', localAPIEndpoint: {bindPort: 8443}},
	]);
	t.deepEqual(network, {
		pods: ['10.1.0.0/16', 'fd00:1::/48'],
		services: ['10.2.0.0/16', 'fd00:2::/112'],
		dnsDomain: 'a.b',
		apiPort: 8443,
		virtualAddress: '10.103.97.2',
	});
});

const refused = test.macro((t, networking: object, message: RegExp, code: string = 'ERR_CLUSTER_NETWORK') => {
	t.throws(() => readNetwork([cluster({networking})]), {code, message});
});

test(
	'pods and services in one network',
	refused,
	{podSubnet: '10.96.0.0/12'},
	/pods 10\.96\.0\.0\/12 and the network of services 10\.96\.0\.0\/22 overlap/,
);
test(
	'the virtual address among the pods',
	refused,
	{podSubnet: '10.103.0.0/16'},
	/and the virtual address 10\.103\.97\.2\/32 overlap/,
);
test('the same network twice', refused, {podSubnet: '10.96.0.0/22'}, /are the same/);
test('two networks of one family', refused, {podSubnet: '10.1.0.0/16,10.2.0.0/16'}, /networks of pods are/);
test(
	'families that differ',
	refused,
	{podSubnet: 'fd00::/48', serviceSubnet: '10.1.0.0/16'},
	/Pods have addresses of IPv6, and services of IPv4/,
);
test(
	'the order of families',
	refused,
	{podSubnet: 'fd00::/48,10.1.0.0/16', serviceSubnet: '10.2.0.0/16,fd01::/112'},
	/IPv6 and 4, and services of IPv4 and 6/,
);
test('no network', refused, {podSubnet: 'pods'}, /is no network/, 'ERR_CIDR');
test('a number', refused, {podSubnet: 10}, /podSubnet is no text/);
test('no domain', refused, {dnsDomain: 'Cluster Local'}, /dnsDomain is "Cluster Local"/);

test('a version is read with or without a v, and written with it', t => {
	t.deepEqual(parseKubernetesVersion('1.30.02'), {text: 'v1.30.2', minor: 30, patch: 2});
	t.deepEqual(parseKubernetesVersion('v1.31.0-rc.1'), {text: 'v1.31.0-rc.1', minor: 31, patch: 0, pre: 'rc.1'});
});

const wrongVersion = test.macro((t, text: string, message: RegExp) => {
	t.throws(() => parseKubernetesVersion(text), {code: 'ERR_KUBERNETES_VERSION', message});
});

test('a word', wrongVersion, 'latest', /"latest" is no version of Kubernetes/);
test('a minor alone', wrongVersion, 'v1.30', /is no version/);
test('Kubernetes 2', wrongVersion, 'v2.0.0', /is no version/);
test('too old', wrongVersion, 'v1.19.16', /v1\.19\.16 is not supported, expected 1\.20 to 1\.37/);
test('too new', wrongVersion, 'v1.38.0', /v1\.38\.0 is not supported/);

function cluster(fields: object): KubeadmDocument {
	return {apiVersion: 'kubeadm.k8s.io/v1beta3', kind: 'ClusterConfiguration', ...fields};
}
