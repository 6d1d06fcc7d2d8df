import test from 'ava';
import type {ErrorCode} from '../../../../lib/core/codes.js';
import {hasCode} from '../../../../lib/core/errors.js';
import {describeCluster, type PkiClusterSpec} from '../../../../lib/runtime/pki/cluster/description.js';
import {certSans, endpointUrl, itemsOf, localUrl} from '../../../../lib/runtime/pki/cluster/items.js';
import {lifetimeSettings} from '../../../../lib/runtime/pki/cluster/lifetimes.js';
import {threeMasters} from '../../../helpers/cluster-pki.js';

const namesOf = (spec: PkiClusterSpec, id: string): readonly string[] => {
	const cluster = describeCluster(spec);
	return itemsOf(cluster, cluster.masters[0]!).find(item => item.id === id)?.alternativeNames ?? [];
};

test('an API server is named by all that leads to it', t => {
	t.deepEqual(
		namesOf({...threeMasters, serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'], apiNames: ['K8S.example']}, 'apiserver'),
		[
			'm1',
			'kubernetes',
			'kubernetes.default',
			'kubernetes.default.svc',
			'kubernetes.default.svc.cluster.local',
			'10.96.0.1',
			'fd00:96::1',
			'10.0.0.1',
			'api.example',
			'10.103.97.2',
			'localhost',
			'127.0.0.1',
			'::1',
			'k8s.example',
		],
	);
});

test('what kubeadm would not add by itself is for its certSANs', t => {
	const spec = {...threeMasters, serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'], apiNames: ['k8s.example']};
	t.deepEqual(certSans(describeCluster(spec)), [
		'localhost',
		'127.0.0.1',
		'::1',
		'fd00:96::1',
		'10.103.97.2',
		'k8s.example',
	]);
});

test('a member of etcd is named by its node and its addresses', t => {
	const masters = [{name: 'm1', address: 'fd00:0::5', addresses: ['10.0.0.5', 'fd00::5']}];
	const names = ['m1', 'fd00::5', '10.0.0.5', 'localhost', '127.0.0.1', '::1'];
	t.deepEqual(namesOf({kubernetesVersion: '1.30', masters}, 'etcd/server'), names);
	t.deepEqual(namesOf({kubernetesVersion: '1.30', masters}, 'etcd/peer'), names);
});

test('without an endpoint the first master is it; IPv6 gets brackets', t => {
	const cluster = describeCluster({
		kubernetesVersion: '1.30',
		masters: [{name: 'm1', address: 'fd00::5'}],
		apiPort: 7443,
	});
	t.is(endpointUrl(cluster), 'https://[fd00::5]:7443');
	t.is(localUrl(cluster, cluster.masters[0]!), 'https://[fd00::5]:7443');
	const other = describeCluster({...threeMasters, endpoint: '[fd00::1]:16443'});
	t.is(endpointUrl(other), 'https://[fd00::1]:16443');
});

const groups = test.macro((t, version: string, admins: readonly string[], etcd: readonly string[], named: boolean) => {
	const cluster = describeCluster({...threeMasters, kubernetesVersion: version});
	const {facts} = cluster;
	t.deepEqual([facts.adminGroups, facts.etcdClientGroups, facts.namesAuthorities], [admins, etcd, named]);
	const items = new Map(itemsOf(cluster, cluster.masters[0]!).map(item => [item.id, item.subject.organizations ?? []]));
	t.deepEqual(items.get('admin.conf'), admins);
	t.deepEqual(items.get('apiserver-kubelet-client'), admins);
	t.deepEqual(items.get('etcd/healthcheck-client'), etcd);
	t.deepEqual(items.get('apiserver-etcd-client'), etcd);
	t.is(items.has('super-admin.conf'), etcd.length === 0);
});

test('1.20: everybody is a master', groups, '1.20.2', ['system:masters'], ['system:masters'], false);
test('1.22: authorities have a name', groups, 'v1.22.0', ['system:masters'], ['system:masters'], true);
test('1.28: as before', groups, '1.28', ['system:masters'], ['system:masters'], true);
test(
	'1.29: administrators have a group that can be taken its rights',
	groups,
	'1.29.0-rc.1',
	['kubeadm:cluster-admins'],
	[],
	true,
);
test('1.37: as before', groups, '1.37.1', ['kubeadm:cluster-admins'], [], true);

test('what renews later keeps the promise, by each means that the version has', t => {
	for (const minor of Array.from({length: 18}, (_, index) => index + 20)) {
		const settings = lifetimeSettings(`1.${minor}`);
		t.deepEqual(settings.controllerManager[0], {name: 'cluster-signing-duration', value: '876000h0m0s'});
		const {certificateValidityPeriod, caCertificateValidityPeriod} = settings.clusterConfiguration;
		t.is(certificateValidityPeriod, minor < 31 ? undefined : '876000h0m0s');
		t.is(caCertificateValidityPeriod, minor < 31 ? undefined : '963600h0m0s');
		t.is(settings.upgradeFlags.length, minor < 31 ? 1 : 0);
		t.is(settings.renewKeepsPeriod, minor >= 31);
	}
	// 99 calendar years from any day hold 24 or 25 leap days.
	const [from, to] = [Date.UTC(2000, 0), Date.UTC(2099, 0)];
	t.true(876_000 * 3_600_000 > to - from);
});

const refuses = test.macro(
	(t, change: Partial<PkiClusterSpec>, message: RegExp, code: ErrorCode = 'ERR_PKI_CLUSTER') => {
		const error = t.throws(() => describeCluster({...threeMasters, ...change}), {message});
		t.true(hasCode(error, code), code);
	},
);

const wrongVersion = 'ERR_KUBERNETES_VERSION';
test('a version that is too old', refuses, {kubernetesVersion: '1.19.4'}, /1\.19\.4 is not supported/, wrongVersion);
test('a version that is not known', refuses, {kubernetesVersion: '1.38'}, /1\.38 is not supported/, wrongVersion);
test('no version at all', refuses, {kubernetesVersion: '2.20'}, /"2.20" is no version/, wrongVersion);
test('no master', refuses, {masters: []}, /There is no master/);
test('a first master that is none', refuses, {firstMaster: 'w1'}, /"w1" is not among the masters/);
test('one name twice', refuses, {nodes: [{name: 'm2', address: '10.0.0.8'}]}, /Two hosts are called m2/);
test(
	'a name that no node may have',
	refuses,
	{nodes: [{name: 'W1', address: '10.0.0.8'}]},
	/"W1" cannot be the name of a node/,
);
test('a name that is a command', refuses, {nodes: [{name: 'a;b', address: '10.0.0.8'}]}, /"a;b"/);
test(
	'a host name as an address',
	refuses,
	{nodes: [{name: 'w', address: 'w.example'}]},
	/An address of w is "w.example"/,
);
test('an address with a zone', refuses, {virtualAddresses: ['fe80::1%eth0']}, /A virtual address is/);
test('an endpoint with a path', refuses, {endpoint: 'https://api.example'}, /The endpoint of the API is/);
test('an endpoint with a port that is none', refuses, {endpoint: 'api.example:70000'}, /A port is 70000/);
test('a name of the cluster that breaks YAML', refuses, {name: 'a: b'}, /cannot be the name of a cluster/);
test('a DNS domain that is none', refuses, {dnsDomain: 'cluster..local'}, /The DNS domain/);
test('two networks of one family', refuses, {serviceCidrs: ['10.0.0.0/16', '10.1.0.0/16']}, /The networks of services/);
test('a network without room', refuses, {serviceCidrs: ['10.0.0.0/30']}, /fewer than 8/);
test('a network that is none', refuses, {serviceCidrs: ['10.0.0.0/40']}, /is no network/, 'ERR_CIDR');
