import test from 'ava';
import {
	accessDigest,
	certificatesDigest,
	documentsDigest,
	etcdOf,
	initDocumentsOf,
	joinDocumentsOf,
	pkiClusterOf,
} from '../../../lib/runtime/control/describe.js';
import {fieldsOf, type KubeadmDocument} from '../../../lib/runtime/kubeadm/document.js';
import {settingOf} from '../../helpers/control-run.js';

const clusterDocument = {
	apiVersion: 'kubeadm.k8s.io/v1beta3',
	kind: 'ClusterConfiguration',
	controlPlaneEndpoint: 'api.example:8443',
	apiServer: {certSANs: ['k8s.example']},
	etcd: {local: {dataDir: '/data/etcd', serverCertSANs: ['etcd.example']}},
};

test('certificates carry the names that kubeadm is told', t => {
	const setting = settingOf(2, 1, {apiNames: ['own.example'], kubeadm: [clusterDocument]});
	const cluster = pkiClusterOf(setting);
	t.like(cluster, {endpoint: {host: 'api.example', port: 8443}, etcdNames: ['etcd.example'], firstMaster: 'm1'});
	for (const name of ['own.example', 'k8s.example', '127.0.0.1', '10.103.97.2'])
		t.true(cluster.apiNames.includes(name), name);
	t.deepEqual(
		cluster.masters.map(({name}) => name),
		['m1', 'm2'],
	);
	t.is(pkiClusterOf(setting), cluster, 'one setting is described once');
	t.is(pkiClusterOf(settingOf(1, 0)).endpoint.host, '10.103.97.2');
});

test('hosts join with the certificate that they have, and without a token', t => {
	const setting = settingOf(1, 1);
	const [document] = joinDocumentsOf(setting, setting.hosts[1]!);
	t.deepEqual(document?.discovery, {file: {kubeConfigPath: '/etc/kubernetes/kubelet.conf'}});
	t.false(JSON.stringify(document).toLowerCase().includes('token'));
});

test('control planes get more time than kubeadm gives by itself, in every version, and users may say otherwise', t => {
	const timeout = (version: string, kubeadm: readonly KubeadmDocument[] = []): unknown => {
		const setting = settingOf(1, 0, {version, kubeadm});
		const documents = initDocumentsOf(setting, setting.hosts[0]!);
		const [init, cluster] = ['InitConfiguration', 'ClusterConfiguration'].map(kind =>
			documents.find(document => document.kind === kind),
		);
		return (
			fieldsOf(init?.timeouts).controlPlaneComponentHealthCheck ?? fieldsOf(cluster?.apiServer).timeoutForControlPlane
		);
	};
	t.is(timeout('1.20.2'), '10m0s');
	t.is(timeout('1.31.0'), '10m0s');
	const own = {...clusterDocument, apiServer: {certSANs: [], timeoutForControlPlane: '3m0s'}};
	t.is(timeout('1.28.0', [own]), '3m0s');
});

test('where etcd is comes from the documents', t => {
	t.deepEqual(etcdOf(settingOf(1, 0)), {dataDir: '/var/lib/etcd'});
	t.deepEqual(etcdOf(settingOf(1, 0, {kubeadm: [clusterDocument]})), {dataDir: '/data/etcd'});
	const external = {endpoints: ['https://10.9.0.1:2379'], caFile: '/a', certFile: '/b', keyFile: '/c'};
	t.is(etcdOf(settingOf(1, 0, {kubeadm: [{...clusterDocument, etcd: {external}}]})), 'external');
});

test('a host that comes or goes changes nothing that the others are keyed by', t => {
	const [small, large] = [settingOf(1, 0), settingOf(3, 5)];
	const [m1] = small.hosts;
	t.is(certificatesDigest(small, m1!), certificatesDigest(large, m1!));
	t.is(documentsDigest(small, m1!), documentsDigest(large, m1!));
	t.not(certificatesDigest(large, m1!), certificatesDigest(large, large.hosts[1]!));
	t.is(accessDigest(), accessDigest());
});

test('another name of the API is another certificate, and no other node', t => {
	const [before, after] = [settingOf(1, 1), settingOf(1, 1, {apiNames: ['new.example']})];
	const [m1, w1] = before.hosts;
	t.not(certificatesDigest(before, m1!), certificatesDigest(after, m1!));
	t.is(certificatesDigest(before, w1!), certificatesDigest(after, w1!));
	t.is(documentsDigest(before, m1!), documentsDigest(after, m1!));
	t.not(documentsDigest(before, m1!), documentsDigest({...before, id: 'f'.repeat(16)}, m1!));
});
