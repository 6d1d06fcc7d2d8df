import {readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {parseYaml, printYaml} from '../../../lib/core/yaml.js';
import type {KubeadmDocument} from '../../../lib/runtime/kubeadm/document.js';
import {initDocuments, joinDocuments, type KubeadmCluster} from '../../../lib/runtime/kubeadm/documents.js';
import {readNetwork} from '../../../lib/runtime/kubeadm/network.js';
import {newestMinor, oldestMinor, parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';

const master = {name: 'm1', addresses: ['10.77.0.11']};
const worker = {name: 'w1', addresses: ['10.77.0.21']};

for (let minor = oldestMinor; minor <= newestMinor; minor++) {
	test(`what kubeadm 1.${minor} is told stays as it is`, t => {
		const cluster = clusterOf({version: parseKubernetesVersion(`v1.${minor}.2`)});
		const discovery = {kubeconfig: '/etc/kubernetes/kubelet.conf'};
		const text = [
			'# kubeadm init on the first master\n',
			printYaml(initDocuments(cluster, master)),
			'---\n# kubeadm join on another master\n',
			printYaml(joinDocuments(cluster, {name: 'm2', addresses: ['10.77.0.12']}, {discovery, isMaster: true})),
			'---\n# kubeadm join on a node\n',
			printYaml(joinDocuments(cluster, worker, {discovery, isMaster: false})),
		].join('');
		const path = `test/runtime/kubeadm/golden/1.${minor}.yaml`;
		if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
		t.is(text, readFileSync(path, 'utf8'), 'run again with UPDATE_GOLDEN=1 when the change is meant');
		t.is(parseYaml(text).length, 6);
	});
}

test('two families are named in the order of the networks, with the gate that 1.20 needs', t => {
	const given = parse('v1beta2', 'ClusterConfiguration', {
		networking: {podSubnet: 'fd00:1::/48,10.1.0.0/16', serviceSubnet: 'fd00:2::/112,10.2.0.0/16'},
	});
	const network = readNetwork([given]);
	const node = {name: 'm1', addresses: ['fd77::11', '10.77.0.11']};
	const [init, cluster, kubelet, proxy] = initDocuments(clusterOf({network, given: [given]}), node);
	t.like(init, {localAPIEndpoint: {advertiseAddress: 'fd77::11'}});
	t.like(init, {nodeRegistration: {kubeletExtraArgs: {'node-ip': 'fd77::11,10.77.0.11'}}});
	t.like(cluster, {
		controlPlaneEndpoint: '[fd00:103:97::2]:6443',
		networking: {podSubnet: 'fd00:1::/48,10.1.0.0/16', serviceSubnet: 'fd00:2::/112,10.2.0.0/16'},
		featureGates: {IPv6DualStack: true},
	});
	for (const document of [kubelet, proxy]) t.like(document, {featureGates: {IPv6DualStack: true}});
	const later = initDocuments(clusterOf({network, given: [given], version: parseKubernetesVersion('v1.23.1')}), node);
	t.true(later.every(({featureGates}) => featureGates === undefined));
});

test('a cluster without workers lets its masters work', t => {
	const [init] = initDocuments(clusterOf({hasWorkers: false}), master);
	t.like(init, {nodeRegistration: {taints: []}});
});

test('the virtual address is kept out of the hands of kube-proxy', t => {
	const proxyOf = (network: KubeadmCluster['network']): KubeadmDocument | undefined =>
		initDocuments(clusterOf({proxyMode: 'ipvs', network}), master).find(({kind}) => kind === 'KubeProxyConfiguration');
	t.like(proxyOf(readNetwork([])), {mode: 'ipvs', ipvs: {excludeCIDRs: ['10.103.97.2/32']}});
	t.like(proxyOf(readNetwork([], {family: 6})), {ipvs: {excludeCIDRs: ['fd00:103:97::2/128']}});
});

test('cgroups of version 1 are allowed where they would stop the kubelet', t => {
	const kubeletOf = (version: string): KubeadmDocument | undefined =>
		initDocuments(clusterOf({version: parseKubernetesVersion(version), hasCgroupV1: true}), master).find(
			({kind}) => kind === 'KubeletConfiguration',
		);
	t.is(kubeletOf('v1.34.0')?.failCgroupV1, undefined);
	t.is(kubeletOf('v1.35.0')?.failCgroupV1, false);
});

test('a token and the digests of the authority are another way to join', t => {
	const discovery = {token: 'abcdef.0123456789abcdef', endpoint: '10.103.97.2:6443', authorities: ['sha256:00']};
	const [join] = joinDocuments(clusterOf({}), worker, {discovery, isMaster: false});
	t.deepEqual(join?.discovery, {
		bootstrapToken: {
			token: 'abcdef.0123456789abcdef',
			apiServerEndpoint: '10.103.97.2:6443',
			caCertHashes: ['sha256:00'],
		},
		tlsBootstrapToken: 'abcdef.0123456789abcdef',
	});
});

test('what users say counts more than what the image says, and that more than what is usual', t => {
	const image = parse('v1beta3', 'ClusterConfiguration', {clusterName: 'image', imageRepository: 'image.example'});
	const user = parse('v1beta4', 'ClusterConfiguration', {
		clusterName: 'user',
		apiServer: {certSANs: ['api.example.com'], extraArgs: [{name: 'v', value: '4'}]},
		controllerManager: {extraArgs: [{name: 'cluster-signing-duration', value: '8760h'}]},
	});
	const documents = initDocuments(clusterOf({given: [image, user]}), master);
	t.like(documents[1], {
		clusterName: 'user',
		imageRepository: 'image.example',
		apiServer: {
			certSANs: ['localhost', '127.0.0.1', '::1', '10.103.97.2', 'm1.example.com', 'api.example.com'],
			extraArgs: {v: '4'},
		},
	});
	t.like(documents[1], {
		controllerManager: {
			extraArgs: {
				'cluster-signing-duration': '8760h',
				'tls-cert-file': '/etc/kubernetes/pki/controller-manager.crt',
			},
		},
	});
});

test('documents of the other verb are left out', t => {
	const given = [
		parse('v1beta3', 'JoinConfiguration', {nodeRegistration: {ignorePreflightErrors: ['Mem']}}),
		parse('v1beta3', 'InitConfiguration', {nodeRegistration: {ignorePreflightErrors: ['NumCPU']}}),
	];
	const cluster = clusterOf({given, version: parseKubernetesVersion('v1.25.0')});
	const init = initDocuments(cluster, master);
	t.deepEqual(
		init.map(({kind}) => kind),
		['InitConfiguration', 'ClusterConfiguration', 'KubeletConfiguration', 'KubeProxyConfiguration'],
	);
	t.like(init[0], {nodeRegistration: {name: 'm1', ignorePreflightErrors: ['NumCPU']}});
	const join = joinDocuments(cluster, worker, {
		discovery: {kubeconfig: '/etc/kubernetes/kubelet.conf'},
		isMaster: false,
	});
	t.is(join.length, 1);
	t.like(join[0], {nodeRegistration: {name: 'w1', ignorePreflightErrors: ['Mem']}});
});

function clusterOf(parts: Partial<KubeadmCluster>): KubeadmCluster {
	return {
		name: 'default',
		version: parseKubernetesVersion('v1.20.2'),
		network: readNetwork([]),
		apiNames: ['m1.example.com'],
		proxyMode: 'iptables',
		criSocket: '/run/containerd/containerd.sock',
		hasCgroupV1: false,
		hasWorkers: true,
		given: [],
		...parts,
	};
}

function parse(api: string, kind: string, fields: object): KubeadmDocument {
	return {apiVersion: `kubeadm.k8s.io/${api}`, kind, ...fields};
}
