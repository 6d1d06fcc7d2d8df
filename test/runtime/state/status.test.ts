import test from 'ava';
import type {HostOutcome} from '../../../lib/runtime/host/each.js';
import type {HostState} from '../../../lib/runtime/state/host-state.js';
import {askCluster, type LiveCluster} from '../../../lib/runtime/state/live.js';
import {isWell, judgeCluster} from '../../../lib/runtime/state/status.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {
	digestNumber,
	exampleId,
	exampleImage,
	exampleState,
	hostState,
	settingHost,
	workingMaster,
} from '../../helpers/cluster-state.js';

const state = exampleState({done: {'application/redis:v7': digestNumber(1)}});
const answer = (host: string, value: HostState): HostOutcome<HostState> => ({host, ok: true, value, elapsedMs: 1});
const node = hostState({
	member: {cluster: 'prod', id: exampleId, role: 'node'},
	kubernetes: {...workingMaster, manifests: [], hasEtcdData: false, hasAdminConf: false, apiReady: undefined},
});
const live: LiveCluster = {
	nodes: ['node-m1', 'node-n1'].map(name => ({name, isReady: true, isSchedulable: true, version: 'v1.20.2'})),
	etcd: ['node-m1'],
};

test('a cluster in which everything works is well', t => {
	const status = judgeCluster(state, [answer('m1', hostState()), answer('n1', node)], live);
	t.true(isWell(status), JSON.stringify(status));
	t.like(status, {name: 'prod', version: 'v1.20.2', applications: [{image: 'redis:v7', isDone: true}]});
	t.like(status.hosts[0], {
		host: 'm1',
		role: 'master',
		api: true,
		etcd: true,
		node: {isReady: true, version: 'v1.20.2'},
	});
	t.like(status.hosts[1], {host: 'n1', role: 'node', api: undefined, etcd: undefined});
});

const wrong = test.macro({
	exec(t, master: HostState, of: LiveCluster | undefined, problem: RegExp) {
		const status = judgeCluster(state, [answer('m1', master), answer('n1', node)], of);
		t.false(isWell(status));
		t.regex([...status.problems, ...status.hosts.flatMap(({problems}) => problems)].join('; '), problem);
	},
	title: (title = '') => `a cluster is not well when ${title}`,
});
const kubernetes = (changes: Partial<HostState['kubernetes']>): HostState =>
	hostState({kubernetes: {...workingMaster, ...changes}});
test('a kubelet is down', wrong, kubernetes({kubelet: 'failed'}), live, /kubelet is failed/);
test(
	'an API server does not answer',
	wrong,
	kubernetes({apiReady: false}),
	live,
	/does not answer; .*|0 of 1 masters work/,
);
test('a master lost its pods', wrong, kubernetes({manifests: []}), live, /it has no API server/);
test('a host is in no cluster', wrong, hostState({member: undefined}), live, /it is in no cluster/);
test(
	'a host is in another cluster',
	wrong,
	hostState({member: {cluster: 'x', id: 'f'.repeat(16), role: 'node'}}),
	live,
	/in the cluster "x"/,
);
test('etcd is not ready', wrong, hostState(), {...live, etcd: []}, /member of etcd is not ready/);
test('a node is missing', wrong, hostState(), {...live, nodes: []}, /has no such node/);
test('nobody could be asked', wrong, hostState(), undefined, /no API server could be asked/);
test(
	'a node is not ready',
	wrong,
	hostState(),
	{...live, nodes: live.nodes.map(one => ({...one, isReady: false, why: 'KubeletNotReady'}))},
	/not ready: KubeletNotReady/,
);

test('a host that does not answer is a line like others', t => {
	const status = judgeCluster(
		state,
		[answer('m1', hostState()), {host: 'n1', ok: false, error: new Error('x'), elapsedMs: 1}],
		live,
	);
	t.like(status.hosts[1], {answers: false, problems: ['it does not answer']});
	t.false(isWell(status));
});

test('an application that was not run is no well-being, a node of somebody else is', t => {
	const outcomes = [answer('m1', hostState()), answer('n1', node)];
	t.false(isWell(judgeCluster(exampleState(), outcomes, live)));
	const joined = {
		...live,
		nodes: [...live.nodes, {name: 'hand', isReady: true, isSchedulable: true, version: 'v1.20.2'}],
	};
	const status = judgeCluster(state, outcomes, joined);
	t.true(isWell(status));
	t.deepEqual(status.notes, ['nodes that sealimage did not bring: hand']);
});

test('an application without lines is not waited for', t => {
	const silent = {...exampleImage('images:v1', 'application', 64), command: []};
	const {images} = state.setting;
	const more = {...state, setting: {...state.setting, images: [...images, silent]}};
	const status = judgeCluster(more, [answer('m1', hostState()), answer('n1', node)], live);
	t.deepEqual(status.applications, [{image: 'redis:v7', isDone: true}]);
});

test('it is said how far a cluster is from losing its quorum', t => {
	const masters = ['m1', 'm2', 'm3'].map(name => settingHost(name, true));
	const three = exampleState({}, masters);
	const status = (...apis: boolean[]): readonly string[] =>
		judgeCluster(
			three,
			apis.map((apiReady, index) => answer(masters[index]!.name, kubernetes({apiReady}))),
			live,
		).problems;
	t.deepEqual(status(true, true, true), []);
	t.deepEqual(status(true, true, false), ['the cluster does not survive the loss of one more master']);
	t.deepEqual(status(true, false, false), ['1 of 3 masters work, and 2 are needed']);
});

test('a master is asked for nodes and etcd, and its answer is made safe', async t => {
	const condition = (status: string, reason = ''): object => ({type: 'Ready', status, reason});
	const nodes = {
		items: [
			{
				metadata: {name: 'a'},
				spec: {},
				status: {conditions: [condition('True')], nodeInfo: {kubeletVersion: 'v1.20.2'}},
			},
			{
				metadata: {name: 'b\u001b'},
				spec: {unschedulable: true},
				status: {conditions: [condition('False', 'Kubelet\nNot')]},
			},
			{metadata: {}},
			'nonsense',
		],
	};
	const pods = {
		items: [
			{spec: {nodeName: 'a'}, status: {conditions: [condition('True')]}},
			{spec: {nodeName: 'b'}, status: {}},
		],
	};
	const host = createFakeHost({name: 'm1'}).on('kubectl', call =>
		JSON.stringify(call.argv.includes('pods') ? pods : nodes),
	);
	t.deepEqual(await askCluster({transport: host.transport, apiUrl: 'https://10.0.0.1:6443'}), {
		nodes: [
			{name: 'a', isReady: true, isSchedulable: true, version: 'v1.20.2'},
			{name: 'b?', isReady: false, why: 'Kubelet?Not', isSchedulable: false, version: ''},
		],
		etcd: ['a'],
	});
	t.true(host.calls.every(({argv}) => argv.join(' ').includes('--server https://10.0.0.1:6443')));
	const mute = createFakeHost({name: 'm1'}).on('kubectl', 'no JSON');
	await t.throwsAsync(askCluster({transport: mute.transport}), {code: 'ERR_CLUSTER_API'});
});
