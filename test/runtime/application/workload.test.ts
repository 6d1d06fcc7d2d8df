import test from 'ava';
import {nameOfWorkload, readWorkloads, type Workload} from '../../../lib/runtime/application/workload.js';

type Parts = Readonly<Record<string, unknown>>;

function read(kind: string, spec: Parts, status: Parts, metadata: Parts = {}): Workload | undefined {
	const item = {kind, metadata: {name: 'web', namespace: 'shop', uid: 'u1', generation: 2, ...metadata}, spec, status};
	return readWorkloads({items: [item]})[0];
}

const seen = {observedGeneration: 2};

const cases: Readonly<Record<string, readonly [Workload | undefined, Workload['state'], RegExp]>> = {
	'a Deployment of which all pods are new and available': [
		read('Deployment', {replicas: 3}, {...seen, replicas: 3, updatedReplicas: 3, availableReplicas: 3}),
		'ready',
		/3 pods/,
	],
	'a Deployment that the cluster has not looked at': [
		read('Deployment', {replicas: 1}, {observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1}),
		'waiting',
		/not begun/,
	],
	'a Deployment whose new pods are not available': [
		read('Deployment', {replicas: 3}, {...seen, replicas: 4, updatedReplicas: 1, availableReplicas: 3}),
		'waiting',
		/1 of 3/,
	],
	'a Deployment with old pods that are to end': [
		read('Deployment', {replicas: 3}, {...seen, replicas: 4, updatedReplicas: 3, availableReplicas: 3}),
		'waiting',
		/1 old pods/,
	],
	'a Deployment without status': [read('Deployment', {}, seen), 'waiting', /0 of 1/],
	'a Deployment of no pods': [read('Deployment', {replicas: 0}, seen), 'ready', /0 pods/],
	'a paused Deployment': [read('Deployment', {paused: true}, seen), 'ready', /paused/],
	'a Deployment that made no progress': [
		read(
			'Deployment',
			{},
			{...seen, conditions: [{type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded'}]},
		),
		'failed',
		/deadline/,
	],
	'a StatefulSet of one revision': [
		read('StatefulSet', {replicas: 2}, {...seen, readyReplicas: 2, updateRevision: 'a', currentRevision: 'a'}),
		'ready',
		/2 pods/,
	],
	'a StatefulSet in the middle of an update': [
		read(
			'StatefulSet',
			{replicas: 2},
			{...seen, readyReplicas: 2, updatedReplicas: 1, updateRevision: 'b', currentRevision: 'a'},
		),
		'waiting',
		/1 of 2 pods are the new/,
	],
	'a StatefulSet that is updated as far as it shall be': [
		read(
			'StatefulSet',
			{replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}},
			{...seen, readyReplicas: 3, updatedReplicas: 1, updateRevision: 'b', currentRevision: 'a'},
		),
		'ready',
		/3 pods/,
	],
	'a StatefulSet whose pods are replaced by hand': [
		read(
			'StatefulSet',
			{updateStrategy: {type: 'OnDelete'}},
			{...seen, readyReplicas: 1, updateRevision: 'b', currentRevision: 'a'},
		),
		'ready',
		/its pod/,
	],
	'a DaemonSet on all nodes': [
		read('DaemonSet', {}, {...seen, desiredNumberScheduled: 4, numberAvailable: 4, updatedNumberScheduled: 4}),
		'ready',
		/4 pods/,
	],
	'a DaemonSet with an old pod': [
		read('DaemonSet', {}, {...seen, desiredNumberScheduled: 4, numberAvailable: 4, updatedNumberScheduled: 3}),
		'waiting',
		/3 of 4/,
	],
	'a Job that ended well': [read('Job', {}, {conditions: [{type: 'Complete', status: 'True'}]}), 'ready', /complete/],
	'a Job that runs': [read('Job', {completions: 2}, {succeeded: 1}), 'waiting', /1 of 2/],
	'a Job that failed': [
		read('Job', {}, {conditions: [{type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded'}]}),
		'failed',
		/BackoffLimitExceeded/,
	],
	'a suspended Job': [read('Job', {suspend: true}, {}), 'ready', /suspended/],
};

for (const [what, [workload, state, why]] of Object.entries(cases)) {
	test(`${what} is ${state}`, t => {
		t.is(workload?.state, state);
		t.regex(workload?.why ?? '', why);
	});
}

test('what is no workload, has a name that none can have, or belongs to a CronJob is left out', t => {
	t.is(read('Pod', {}, {}), undefined);
	t.is(read('toString', {}, {}), undefined);
	t.is(read('Job', {}, {}, {name: '--kubeconfig=/x'}), undefined);
	t.is(read('Job', {}, {}, {namespace: '../x'}), undefined);
	t.is(read('Job', {}, {}, {ownerReferences: [{kind: 'CronJob'}]}), undefined);
	t.deepEqual(readWorkloads({items: 'none'}), []);
	t.deepEqual(readWorkloads({items: [null, 7, {}, {kind: 'Job'}]}), []);
});

test('its pods are found by all that its selector says', t => {
	const selector = {
		matchLabels: {app: 'web', tier: 'front'},
		matchExpressions: [
			{key: 'a', operator: 'In', values: ['x', 'y']},
			{key: 'b', operator: 'NotIn', values: ['z']},
			{key: 'c', operator: 'Exists'},
			{key: 'd', operator: 'DoesNotExist'},
		],
	};
	const workload = read('Deployment', {selector}, seen);
	t.is(workload?.selector, 'app=web,tier=front,a in (x,y),b notin (z),c,!d');
	t.is(nameOfWorkload(workload!), 'Deployment shop/web');
});
