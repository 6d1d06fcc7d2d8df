import test from 'ava';
import {parseKubernetesVersion} from '../../../lib/runtime/kubeadm/version.js';
import {checkRequest, refuseProblems} from '../../../lib/runtime/lifecycle/check.js';
import {planCluster} from '../../../lib/runtime/lifecycle/plan.js';
import type {PlanRequest} from '../../../lib/runtime/lifecycle/request.js';
import type {ClusterSetting, SettingHost} from '../../../lib/runtime/lifecycle/setting.js';
import type {HostState} from '../../../lib/runtime/state/host-state.js';
import {changed} from '../../helpers/recorded-facts.js';
import {createWorld, type FakeWorld, requestFor} from './fake-cluster.js';
import {runVerb} from './fake-run.js';
import {host, image, rootfs, setting} from './settings.js';

type Found = readonly [severity: string, code: string, hosts: readonly string[], message: string | RegExp];

const finds = test.macro((t, request: PlanRequest, ...expected: readonly Found[]) => {
	const problems = checkRequest(request);
	t.deepEqual(
		problems.map(({severity, code, hosts}) => [severity, code, hosts]),
		expected.map(([severity, code, hosts]) => [severity, code, hosts]),
		JSON.stringify(problems, null, 2),
	);
	for (const [index, [, , , message]] of expected.entries()) {
		if (typeof message === 'string') t.is(problems[index]!.message, message);
		else t.regex(problems[index]!.message, message);
	}
	const code = expected.find(([severity]) => severity === 'error')?.[1];
	if (code === undefined) t.notThrows(() => planCluster(request));
	else t.throws(() => planCluster(request));
});

const plain = setting({masters: [1], nodes: [11]});

test('a request in order', finds, bare(plain));
test('no image', finds, bare({...plain, images: []}), [
	'error',
	'ERR_ROOTFS',
	[],
	'There is no image, expected a rootfs',
]);
test(
	'an image first that is no rootfs',
	finds,
	bare({...plain, images: [image('redis:v7', 'application'), rootfs(30)]}),
	['error', 'ERR_ROOTFS', [], 'The first image, redis:v7, is of the type application, expected a rootfs'],
);
test('two of them', finds, bare({...plain, images: [rootfs(30), rootfs(31)]}), [
	'error',
	'ERR_ROOTFS',
	[],
	'kubernetes:v1.30.2 and kubernetes:v1.31.2 are all of the type rootfs, expected one',
]);
test(
	'an image twice',
	finds,
	bare({...plain, images: [rootfs(30), image('a', 'application'), image('a', 'application')]}),
	['error', 'ERR_IMAGE_TWICE', [], 'a is named twice'],
);
test(
	'a platform that an image lacks',
	finds,
	bare({...plain, hosts: [host(1, 'master'), host(11, 'node', {platform: 'linux/s390x'})]}),
	[
		'error',
		'ERR_PLATFORM',
		['10.0.0.11'],
		'kubernetes:v1.30.2 is not there for linux/s390x, but for linux/amd64 and linux/arm64',
	],
);
test('an even number of masters', finds, bare(setting({masters: [1, 2], nodes: []})), [
	'warning',
	'EvenMasters',
	[],
	'2 masters outlive the loss of none, as 1 would: etcd needs 2 of 2',
]);
test('no master', finds, bare(setting({masters: [], nodes: [11]})), [
	'error',
	'ERR_HOSTS_MISSING',
	[],
	'No host is a master',
]);
test(
	'a host in two roles',
	finds,
	bare({...plain, hosts: [host(1, 'master'), host(1, 'node'), host(2, 'node', {roles: ['master', 'node']})]}),
	['error', 'ERR_HOST_ROLES', ['10.0.0.1', '10.0.0.2'], 'The host is named as a master and as a node'],
);
test('a host twice', finds, bare({...plain, hosts: [host(1, 'master'), host(11, 'node'), host(11, 'node')]}), [
	'error',
	'ERR_HOST_DUPLICATE',
	['10.0.0.11'],
	'The host is named several times',
]);
test(
	'two hosts of one name and one address',
	finds,
	bare({...plain, hosts: [host(1, 'master'), host(11, 'node', {nodeName: 'h1', addresses: ['10.0.0.1']})]}),
	['error', 'ERR_NODE_NAME', ['10.0.0.1', '10.0.0.11'], 'The node of each would be called h1'],
	['error', 'ERR_HOST_DUPLICATE', ['10.0.0.1', '10.0.0.11'], 'The address 10.0.0.1 is that of each of them'],
);
for (const [what, change] of [
	['kubernetes.default.svc', {nodeName: 'kubernetes.default.svc'}],
	['10.96.0.1', {addresses: ['10.96.0.1']}],
	['10.103.97.2', {addresses: ['10.103.97.2']}],
	['api.example', {nodeName: 'api.example'}],
] as const) {
	test(
		`a node that says it is ${what}`,
		finds,
		bare({...plain, apiNames: ['api.example'], hosts: [host(1, 'master'), host(11, 'node', change)]}),
		[
			'error',
			'ERR_NODE_NAME',
			['10.0.0.11'],
			`The host says that it is ${what}, which is a name or an address of the API servers or of services`,
		],
		...('addresses' in change
			? [['error', 'ERR_CLUSTER_NETWORK', ['10.0.0.11'], /overlaps one that the host is in/] as const]
			: []),
	);
}
test(
	'the network of pods over that of the hosts',
	finds,
	bare({
		...plain,
		network: {...plain.network, pods: ['10.0.0.0/8'], services: ['172.30.0.0/16'], virtualAddress: '192.168.77.1'},
	}),
	[
		'error',
		'ERR_CLUSTER_NETWORK',
		['10.0.0.1', '10.0.0.11'],
		/^The network of pods, 10\.0\.0\.0\/8, overlaps one that the host is in \(10\.0\.0\.0\/16 of eth0\): once the cluster runs/,
	],
);
test(
	'masters whose clocks are apart',
	finds,
	withState(bare(setting({masters: [1, 2, 3], nodes: [11]})), '10.0.0.2', state => ({
		...state,
		facts: changed(state.facts, facts => (facts.clock.offsetMs = 90_000)),
	})),
	['error', 'ERR_HOST_CLOCK', ['10.0.0.2'], /^The clock is ahead of those of most hosts \(90 s\)/],
);
test(
	'a host in another cluster',
	finds,
	withState(bare(plain), '10.0.0.11', state => ({
		...state,
		member: {cluster: 'other', id: 'f'.repeat(16), role: 'node'},
	})),
	['error', 'ERR_HOST_TAKEN', ['10.0.0.11'], 'The host is in another cluster, which is called "other"'],
);
test(
	'a Kubernetes that others brought',
	finds,
	withState(bare(plain), '10.0.0.11', state => ({...state, kubernetes: {...state.kubernetes, hasKubeletConf: true}})),
	['error', 'ERR_HOST_TAKEN', ['10.0.0.11'], 'There is a Kubernetes that sealimage did not bring'],
);
test('hosts of other clusters are taken when that is forced', finds, {
	...withState(bare(plain), '10.0.0.11', state => ({
		...state,
		member: {cluster: 'other', id: 'f'.repeat(16), role: 'node'},
	})),
	isForced: true,
});
test('a new host that is silent', finds, without(bare(plain), '10.0.0.11'), [
	'error',
	'ERR_HOST_UNREACHABLE',
	['10.0.0.11'],
	'The host does not answer, and is not in the cluster yet',
]);

test('a host of the cluster that is silent is left as it is', finds, without(running([1, 2, 3], [11]), '10.0.0.11'), [
	'warning',
	'HostSilent',
	['10.0.0.11'],
	'The host does not answer, and is left as it is',
]);
test('an older Kubernetes', finds, wanting(running([1], []), rootfs(29)), [
	'error',
	'ERR_VERSION_ORDER',
	[],
	'The cluster has Kubernetes v1.30.2, and the rootfs image v1.29.2: nothing leads back',
]);
test('a Kubernetes two minors ahead', finds, wanting(running([1], []), rootfs(32)), [
	'error',
	'ERR_VERSION_ORDER',
	[],
	'The cluster has Kubernetes v1.30.2, and the rootfs image v1.32.2: one minor may follow another, but none may be left out',
]);
test('the next Kubernetes', finds, wanting(running([1], []), rootfs(31)), [
	'error',
	'ERR_UPGRADE',
	[],
	'The cluster has Kubernetes v1.30.2, and the rootfs image v1.31.2: clusters are not upgraded by this version of sealimage',
]);
test(
	'another network and other settings of kubeadm than the cluster was made with',
	finds,
	changedSetting(running([1], []), wanted => ({
		...wanted,
		network: {...wanted.network, services: ['10.97.0.0/22']},
		proxyMode: 'ipvs',
	})),
	[
		'error',
		'ERR_CLUSTER_CHANGED',
		[],
		'The network of services is 10.96.0.0/22 in the cluster, and shall be 10.97.0.0/22: it cannot be changed any more',
	],
	['warning', 'KubeadmIgnored', [], 'The settings of kubeadm are others than those that the cluster was made with'],
);
test(
	'a node that becomes a master, and one that was renamed',
	finds,
	changedSetting(running([1], [11, 12]), wanted => ({
		...wanted,
		hosts: [
			host(1, 'master'),
			{...host(11, 'node'), isMaster: true, roles: ['master']},
			host(12, 'node', {nodeName: 'other'}),
		],
	})),
	['error', 'ERR_HOST_ROLES', ['10.0.0.11'], 'The host is a node of the cluster, and shall be a master'],
	['error', 'ERR_NODE_NAME', ['10.0.0.12'], 'The node is called h12 in the cluster, and the host other'],
	['warning', 'EvenMasters', [], /^2 masters/],
);
test(
	'a node that is named otherwise than the cluster knows it would come and leave at once',
	finds,
	renamed(running([1], [11, 12]), 11, {name: 'worker'}),
	[
		'error',
		'ERR_HOST_DUPLICATE',
		['worker'],
		'The host has the name or an address of 10.0.0.11, which would leave the cluster',
	],
);
test(
	'a new machine with the name of a node that leaves',
	finds,
	renamed(running([1], [11, 12]), 11, {name: '10.0.0.13', addresses: ['10.0.0.13']}),
	['error', 'ERR_HOST_DUPLICATE', ['10.0.0.13'], /^The host has the name or an address of 10\.0\.0\.11/],
);
test(
	'another address for a host that is in the cluster',
	finds,
	changedSetting(running([1], [11]), wanted => ({
		...wanted,
		hosts: [host(1, 'master', {addresses: ['10.0.0.9']}), host(11, 'node')],
	})),
	[
		'error',
		'ERR_CLUSTER_CHANGED',
		['10.0.0.1'],
		'The cluster knows the host by 10.0.0.1, and shall know it by 10.0.0.9',
	],
);
test(
	'a machine that is another one than the cluster knows',
	finds,
	withState(running([1], [11]), '10.0.0.11', state => ({
		...state,
		facts: changed(state.facts, facts => {
			facts.identity.hostname = 'fresh';
			facts.system.architecture = 'arm64';
			facts.network.interfaces = [{name: 'eth0', addresses: ['10.0.0.77/16'], hardware: true}];
		}),
	})),
	['error', 'ERR_PLATFORM', ['10.0.0.11'], 'The host is linux/amd64 in the cluster, and the machine "linux/arm64"'],
	['warning', 'HostRenamed', ['10.0.0.11'], 'The machine is called "fresh", and its node h11'],
	[
		'warning',
		'HostMoved',
		['10.0.0.11'],
		'The host has no longer the address 10.0.0.11, by which the cluster knows it',
	],
);
test('the last master leaves', finds, leaving(running([1], [11]), [1]), [
	'error',
	'ERR_LAST_MASTER',
	['10.0.0.1'],
	'No master would be left in the cluster',
]);
test('every master is another one', t => {
	const {world, wanted} = running([1], [11]);
	const hosts = [host(4, 'master'), host(11, 'node')];
	const request = requestFor(world, {...wanted, hosts}, {verb: 'apply', leaving: [host(1, 'master')]});
	t.like(checkRequest(request)[0], {
		code: 'ERR_LAST_MASTER',
		message: 'None of the masters that work would stay, only 10.0.0.4 that join or do not work',
	});
});
test('what only the operator remembers is no cluster: hosts have to answer, and versions are free', t => {
	const wanted = setting({masters: [1], nodes: [11]});
	const known = {schema: 1, generation: 0, writtenBy: 'test', setting: wanted, reach: {}, done: {}} as const;
	const request = wanting({...bare(wanted), known}, rootfs(29));
	t.deepEqual(checkRequest(request), []);
	t.like(checkRequest(without(request, '10.0.0.11')), [{code: 'ERR_HOST_UNREACHABLE', hosts: ['10.0.0.11']}]);
});
test(
	'no master answers',
	finds,
	without(running([1], [11]), '10.0.0.1'),
	[
		'error',
		'ERR_CONTROL_PLANE_LOST',
		['10.0.0.1'],
		'The master does not answer, and there is a cluster that no other works for',
	],
	['warning', 'HostSilent', ['10.0.0.1'], 'The host does not answer, and is left as it is'],
);
test(
	'the only master has lost its data',
	finds,
	withState(running([1], [11]), '10.0.0.1', state => ({
		...state,
		kubernetes: {...state.kubernetes, hasEtcdData: false, manifests: []},
	})),
	['error', 'ERR_CONTROL_PLANE_LOST', [], 'There was a cluster, and no master has its data any more'],
);
test(
	'the only master has its data, and no static pods',
	finds,
	withState(running([1], [11]), '10.0.0.1', state => ({...state, kubernetes: {...state.kubernetes, manifests: []}})),
	[
		'error',
		'ERR_CONTROL_PLANE_LOST',
		[],
		'There was a cluster, and no master runs a whole control plane; the data of etcd is on 10.0.0.1',
	],
);
test(
	'a master leaves while two of five are down',
	finds,
	leaving(running([1, 2, 3, 4, 5], [], [4, 5]), [1]),
	['error', 'ERR_QUORUM', ['10.0.0.1'], 'Without it etcd has 4 members and needs 3 of them, and 2 would work'],
	['warning', 'EvenMasters', [], /^4 masters/],
	['warning', 'HostSilent', ['10.0.0.4', '10.0.0.5'], /^The host does not answer/],
);
test(
	'etcd has no majority',
	finds,
	leaving(running([1, 2, 3], [], [2, 3]), [3]),
	[
		'error',
		'ERR_QUORUM',
		[],
		'etcd has 3 members and needs 2 of them, and none of them work: it changes nothing until more are back',
	],
	['warning', 'EvenMasters', [], /^2 masters/],
	['warning', 'HostSilent', ['10.0.0.2'], /^The host does not answer, and is left/],
	[
		'warning',
		'HostSilent',
		['10.0.0.3'],
		'The host does not answer: it is forgotten, but nothing on it is stopped or put back',
	],
);
test('what costs the majority is done when it is forced', t => {
	const request = {...leaving(running([1, 2, 3], [], [2, 3]), [3]), isForced: true};
	t.deepEqual(
		planCluster(request)
			.actions.filter(({kind}) => kind === 'leave-etcd')
			.map(({id}) => id),
		['leave-etcd/10.0.0.3'],
	);
});
test(
	'a master is added while one is down',
	finds,
	adding(running([1, 2, 3], [], [3]), 4),
	[
		'error',
		'ERR_QUORUM',
		['10.0.0.3'],
		'The master does not answer, and etcd takes no new member while one is missing',
	],
	['warning', 'EvenMasters', [], /^4 masters/],
	['warning', 'HostSilent', ['10.0.0.3'], /^The host does not answer/],
);
test(
	'a host that leaves is in another cluster by now',
	finds,
	withState(leaving(running([1], [11]), [11]), '10.0.0.11', state => ({
		...state,
		member: {cluster: 'other', id: 'f'.repeat(16), role: 'node'},
	})),
	[
		'warning',
		'HostElsewhere',
		['10.0.0.11'],
		'The host is in another cluster by now: it is forgotten, and left as it is',
	],
);

test('a host that leaves and is in another cluster is not touched', t => {
	const request = withState(leaving(running([1], [11]), [11]), '10.0.0.11', state => ({
		...state,
		member: {cluster: 'other', id: 'f'.repeat(16), role: 'node'},
	}));
	t.deepEqual(
		planCluster(request).actions.map(({id}) => id),
		['drain/10.0.0.11', 'delete-node/10.0.0.11', 'state', 'ready'],
	);
});

test('one error is thrown as it is, several as one that lists them, and warnings not at all', t => {
	const problems = checkRequest(bare({...setting({masters: [1, 2], nodes: []}), images: []}));
	t.throws(() => refuseProblems(problems), {code: 'ERR_ROOTFS', message: 'There is no image, expected a rootfs'});
	refuseProblems(problems.filter(({severity}) => severity === 'warning'));
	const two = checkRequest(without(bare({...plain, images: []}), '10.0.0.11'));
	const error = t.throws(() => refuseProblems(two), {code: 'ERR_CLUSTER_REQUEST'});
	t.deepEqual(error?.message.split('\n'), [
		'2 things stand in the way:',
		'  There is no image, expected a rootfs',
		`    ${two[0]?.hint}`,
		'  10.0.0.11: The host does not answer, and is not in the cluster yet',
		`    ${two[1]?.hint}`,
	]);
});

test('a master that is broken is counted as a member that does not work', t => {
	const {world, wanted} = running([1, 2, 3], []);
	const next = {...wanted, hosts: [host(1, 'master'), host(3, 'master')]};
	const request = withState(
		requestFor(world, next, {verb: 'delete', leaving: [host(2, 'master')]}),
		'10.0.0.3',
		state => ({...state, kubernetes: {...state.kubernetes, manifests: []}}),
	);
	// It joins again before the other leaves.
	t.deepEqual(
		checkRequest(request).map(({code}) => code),
		['EvenMasters'],
	);
	const leave = planCluster(request).actions.find(({id}) => id === 'leave-etcd/10.0.0.2');
	t.true(leave?.needs.includes('join/10.0.0.3'));
	t.like(checkRequest(without(request, '10.0.0.3'))[0], {code: 'ERR_QUORUM', hosts: ['10.0.0.2']});
});

test('a node whose kubelet was stopped is not told that it is in the network of pods', t => {
	const request = withState(running([1], [11]), '10.0.0.11', state => ({
		...state,
		facts: changed(state.facts, facts =>
			facts.network.interfaces.push({name: 'cni0', addresses: ['100.64.1.1/24'], hardware: false}),
		),
		kubernetes: {...state.kubernetes, kubelet: 'inactive'},
	}));
	t.deepEqual(checkRequest(request), []);
});

test('nothing forces a cluster to begin over another one', t => {
	const request = {...without(running([1], [11]), '10.0.0.1'), isForced: true};
	t.throws(() => planCluster(request), {code: 'ERR_CONTROL_PLANE_LOST'});
});

/** For hosts on which there is nothing. */
function bare(wanted: ClusterSetting): PlanRequest {
	return requestFor(createWorld(30, wanted.hosts), wanted, {verb: 'run'});
}

/** For a cluster that runs, with these masters off. */
function running(
	masters: readonly number[],
	nodes: readonly number[],
	off: readonly number[] = [],
): PlanRequest & {readonly world: FakeWorld} {
	const wanted = setting({masters, nodes});
	const world = createWorld(30, [...wanted.hosts, host(4, 'master')]);
	const {failures} = runVerb(world, requestFor(world, wanted, {verb: 'run'}), 1);
	if (failures.length > 0) throw new Error(failures.join('\n'));
	for (const number of off) world.hosts.get(host(number, 'master').name)!.isUp = false;
	return {...requestFor(world, wanted, {verb: 'apply'}), world};
}

function leaving({world, wanted}: ReturnType<typeof running>, numbers: readonly number[]): PlanRequest {
	const gone = new Set(numbers.map(number => host(number, 'node').name));
	const isGone = ({name}: SettingHost): boolean => gone.has(name);
	const hosts = wanted.hosts.filter(one => !isGone(one));
	return requestFor(world, {...wanted, hosts}, {verb: 'delete', leaving: wanted.hosts.filter(isGone)});
}

function adding({world, wanted}: ReturnType<typeof running>, number: number): PlanRequest {
	return requestFor(world, {...wanted, hosts: [...wanted.hosts, host(number, 'master')]}, {verb: 'add'});
}

/** A Clusterfile that has another host, or another word for it, in place of one of the nodes. */
function renamed(
	{world, wanted, states}: ReturnType<typeof running>,
	number: number,
	change: Partial<SettingHost> & {readonly name: string},
): PlanRequest {
	const old = host(number, 'node');
	const hosts = wanted.hosts.map(one => (one.name === old.name ? {...one, ...change} : one));
	const request = requestFor(world, {...wanted, hosts}, {verb: 'apply', leaving: [old]});
	return {...request, states: new Map([...request.states, [change.name, states.get(old.name)!]])};
}

function wanting(request: PlanRequest, base: ClusterSetting['images'][number]): PlanRequest {
	return changedSetting(request, wanted => ({
		...wanted,
		images: [base],
		version: parseKubernetesVersion(base.kubernetes!),
	}));
}

function changedSetting(request: PlanRequest, change: (wanted: ClusterSetting) => ClusterSetting): PlanRequest {
	return {...request, wanted: change(request.wanted)};
}

function without(request: PlanRequest, name: string): PlanRequest {
	return {...request, states: new Map([...request.states].filter(([other]) => other !== name))};
}

function withState(request: PlanRequest, name: string, change: (state: HostState) => HostState): PlanRequest {
	return {
		...request,
		states: new Map([...request.states].map(([other, state]) => [other, other === name ? change(state) : state])),
	};
}
