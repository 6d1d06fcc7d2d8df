import test from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import {access} from '../../../lib/runtime/control/access.js';
import {deleteNode, withoutMaster} from '../../../lib/runtime/control/delete-node.js';
import {accessDigest, accessObjects} from '../../../lib/runtime/control/describe.js';
import {drain} from '../../../lib/runtime/control/drain.js';
import {leaveEtcd} from '../../../lib/runtime/control/leave-etcd.js';
import {parseNodes, ready} from '../../../lib/runtime/control/ready.js';
import type {FakeCall} from '../../../lib/runtime/transport/fake/host.js';
import {actionOf, type PlayedRun, playRun, quick, settingOf} from '../../helpers/control-run.js';

/** What a master was asked, without what is the same in all. */
function asked({hosts}: PlayedRun, name = 'm1'): readonly string[] {
	return (hosts.get(name)?.calls ?? []).filter(call => call.argv[0] === 'kubectl').map(wordsOf);
}

function wordsOf(call: FakeCall): string {
	return call.argv
		.slice(5)
		.filter(word => !word.startsWith('--request-timeout='))
		.join(' ');
}

test('objects are applied from stdin, over the API server of the master that is asked', async t => {
	const played = playRun(settingOf(1, 0), {live: ['m1']});
	let input = '';
	played.hosts.get('m1')!.on('kubectl', async call => {
		input = (await call.readInput()).toString();
		return 'role.rbac.authorization.k8s.io/sealimage:balancer created\n';
	});
	await access(played.run, actionOf('access', {objects: accessDigest()}), played.options);
	t.deepEqual(played.hosts.get('m1')?.calls[0]?.argv, [
		'kubectl',
		'--kubeconfig',
		'/etc/kubernetes/admin.conf',
		'--server',
		'https://10.0.0.1:6443',
		'--request-timeout=30s',
		'apply',
		'-f',
		'-',
	]);
	t.deepEqual(JSON.parse(input), {apiVersion: 'v1', kind: 'List', items: accessObjects()});
});

test('a master that is gone is asked no more, another answers', async t => {
	const played = playRun(settingOf(3, 0), {live: ['m1', 'm2']});
	played.hosts.get('m1')!.down();
	played.hosts.get('m2')!.on('kubectl', 'done');
	await access(played.run, actionOf('access', {objects: accessDigest()}), played.options);
	t.is(asked(played, 'm2').length, 1);
});

test('an API server that says no is not asked elsewhere', async t => {
	const played = playRun(settingOf(3, 0), {live: ['m1', 'm2']});
	played.hosts.get('m1')!.on('kubectl', {code: 1, stderr: 'error: the server says it is forbidden'});
	await t.throwsAsync(access(played.run, actionOf('access', {objects: accessDigest()}), played.options), {
		code: 'ERR_COMMAND_FAILED',
	});
	t.deepEqual(asked(played, 'm2'), []);
});

test('masters that were there before are waited for', async t => {
	const played = playRun(settingOf(2, 0), {states: {m1: {manifests: ['kube-apiserver']}, m2: {}}});
	let looks = 0;
	played.hosts.get('m1')!.on('kubectl', call => {
		if (!call.argv.includes('/readyz')) return 'done';
		looks++;
		return looks < 3 ? {code: 1, stderr: 'refused'} : 'ok';
	});
	const options = {...played.options, patience: {...played.options.patience, apiMs: 60_000}};
	await access(played.run, actionOf('access', {objects: accessDigest()}), options);
	t.deepEqual(played.live, ['m1']);
	t.deepEqual(asked(played, 'm2'), []);
});

test('no master at all is an error that names who was asked', async t => {
	const played = playRun(settingOf(2, 0), {states: {m1: {manifests: ['kube-apiserver']}}});
	played.hosts.get('m1')!.down();
	const action = actionOf('access', {objects: accessDigest()});
	await t.throwsAsync(access(played.run, action, played.options), {code: 'ERR_API_SERVER', message: /\(asked: m1\)/});
});

const drains = test.macro(async (t, version: string, isDead: boolean, expected: readonly string[]) => {
	const played = playRun(settingOf(1, 1, {version}), {live: ['m1']});
	played.hosts.get('m1')!.on('kubectl', call => (call.argv.includes('get') ? 'node/w1\n' : 'ok\n'));
	await drain(played.run, actionOf('drain', {node: 'w1', isDead}), played.options);
	t.deepEqual(asked(played), ['get node w1 --ignore-not-found -o name', ...expected]);
});

const gone = 'delete pods --all-namespaces --field-selector spec.nodeName=w1 --force --grace-period=0 --wait=false';
test('work moves off a node in order', drains, '1.20.2', false, [
	'drain w1 --ignore-daemonsets --delete-emptydir-data --force --timeout=300s',
]);
test('pods of a dead node are given up', drains, '1.25.0', true, ['cordon w1', gone]);
test('so are its volumes where the cluster can', drains, '1.26.0', true, [
	'cordon w1',
	'taint --overwrite node w1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute',
	gone,
]);

test('a node that never came needs no draining', async t => {
	const played = playRun(settingOf(1, 1), {live: ['m1']});
	played.hosts.get('m1')!.on('kubectl', '');
	await drain(played.run, actionOf('drain', {node: 'w1', isDead: false}), played.options);
	t.is(asked(played).length, 1);
});

test('a budget that keeps a pod is told, and no other master tries again', async t => {
	const played = playRun(settingOf(2, 1), {live: ['m1', 'm2']});
	const stderr = 'evicting pod a/b\nerror when evicting pods/"b": global timeout reached: 5m0s\n';
	played.hosts.get('m1')!.on('kubectl', call => (call.argv.includes('get') ? 'node/w1\n' : {code: 1, stderr}));
	await t.throwsAsync(drain(played.run, actionOf('drain', {node: 'w1', isDead: false}), played.options), {
		code: 'ERR_NODE_DRAIN',
		message: /w1 cannot be drained: error when evicting/,
	});
	t.deepEqual(asked(played, 'm2'), []);
});

test('a member of etcd is taken out by another master than its own', async t => {
	const calls: [string, unknown][] = [];
	const agent = (host: string, _: string, params: unknown): unknown => {
		calls.push([host, params]);
		return {isChanged: true};
	};
	const played = playRun(settingOf(3, 0), {live: ['m1', 'm2'], agent});
	await leaveEtcd(played.run, actionOf('leave-etcd', {node: 'm1', peerAddress: '10.0.0.1'}), played.options);
	t.deepEqual(calls, [
		[
			'm2',
			{
				do: 'remove',
				peerUrl: 'https://10.0.0.1:2380',
				endpoint: 'https://127.0.0.1:2379',
				folder: '/etc/kubernetes/pki/etcd',
			},
		],
	]);
	const external = {endpoints: ['https://10.9.0.1:2379'], caFile: '/a', certFile: '/b', keyFile: '/c'};
	const document = {apiVersion: 'kubeadm.k8s.io/v1beta3', kind: 'ClusterConfiguration', etcd: {external}};
	const elsewhere = playRun(settingOf(3, 0, {kubeadm: [document]}), {live: ['m2'], agent});
	await leaveEtcd(elsewhere.run, actionOf('leave-etcd', {node: 'm1', peerAddress: '10.0.0.1'}), elsewhere.options);
	t.is(calls.length, 1, 'an etcd elsewhere has no members of ours');
});

test('members that are busy for a moment are waited for before a member is taken out, those that stay away are not', async t => {
	let refusals = 2;
	const agent = (): unknown => {
		if (refusals === 0) return {isChanged: true};
		refusals -= 1;
		throw new SealError(
			'ERR_ETCD_QUORUM',
			'The member cannot be taken out of etcd: 1 of the 2 members that stay are healthy',
			{
				hint: 'Start the members that are off.',
			},
		);
	};
	const {run, options} = playRun(settingOf(3, 0), {live: ['m1', 'm2'], agent});
	const action = actionOf('leave-etcd', {node: 'm1', peerAddress: '10.0.0.1'});
	const patient = {...options, patience: {...quick, settleMs: 60_000}};
	await leaveEtcd(run, action, patient);
	t.is(refusals, 0);

	refusals = Number.POSITIVE_INFINITY;
	await t.throwsAsync(leaveEtcd(run, action, options), {code: 'ERR_ETCD_QUORUM'});
});

const configMap = {
	kind: 'ConfigMap',
	metadata: {name: 'kubeadm-config', resourceVersion: '7'},
	data: {
		ClusterConfiguration: 'kind: ClusterConfiguration\n',
		ClusterStatus:
			'apiEndpoints:\n  m1: {advertiseAddress: 10.0.0.1, bindPort: 6443}\n  m2: {advertiseAddress: 10.0.0.2, bindPort: 6443}\nkind: ClusterStatus\n',
	},
};

test('a node goes, and from the list of masters too where kubeadm keeps one', async t => {
	const played = playRun(settingOf(2, 0), {live: ['m1', 'm2']});
	let replaced = '';
	played.hosts.get('m2')!.on('kubectl', async call => {
		if (call.argv.includes('replace')) replaced = (await call.readInput()).toString();
		return call.argv.includes('get') ? JSON.stringify(configMap) : 'ok\n';
	});
	await deleteNode(played.run, actionOf('delete-node', {node: 'm1'}), played.options);
	t.deepEqual(asked(played, 'm2'), [
		'delete node m1 --ignore-not-found --timeout=60s',
		'get -n kube-system configmap kubeadm-config -o json',
		'replace -f -',
	]);
	t.like(JSON.parse(replaced), {metadata: {resourceVersion: '7'}});
	t.notRegex(replaced, /10\.0\.0\.1\b/);
	t.is(withoutMaster(replaced, 'm1'), undefined);
	const later = playRun(settingOf(2, 0, {version: '1.22.0'}), {live: ['m1']});
	later.hosts.get('m1')!.on('kubectl', '');
	await deleteNode(later.run, actionOf('delete-node', {node: 'm2'}), later.options);
	t.is(asked(later).length, 1);
});

const application = {type: 'application'} as never;

test('nodes are waited for, and how many are missing is told', async t => {
	const played = playRun(settingOf(1, 1, {images: [application]}), {live: ['m1']});
	let looks = 0;
	played.hosts.get('m1')!.on('kubectl', () => {
		looks++;
		const state = looks < 2 ? 'False\tKubeletNotReady\tcni config uninitialized' : 'True\tKubeletReady\tok';
		return `m1\tTrue\tKubeletReady\tok\t\nw1\t${state}\t\n`;
	});
	const options = {...played.options, patience: {...played.options.patience, nodesMs: 60_000}};
	await ready(played.run, actionOf('ready', {nodes: ['m1', 'w1']}), options);
	t.deepEqual(
		played.events.flatMap(event => (event.type === 'hosts.progress' ? [[event.doneHosts, ...event.slowest]] : [])),
		[[1, 'w1'], [2]],
	);
});

test('nodes that do not come are named, with why and with what their hosts say', async t => {
	const played = playRun(settingOf(1, 1, {images: [application]}), {live: ['m1']});
	played.hosts.get('m1')!.on('kubectl', 'm1\tTrue\tKubeletReady\tok\t\n');
	played.hosts.get('w1')!.on('sh', 'kubelet active\nkubelet E1122 x.go:1] certificate has expired\n');
	const error = await t.throwsAsync(ready(played.run, actionOf('ready', {nodes: ['m1', 'w1']}), played.options), {
		code: 'ERR_NODES_NOT_READY',
		message: /1 of 2 nodes .* w1 \(it has not come to the cluster\)/,
	});
	t.regex(JSON.stringify(error), /certificate has expired/);
});

test('nobody waits for a network that nobody brings', async t => {
	const played = playRun(settingOf(1, 0), {live: ['m1']});
	played.hosts
		.get('m1')!
		.on('kubectl', 'm1\tFalse\tKubeletNotReady\truntime network not ready: cni config uninitialized\t\n');
	await ready(played.run, actionOf('ready', {nodes: ['m1']}), played.options);
	t.true(played.events.some(event => event.type === 'warning' && event.code === 'NoPodNetwork'));
});

test('what nodes say of themselves cannot drive a terminal', t => {
	const [node] = parseNodes('m1\tFalse\tBad\t\u001b[2Jgone\t\n', ['m1']);
	t.is(node?.why, 'Bad:  [2Jgone');
});
