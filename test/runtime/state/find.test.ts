import {gzipSync} from 'node:zlib';
import test from 'ava';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import {importState} from '../../../lib/runtime/state/find.js';
import {formatEntries} from '../../../lib/runtime/state/journal.js';
import {isClusterState} from '../../../lib/runtime/state/parse-state.js';
import {listedHosts, reachOf, withLogin} from '../../../lib/runtime/state/reach.js';
import {type FakeHost, openFakeHosts} from '../../../lib/runtime/transport/fake/host.js';
import {digestNumber, exampleId, exampleState} from '../../helpers/cluster-state.js';
import {localTarget} from '../../helpers/local-agents.js';
import {masterLines, toldHost} from '../../helpers/told-host.js';

const member = {cluster: 'prod', id: exampleId, role: 'master'} as const;
const target = localTarget('m1');
const options = {version: '1.0.0'};

test('a cluster is taken from the copy on its master', async t => {
	const host = toldHost('m1', {member, state: exampleState({generation: 8}), lines: masterLines});
	const {state, from} = await importState(target, openFakeHosts([host]), options);
	t.is(from, 'master');
	t.is(state.generation, 8);
	t.is(host.calls.length, 1, 'one round trip');
});

test('where the copy on the master is lost, the one in the cluster counts', async t => {
	const data = {'state.json.gz': gzipSync(JSON.stringify(exampleState())).toString('base64')};
	const host = toldHost('m1', {member, lines: masterLines}).on('kubectl', JSON.stringify({data}));
	const {state, from} = await importState(target, openFakeHosts([host]), options);
	t.is(from, 'cluster');
	t.is(state.generation, 3);
});

const node = (name: string, address: string, labels: object = {}): object => ({
	metadata: {name, labels},
	status: {
		addresses: [
			{type: 'Hostname', address: name},
			{type: 'InternalIP', address},
		],
		nodeInfo: {architecture: 'amd64'},
	},
});
const configuration = `kind: ClusterConfiguration
apiVersion: kubeadm.k8s.io/v1beta2
kubernetesVersion: v1.20.2
controlPlaneEndpoint: 10.103.97.2:7443
networking: {podSubnet: 10.0.0.0/10, serviceSubnet: 10.96.0.0/22, dnsDomain: cluster.local}
apiServer: {certSANs: [localhost, 127.0.0.1, 10.103.97.2, api.example]}
`;

/** The recorded host has this address. */
const ownAddress = '10.20.0.11';

function withObjects(host: FakeHost, own: string): FakeHost {
	const nodes = {
		items: [node('worker', '10.0.0.9'), node('first', own, {'node-role.kubernetes.io/control-plane': ''})],
	};
	const maps = {
		items: [
			{metadata: {name: 'kubeadm-config'}, data: {ClusterConfiguration: configuration}},
			{metadata: {name: 'kube-proxy'}, data: {'config.conf': 'mode: ipvs\n'}},
		],
	};
	return host.on('kubectl', call => {
		if (call.argv.includes('secret')) return '';
		return JSON.stringify(call.argv.includes('nodes') ? nodes : maps);
	});
}

test('where no copy is left, hosts, networks and version are found again, under the names that journals have', async t => {
	const journal = formatEntries([{id: 'init/m1.example', key: digestNumber(1)}]);
	const master = withObjects(toldHost('m1', {member, journal, lines: masterLines}), ownAddress);
	const worker = toldHost('10.0.0.9', {member: {...member, role: 'node'}});
	const {state, from} = await importState(target, openFakeHosts([master, worker]), options);
	t.is(from, 'rebuilt');
	t.true(isClusterState(state));
	t.like(state, {generation: 1, done: {}});
	t.like(state.setting, {
		name: 'prod',
		id: exampleId,
		version: {minor: 20},
		proxyMode: 'ipvs',
		apiNames: ['api.example'],
		images: [],
	});
	t.like(state.setting.network, {apiPort: 7443, virtualAddress: '10.103.97.2'});
	const names = state.setting.hosts.map(({name, nodeName, isMaster}) => [name, nodeName, isMaster]);
	t.deepEqual(names[0]?.slice(1), ['first', true]);
	t.deepEqual(names[1], ['10.0.0.9', 'worker', false]);
});

test('a host that is in no cluster of ours has nothing to import', async t => {
	await t.throwsAsync(importState(target, openFakeHosts([toldHost('m1')]), options), {
		code: 'ERR_CLUSTER_UNKNOWN',
		message: /in no cluster/,
	});
	const worker = toldHost('m1', {member: {...member, role: 'node'}});
	await t.throwsAsync(importState(target, openFakeHosts([worker]), options), {
		code: 'ERR_CLUSTER_UNKNOWN',
		message: /no master of "prod"/,
	});
});

test('a cluster whose objects of kubeadm are gone cannot be found again', async t => {
	const master = toldHost('m1', {member, lines: masterLines}).on('kubectl', call =>
		call.argv.includes('secret') ? '' : JSON.stringify({items: []}),
	);
	await t.throwsAsync(importState(target, openFakeHosts([master]), options), {
		code: 'ERR_CLUSTER_STATE',
		message: /kubeadm are missing/,
	});
});

test('how a host is reached is remembered without what is secret', t => {
	const login: HostTarget['login'] = {user: 'ops', port: 2222, identities: [{file: '/k'}], jumps: ['bastion']};
	const way = reachOf({name: 'a', address: '10.0.0.1', roles: [], login});
	t.deepEqual(way, {address: '10.0.0.1', port: 2222, user: 'ops', jumps: ['bastion'], identityFiles: ['/k']});
	const state = exampleState({reach: {m1: way, n1: {address: '10.0.0.2', identityFiles: ['/gone']}}});
	const listed = listedHosts(state, {user: 'root'}, path => path !== '/gone');
	t.deepEqual(listed, [
		{address: '10.0.0.1', roles: ['master'], login: {...login, user: 'root'}},
		{address: '10.0.0.2', roles: ['node'], login: {user: 'root'}},
	]);
});

test('an import remembers the login that let us in, and keeps what this machine knew', t => {
	const state = exampleState({reach: {m1: {address: '10.0.0.1'}, n1: {address: '10.0.0.2', user: 'core'}}});
	const asked = {...localTarget('10.0.0.1'), login: {user: 'ops', identities: [{file: '/k'}]}};
	t.deepEqual(withLogin(state, asked).reach, {
		m1: {address: '10.0.0.1', user: 'ops', identityFiles: ['/k']},
		n1: {address: '10.0.0.2', user: 'core', identityFiles: ['/k']},
	});
	const before = exampleState({reach: {n1: {address: 'n1.example', port: 2222}}});
	t.deepEqual(withLogin(state, localTarget('10.0.0.1'), before).reach.n1, {address: 'n1.example', port: 2222});
});
