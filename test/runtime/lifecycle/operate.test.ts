import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import type {Digest} from '../../../lib/oci/digest.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import {HostsError} from '../../../lib/runtime/host/hosts-error.js';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import {FindingsError} from '../../../lib/runtime/lifecycle/findings-error.js';
import {isRecorded, keyOf} from '../../../lib/runtime/lifecycle/key.js';
import {applyPlan, deleteHosts, resetCluster, runCluster} from '../../../lib/runtime/lifecycle/operate.js';
import type {OperateOptions, RunRequest} from '../../../lib/runtime/lifecycle/operate-request.js';
import type {Operated} from '../../../lib/runtime/lifecycle/operated.js';
import {planFileOf} from '../../../lib/runtime/lifecycle/plan-file.js';
import {preflightTopics} from '../../../lib/runtime/preflight/checks.js';
import {openClusterCache} from '../../../lib/runtime/state/cache.js';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import {takeLock} from '../../../lib/runtime/state/host-lock.js';
import {makeImage, makeStore} from '../../helpers/cluster-images.js';
import {type PlayedHosts, playedHosts} from '../../helpers/played-hosts.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {masterLines} from '../../helpers/told-host.js';

interface Scene {
	readonly hosts: PlayedHosts;
	readonly options: OperateOptions;
	readonly events: SealEvent[];
	/** Files that hooks of the image see. */
	readonly dir: string;
	run(changes?: Partial<OperateOptions>, request?: Partial<RunRequest>): Promise<Operated>;
}

const bob = {who: 'bob', from: 'desk', cluster: 'prod', run: 'b'.repeat(32)};
const allFindings = preflightTopics.map(({id}) => id);

/** Hosts on which there is nothing, and a rootfs whose hook says that it began and waits until it may end. */
async function scene(t: ExecutionContext, roles: Readonly<Record<string, 'master' | 'node'>>): Promise<Scene> {
	const dir = tempDir(t);
	const hosts = playedHosts(join(dir, 'hosts'), roles);
	const store = await makeStore(t);
	const hook = `echo began >>${dir}/began; while [ ! -e ${dir}/go ]; do sleep 0.02; done; echo ended >>${dir}/ended`;
	await makeImage(store, {
		name: 'docker.io/library/kubernetes:v1.30.2',
		trees: [{'bin/kubeadm*': 'a', 'bin/kubelet*': 'b', 'bin/kubectl*': 'c', 'scripts/check.sh': hook}],
		config: {Labels: {'sealos.io.type': 'rootfs', 'sealos.io.version': 'v1beta1', version: 'v1.30.2'}},
	});
	const events: SealEvent[] = [];
	const options: OperateOptions = {
		open: hosts.open,
		store,
		clustersDir: join(dir, 'clusters'),
		operator: {who: 'ada', from: 'laptop'},
		writtenBy: '1.0.0',
		ignore: allFindings,
		now: () => 1_700_000_000_100,
		onEvent: event => events.push(event),
	};
	const request: RunRequest = {
		name: 'prod',
		hosts: hosts.targets.map(target => ({target})),
		images: ['docker.io/library/kubernetes:v1.30.2'],
	};
	return {
		hosts,
		options,
		events,
		dir,
		run: (changes, more) => runCluster({...request, ...more}, {...options, ...changes}),
	};
}

async function until(holds: () => boolean): Promise<void> {
	while (!holds()) await sleep(10);
}

const states = ({outcomes}: Operated): Readonly<Record<string, string>> =>
	Object.fromEntries(outcomes.map(({id, state}) => [id, state]));

test('a wrong password on one of twenty hosts is found before anything begins on any of them', async t => {
	const names = Array.from({length: 20}, (_, index) => [`h${index + 1}`, index < 3 ? 'master' : 'node'] as const);
	const {hosts, options, run} = await scene(t, Object.fromEntries(names));
	hosts.host('h17').failure = new HostError('h17', 'ERR_HOST_PASSWORD', 'The password is wrong', {
		hint: 'Try another.',
	});
	const error = await t.throwsAsync(run(), {instanceOf: HostsError});
	t.is(error?.message, '1 of 20 hosts cannot be used; nothing was done');
	t.deepEqual(
		error?.outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome.host])),
		['h17'],
	);
	t.deepEqual(hosts.asked, [], 'no agent was asked for anything');
	t.false(existsSync(options.clustersDir));
});

test('one Ctrl-C lets what runs come to its end, and the same request goes on after it', async t => {
	const {hosts, run, dir} = await scene(t, {m1: 'master'});
	const stop = new AbortController();
	const running = run({stop: stop.signal});
	await until(() => existsSync(join(dir, 'began')));
	stop.abort();
	writeFileSync(join(dir, 'go'), '');
	const stopped = await running;
	t.is(stopped.end, 'stopped');
	const check = 'hook/m1/docker.io/library/kubernetes:v1.30.2/check';
	t.like(states(stopped), {[check]: 'done', 'prepare/m1': 'stopped'});
	t.true(existsSync(join(dir, 'ended')));
	t.false(hosts.asked.includes('m1 prepare'));
	t.is(hosts.sessions(), 0, 'nothing is left open');
	const resumed = await run();
	t.is(resumed.end, 'failed', 'prepare is not played here');
	t.is(states(resumed)[check], undefined, 'what is done is not planned again');
	t.is(resumed.setting.id, stopped.setting.id);
	t.true(hosts.asked.includes('m1 prepare'));
});

test('a second Ctrl-C stops at once, and gives the host back', async t => {
	const {hosts, run, dir} = await scene(t, {m1: 'master'});
	const [stop, abort] = [new AbortController(), new AbortController()];
	const running = run({stop: stop.signal, signal: abort.signal});
	await until(() => existsSync(join(dir, 'began')));
	stop.abort();
	abort.abort(new Error('twice'));
	await t.throwsAsync(running, {message: 'twice'});
	t.false(existsSync(join(dir, 'ended')));
	await until(() => hosts.sessions() === 0);
	await (await takeLock(hosts.host('m1').root, bob))();
	t.pass();
});

test('a host that another operator works on is told with who does, and nothing begins on the others', async t => {
	const {hosts, run, options} = await scene(t, {m1: 'master', n1: 'node', n2: 'node'});
	const release = await takeLock(hosts.host('n2').root, bob);
	const error = await t.throwsAsync(run(), {code: 'ERR_CLUSTER_LOCKED'});
	t.like(error, {host: 'n2', details: {who: 'bob', from: 'desk'}});
	t.deepEqual([...new Set(hosts.asked.map(line => line.split(' ')[1]))], ['lock']);
	t.is(hosts.sessions(), 0);
	t.false(existsSync(join(options.clustersDir, 'prod', 'state.json')));
	await release();
});

test('a plan that was agreed to is not done when hosts are no longer as they were', async t => {
	const {hosts, run, options} = await scene(t, {m1: 'master', n1: 'node'});
	const file = planFileOf(await run({isDryRun: true}));
	hosts.host('n1').lines = ['there /etc/kubernetes/kubelet.conf'];
	hosts.host('n1').write('member', {cluster: 'prod', id: file.wanted.id, role: 'node'});
	await t.throwsAsync(applyPlan(file, options), {code: 'ERR_PLAN', message: /no longer as they were/});
	t.deepEqual(hosts.asked, []);
});

test('what images bring is not taken from the file of a plan', async t => {
	const {run, options} = await scene(t, {m1: 'master'});
	const file = planFileOf(await run({isDryRun: true}));
	const images = file.wanted.images.map(image => ({...image, hooks: {check: 'check.sh; rm -rf /'}}));
	const edited = {...file, wanted: {...file.wanted, images}};
	const planned = await applyPlan(edited, {...options, isDryRun: true});
	t.is(planned.plan.digest, file.plan.digest);
	t.deepEqual(
		planned.setting.images.map(({hooks}) => hooks),
		[{check: 'check.sh'}],
	);
	const other = images.map(image => ({...image, digest: `sha256:${'a'.repeat(64)}` as const}));
	await t.throwsAsync(applyPlan({...file, wanted: {...file.wanted, images: other}}, options), {
		code: 'ERR_CLUSTER_IMAGE',
	});
});

test('a plan does not send logins to where a host is not', async t => {
	const {run, options} = await scene(t, {m1: 'master'});
	const file = planFileOf(await run({isDryRun: true}));
	const reach = {m1: {address: 'evil.example.com'}};
	await t.throwsAsync(applyPlan({...file, reach}, options), {code: 'ERR_PLAN', message: /reach the host m1 as evil/});
});

test('a plan of hosts that are not fit shows the plan and why, and is not done', async t => {
	const {hosts, run, options} = await scene(t, {m1: 'master'});
	const ignore: readonly string[] = [];
	const planned = await run({isDryRun: true, ignore});
	t.is(planned.end, 'planned');
	t.true(planned.plan.actions.length > 5);
	t.true(planned.findings.some(({severity}) => severity === 'error'));
	await t.throwsAsync(run({ignore}), {instanceOf: FindingsError});
	await t.throwsAsync(applyPlan(planFileOf(planned), {...options, ignore}), {instanceOf: FindingsError});
	t.deepEqual(hosts.asked, []);
});

test('hosts that somebody else made a cluster of while the plan was shown are not touched', async t => {
	const {hosts, run} = await scene(t, {m1: 'master', n1: 'node'});
	const confirm = async (): Promise<boolean> => {
		hosts.host('n1').write('member', {cluster: 'other', id: 'f'.repeat(16), role: 'node'});
		return true;
	};
	await t.throwsAsync(run({confirm}), {code: 'ERR_CLUSTER_STATE', message: /since it was looked at/});
	t.deepEqual([...new Set(hosts.asked.map(line => line.split(' ')[1]))], ['lock']);
});

test('who says no to the plan has changed nothing', async t => {
	const {hosts, run, options} = await scene(t, {m1: 'master'});
	t.is((await run({confirm: async () => false})).end, 'declined');
	t.deepEqual(hosts.asked, []);
	t.false(existsSync(join(options.clustersDir, 'prod', 'state.json')));
});

test('a second run looks, and does nothing else', async t => {
	const {hosts, run} = await runningScene(t, {m1: 'master', m2: 'master', m3: 'master', n1: 'node'});
	const again = await run();
	t.deepEqual(
		again.plan.actions.map(({id}) => id),
		[],
	);
	t.is(again.end, 'nothing');
	t.deepEqual(hosts.asked, []);
});

test('who knows nothing of a cluster learns it from the masters that are named', async t => {
	const {hosts, options, state, run} = await runningScene(t, {m1: 'master', m2: 'master', m3: 'master', n1: 'node'});
	hosts.host('m2').write('state', {...state, generation: 7});
	const cache = openClusterCache(options.clustersDir);
	await cache.remove('prod');
	t.is((await run()).end, 'nothing');
	t.is((await cache.read('prod'))?.generation, 7);
});

test('a plan is done where the store lacks images that the cluster has', async t => {
	const {run, options} = await runningScene(t, {m1: 'master', n1: 'node'});
	const file = planFileOf(await run({isDryRun: true}));
	const store = await makeStore(t);
	t.is((await applyPlan(file, {...options, store})).end, 'nothing');
});

test('two operators on different hosts of a cluster meet at its masters, before anything begins', async t => {
	const {hosts, options} = await runningScene(t, {m1: 'master', m2: 'master', m3: 'master', n1: 'node'});
	const release = await takeLock(hosts.host('m2').root, bob);
	const error = await t.throwsAsync(deleteHosts({name: 'prod', hosts: [named('n1')]}, options), {
		code: 'ERR_CLUSTER_LOCKED',
	});
	t.like(error, {host: 'm2', details: {who: 'bob'}});
	t.deepEqual([...new Set(hosts.asked.map(line => line.split(' ')[1]))], ['lock']);
	await release();
});

test('a host that is named twice leaves once, and one that is dead leaves without being asked', async t => {
	const {hosts, options} = await runningScene(t, {m1: 'master', m2: 'master', m3: 'master', n1: 'node'});
	hosts.host('m3').failure = new HostError('m3', 'ERR_HOST_UNREACHABLE', 'It is off', {hint: 'Start it.'});
	const twice = [named('m3'), {...named('node-m3'), address: 'node-m3'}];
	const planned = await deleteHosts({name: 'prod', hosts: twice}, {...options, isDryRun: true});
	t.deepEqual(
		planned.leaving.map(({name}) => name),
		['m3'],
	);
	t.deepEqual(
		planned.silent.map(({host}) => host),
		['m3'],
	);
	const ids = planned.plan.actions.filter(({host}) => host === 'm3').map(({id}) => id);
	t.deepEqual(ids, ['drain/m3', 'leave-etcd/m3', 'delete-node/m3']);
});

test('a Clusterfile that has a host no more takes it out, and one that calls it otherwise is refused', async t => {
	const {hosts, run} = await runningScene(t, {m1: 'master', m2: 'master', m3: 'master', n1: 'node', n2: 'node'});
	const without = hosts.targets.filter(({name}) => name !== 'n2').map(target => ({target}));
	const planned = await run({isDryRun: true}, {isWhole: true, hosts: without});
	t.deepEqual(
		planned.leaving.map(({name}) => name),
		['n2'],
	);
	t.true(planned.plan.actions.some(({id, destroys}) => id === 'restore/n2' && destroys !== undefined));
	hosts.alias('worker', 'n2');
	const renamed = [...without, {target: {...named('worker'), roles: ['node']}}];
	await t.throwsAsync(run({isDryRun: true}, {isWhole: true, hosts: renamed}), {
		code: 'ERR_HOST_DUPLICATE',
		message: /^worker: The host has the name or an address of n2/,
	});
});

test('a cluster is not taken away while one of its hosts is silent, unless that is forced', async t => {
	const {hosts, options} = await runningScene(t, {m1: 'master', n1: 'node'});
	hosts.host('n1').failure = new HostError('n1', 'ERR_HOST_UNREACHABLE', 'It is off', {hint: 'Start it.'});
	const request = {name: 'prod', hosts: []};
	const error = await t.throwsAsync(resetCluster(request, options), {code: 'ERR_HOST_UNREACHABLE'});
	t.like(error, {host: 'n1'});
	const planned = await resetCluster(request, {...options, isForced: true, isDryRun: true});
	t.deepEqual(
		planned.plan.actions.map(({id}) => id),
		['reset/m1', 'restore/m1'],
	);
	t.deepEqual(hosts.asked, []);
});

const named = (name: string): HostTarget => ({name, address: name, roles: [], login: {}});

interface RunningScene extends Scene {
	readonly state: ClusterState;
}

/** Hosts that say what those say on which everything was done. */
async function runningScene(
	t: ExecutionContext,
	roles: Readonly<Record<string, 'master' | 'node'>>,
): Promise<RunningScene> {
	const found = await scene(t, roles);
	const {hosts, options, run} = found;
	const {plan, setting, reach} = await run({isDryRun: true});
	const done: Record<string, Digest> = {};
	for (const action of plan.actions.filter(({kind}) => isRecorded(kind))) {
		if (action.host === undefined) done[action.id] = keyOf(action);
		else hosts.host(action.host).note([{id: action.id, key: keyOf(action)}]);
	}
	const state: ClusterState = {schema: 1, generation: 1, writtenBy: '1.0.0', setting, reach, done};
	for (const {name, isMaster, platform} of setting.hosts) {
		const host = hosts.host(name);
		host.write('member', {cluster: setting.name, id: setting.id, role: isMaster ? 'master' : 'node'});
		host.lines = isMaster ? masterLines : masterLines.filter(line => !/admin|etcd|api/.test(line));
		if (isMaster) host.write('state', state);
		for (const image of setting.images) host.unpacked(image.name, image.platforms[platform]!.manifest);
	}
	await openClusterCache(options.clustersDir).write(state);
	return {...found, state};
}
