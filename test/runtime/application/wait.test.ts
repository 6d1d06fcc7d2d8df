import test from 'ava';
import type {SealError} from '../../../lib/core/errors.js';
import type {SealEvent} from '../../../lib/core/events.js';
import {rememberWorkloads, waitForBrought} from '../../../lib/runtime/application/brought.js';
import {snapshotWorkloads, waitForWorkloads} from '../../../lib/runtime/application/wait.js';
import type {Kubectl} from '../../../lib/runtime/control/kubectl.js';
import type {ClusterRun} from '../../../lib/runtime/lifecycle/run.js';

interface Played {
	readonly kubectl: Kubectl;
	readonly calls: string[];
}

/** A cluster that answers with what these functions give for the words of a call, one after the other; the last one stays. */
function playCluster(answers: Readonly<Record<string, readonly (unknown | Error)[]>>): Played {
	const left = new Map(Object.entries(answers).map(([words, list]) => [words, [...list]]));
	const calls: string[] = [];
	return {
		calls,
		async kubectl(argv) {
			const line = argv.join(' ');
			calls.push(line);
			const found = [...left].find(([words]) => line.includes(words))?.[1];
			const answer = found === undefined ? {items: []} : found.length > 1 ? found.shift() : found[0];
			if (answer instanceof Error) throw answer;
			return typeof answer === 'string' ? answer : JSON.stringify(answer);
		},
	};
}

function deployment(name: string, available: number, generation = 1, namespace = 'shop'): object {
	return {
		kind: 'Deployment',
		metadata: {name, namespace, uid: `uid-${name}`, generation},
		spec: {replicas: 1, selector: {matchLabels: {app: name}}},
		status: {observedGeneration: generation, replicas: 1, updatedReplicas: 1, availableReplicas: available},
	};
}

const list = 'get deployments.apps';
const quick = {intervalMs: 1};

test('it waits until all are ready and tells how it stands', async t => {
	const {kubectl} = playCluster({
		[list]: [
			{items: [deployment('web', 0), deployment('db', 0)]},
			{items: [deployment('web', 0), deployment('db', 0)]},
			{items: [deployment('web', 1), deployment('db', 0)]},
			{items: [deployment('web', 1), deployment('db', 1)]},
		],
	});
	const events: SealEvent[] = [];
	t.is(await waitForWorkloads(kubectl, {...quick, id: 'ready', onEvent: event => events.push(event)}), 2);
	t.deepEqual(
		events.map(event => event.type === 'workloads.progress' && [event.id, event.ready, event.total, event.waiting]),
		[
			['ready', 0, 2, ['Deployment shop/web: 0 of 1 pods are ready', 'Deployment shop/db: 0 of 1 pods are ready']],
			['ready', 1, 2, ['Deployment shop/db: 0 of 1 pods are ready']],
			['ready', 2, 2, []],
		],
	);
});

test('what was there before and was not touched is not waited for', async t => {
	const before = {items: [deployment('broken', 0), deployment('changed', 1)]};
	const after = {items: [deployment('broken', 0), deployment('changed', 1, 2), deployment('new', 1)]};
	const {kubectl} = playCluster({[list]: [before, after]});
	const snapshot = await snapshotWorkloads(kubectl);
	t.is(await waitForWorkloads(kubectl, {...quick, before: snapshot}), 2);
	const named = waitForWorkloads(kubectl, {...quick, before: snapshot, namespaces: ['shop'], timeoutMs: 0});
	await t.throwsAsync(named, {code: 'ERR_WORKLOADS', message: /shop\/broken/});
});

test('an API server that is away for a while is asked again', async t => {
	const {kubectl} = playCluster({[list]: [new Error('refused'), 'no json', {items: [deployment('web', 1)]}]});
	t.is(await waitForWorkloads(kubectl, quick), 1);
	const gone = playCluster({[list]: [new Error('refused')]});
	await t.throwsAsync(waitForWorkloads(gone.kubectl, {...quick, timeoutMs: 0}), {message: 'refused'});
	const strange = playCluster({[list]: ['[]']});
	await t.throwsAsync(waitForWorkloads(strange.kubectl, {...quick, timeoutMs: 0}), {code: 'ERR_CLUSTER_API'});
});

const waitingPod = {
	metadata: {name: 'web-1'},
	status: {
		phase: 'Pending',
		conditions: [{type: 'Ready', status: 'False'}],
		initContainerStatuses: [{name: 'setup', state: {terminated: {exitCode: 0}}}],
		containerStatuses: [
			{
				name: 'web',
				ready: false,
				state: {waiting: {reason: 'CrashLoopBackOff', message: 'back-off 10s'}},
				lastState: {terminated: {exitCode: 2, reason: 'Error'}},
			},
		],
	},
};

test('what does not become ready is told with reasons, events and the last lines of logs', async t => {
	const {kubectl, calls} = playCluster({
		[list]: [{items: [deployment('web', 0)]}],
		'get pods': [
			{items: [{metadata: {name: 'web-0'}, status: {conditions: [{type: 'Ready', status: 'True'}]}}, waitingPod]},
		],
		'get events': [
			{
				items: [
					{reason: 'Old', message: 'x', lastTimestamp: '2024-01-01T00:00:00Z'},
					{reason: 'Old', message: 'x', lastTimestamp: '2024-01-01T00:00:01Z'},
					{
						reason: 'BackOff',
						message: 'Back-off restarting\u001b[2J failed container',
						lastTimestamp: '2024-01-01T00:01:00Z',
					},
				],
			},
		],
		'logs --namespace shop web-1 --container web': ['starting\n\npanic: no \u0007database\n'],
	});
	const error = (await t.throwsAsync(waitForWorkloads(kubectl, {...quick, timeoutMs: 0}), {
		code: 'ERR_WORKLOADS',
	})) as SealError;
	t.is(
		error.message,
		'A workload is not ready after 0 s: Deployment shop/web: 0 of 1 pods are ready. Pod web-1: CrashLoopBackOff: back-off 10s',
	);
	t.deepEqual(error.details.pods, [
		{
			namespace: 'shop',
			name: 'web-1',
			said: [
				'CrashLoopBackOff: back-off 10s',
				'the container web ended with exit code 2 (Error)',
				'BackOff: Back-off restarting [2J failed container',
				'Old: x',
			],
			log: ['starting', 'panic: no  database'],
		},
	]);
	t.true(calls.some(call => call.includes('--selector app=web')));
	t.true(calls.some(call => call.endsWith('--previous')));
	t.regex(error.hint ?? '', /-n shop describe pod web-1/);
});

const reasons: Readonly<Record<string, RegExp>> = {
	ImagePullBackOff: /Embed the image/,
	FailedScheduling: /room for the pod/,
	'Unschedulable: had taint {node.kubernetes.io/not-ready: }': /why nodes are not Ready/,
};

for (const [reason, hint] of Object.entries(reasons)) {
	test(`the hint for ${reason} says what to do`, async t => {
		const pod = {metadata: {name: 'p'}, status: {containerStatuses: [{name: 'c', state: {waiting: {reason}}}]}};
		const {kubectl} = playCluster({[list]: [{items: [deployment('web', 0)]}], 'get pods': [{items: [pod]}]});
		const error = (await t.throwsAsync(waitForWorkloads(kubectl, {...quick, timeoutMs: 0}))) as SealError;
		t.regex(error.hint ?? '', hint);
	});
}

test('what failed for good is not waited for', async t => {
	const job = {
		kind: 'Job',
		metadata: {name: 'migrate', namespace: 'shop', uid: 'u'},
		status: {conditions: [{type: 'Failed', status: 'True', message: 'too many retries'}]},
	};
	const {kubectl} = playCluster({[list]: [{items: [job]}], 'get pods': [new Error('refused')]});
	await t.throwsAsync(waitForWorkloads(kubectl, quick), {
		code: 'ERR_WORKLOADS',
		message: 'A workload will not become ready: Job shop/migrate: it failed: too many retries',
	});
});

test('an abort ends the waiting', async t => {
	const stop = new AbortController();
	const reason = new Error('enough');
	const {kubectl} = playCluster({[list]: [{items: [deployment('web', 0)]}]});
	const waiting = waitForWorkloads(kubectl, {
		intervalMs: 60_000,
		signal: stop.signal,
		onEvent: () => setImmediate(() => stop.abort(reason)),
	});
	t.is(await t.throwsAsync(waiting), reason);
});

test('what applications of a run brought is known by what was there before the first of them', async t => {
	const before = {items: [deployment('broken', 0)]};
	const after = {items: [deployment('broken', 0), deployment('new', 1)]};
	const run = {} as ClusterRun;
	const {kubectl} = playCluster({[list]: [before, after]});
	await rememberWorkloads(run, kubectl, false);
	await rememberWorkloads(run, kubectl, false);
	t.is(await waitForBrought(run, kubectl, quick), 1);

	const resumed = {} as ClusterRun;
	await rememberWorkloads(resumed, kubectl, true);
	await t.throwsAsync(waitForBrought(resumed, kubectl, {...quick, timeoutMs: 0}), {code: 'ERR_WORKLOADS'});

	const silent = {} as ClusterRun;
	await rememberWorkloads(silent, playCluster({[list]: [new Error('refused')]}).kubectl, false);
	await t.throwsAsync(waitForBrought(silent, kubectl, {...quick, timeoutMs: 0}), {code: 'ERR_WORKLOADS'});
});
