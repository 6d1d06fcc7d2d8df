import {existsSync, mkdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import type {SealEvent} from '../../../lib/core/events.js';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import type {ActionKind, ClusterAction} from '../../../lib/runtime/lifecycle/actions.js';
import {keyOf} from '../../../lib/runtime/lifecycle/key.js';
import type {Performer, Performers} from '../../../lib/runtime/lifecycle/run.js';
import type {ActionOutcome} from '../../../lib/runtime/plan/perform.js';
import {type ClusterCache, openClusterCache} from '../../../lib/runtime/state/cache.js';
import {parseJournal} from '../../../lib/runtime/state/journal.js';
import {observeHost} from '../../../lib/runtime/state/observe.js';
import {performNoted} from '../../../lib/runtime/state/perform-noted.js';
import {clusterPlaces} from '../../../lib/runtime/state/places.js';
import {type OpenedRun, type OpenRunOptions, openRun} from '../../../lib/runtime/state/run.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {clusterHosts, hostRoot} from '../../helpers/cluster-hosts.js';
import {
	digestNumber,
	exampleImage,
	exampleSetting,
	exampleState,
	hostState,
	settingHost,
} from '../../helpers/cluster-state.js';
import {localTarget} from '../../helpers/local-agents.js';
import {tempDir} from '../../helpers/temp-dir.js';

interface Scene {
	readonly dir: string;
	readonly cache: ClusterCache;
	open(changes?: Partial<OpenRunOptions>): OpenedRun;
	journal(host: string): Readonly<Record<string, string>>;
}

const setting = exampleSetting([settingHost('m1', true), settingHost('n1', false, '10.0.0.2')]);
const targets: readonly HostTarget[] = [localTarget('m1', ['master']), localTarget('n1', ['node'])];

function scene(t: ExecutionContext): Scene {
	const dir = tempDir(t);
	const cache = openClusterCache(join(dir, 'clusters'));
	const defaults: OpenRunOptions = {
		open: clusterHosts(dir),
		owner: {who: 'ada', from: 'laptop'},
		agent: {install: async () => undefined},
		cache,
		version: '1.0.0',
	};
	return {
		dir,
		cache,
		open(changes = {}) {
			const run = openRun(setting, targets, {...defaults, ...changes});
			t.teardown(() => run.close());
			return run;
		},
		journal: host => parseJournal(readFileSync(clusterPlaces(hostRoot(dir, host)).journal, 'utf8')),
	};
}

function action(kind: ActionKind, host: string | undefined, needs: readonly string[] = []): ClusterAction {
	const id = host === undefined ? kind : `${kind}/${host}`;
	return {id, kind, host, phase: kind, title: id, needs, input: {wish: digestNumber(1)}} as unknown as ClusterAction;
}

/** Performers that only note what they were asked for. */
function recorder(special: Partial<Record<ActionKind, Performer<ActionKind>>> = {}): {
	readonly performers: Performers;
	readonly log: string[];
} {
	const log: string[] = [];
	const performers = new Proxy({} as Performers, {
		get:
			(_, kind: ActionKind) =>
			async (...given: Parameters<Performer<ActionKind>>) => {
				log.push(given[1].id);
				await special[kind]?.(...given);
			},
	});
	return {performers, log};
}

const states = (outcomes: readonly ActionOutcome[]): string[] => outcomes.map(({id, state}) => `${id} ${state}`);
const stateAction: Performer<ActionKind> = (run, _, options) => (run as OpenedRun).writeState(options);

test('what is done is noted on its host, and what has no host in the state and the cache', async t => {
	const {dir, open, journal, cache} = scene(t);
	const run = open();
	const prepare = action('prepare', 'n1');
	const ready = action('ready', undefined, ['prepare/n1', 'state']);
	const actions = [prepare, action('prepare', 'm1'), action('state', undefined, ['prepare/m1']), ready];
	const {performers} = recorder({state: stateAction});
	const outcomes = await performNoted({actions}, performers, run);
	t.true(
		outcomes.every(({state}) => state === 'done'),
		JSON.stringify(outcomes),
	);
	t.deepEqual(journal('n1'), {'prepare/n1': keyOf(prepare)});
	t.deepEqual(Object.keys(journal('m1')), ['prepare/m1']);
	const kept = await cache.read('prod');
	t.deepEqual(kept?.done, {ready: keyOf(ready)});
	t.is(kept?.generation, 2, 'written by the action, and once more for what came after it');
	const root = hostRoot(dir, 'm1');
	const copy = JSON.parse(readFileSync(clusterPlaces(root).state, 'utf8')) as object;
	t.like(copy, {generation: 2, done: {ready: keyOf(ready)}, reach: {m1: {address: 'm1'}}});
	t.false(existsSync(clusterPlaces(hostRoot(dir, 'n1')).state), 'nodes keep no copy');
	const member = JSON.parse(readFileSync(clusterPlaces(root).member, 'utf8')) as object;
	t.deepEqual(member, {cluster: 'prod', id: setting.id, role: 'master'});
});

test('what was noted is what a look at the host finds', async t => {
	const {dir, open} = scene(t);
	const run = open();
	const prepare = action('prepare', 'm1');
	await performNoted(
		{actions: [prepare, action('state', undefined, ['prepare/m1'])]},
		recorder({state: stateAction}).performers,
		run,
	);
	await run.close();
	const found = await observeHost(clusterHosts(dir)(targets[0]!), {root: hostRoot(dir, 'm1')});
	t.deepEqual(found.journal, {'prepare/m1': keyOf(prepare)});
	t.deepEqual(found.member, {cluster: 'prod', id: setting.id, role: 'master'});
	t.deepEqual(found.state?.setting, setting);
	t.is(found.state?.generation, 1);
});

test('a failure is not noted, and a host whose action failed is noted for what was done before', async t => {
	const {open, journal} = scene(t);
	const {performers} = recorder({
		join: async () => {
			throw new Error('no');
		},
	});
	const actions = [action('prepare', 'n1'), action('join', 'n1', ['prepare/n1'])];
	const outcomes = await performNoted({actions}, performers, open());
	t.deepEqual(states(outcomes), ['prepare/n1 done', 'join/n1 failed']);
	t.deepEqual(Object.keys(journal('n1')), ['prepare/n1']);
});

test('what takes a host away is not noted, and the host is left alone after it', async t => {
	const {dir, open} = scene(t);
	const run = open();
	const root = hostRoot(dir, 'n1');
	const {performers} = recorder({
		restore: async () => {
			rmSync(root, {recursive: true});
		},
	});
	const outcomes = await performNoted(
		{actions: [action('reset', 'n1'), action('restore', 'n1', ['reset/n1'])]},
		performers,
		run,
	);
	t.deepEqual(states(outcomes), ['reset/n1 done', 'restore/n1 done']);
	await run.close();
	t.false(existsSync(root));
});

test('two operators do not work on one host, and the second one is told who does', async t => {
	const {open} = scene(t);
	const first = open();
	await first.lock(['n1']);
	const {performers, log} = recorder();
	const second = open({owner: {who: 'bob', from: 'desk'}});
	const actions = [action('prepare', 'm1'), action('prepare', 'n1')];
	const error = await t.throwsAsync(performNoted({actions}, performers, second), {code: 'ERR_CLUSTER_LOCKED'});
	t.like(error, {host: 'n1', details: {who: 'ada', from: 'laptop', cluster: 'prod'}});
	t.deepEqual(log, [], 'nothing was begun');
	await open().lock(['m1']);
	await first.close();
	await open({owner: {who: 'bob', from: 'desk'}}).lock(['n1']);
});

test('two operators on different hosts of one cluster meet at its masters', async t => {
	const {open} = scene(t);
	const observed = new Map([['m1', hostState({member: undefined})]]);
	await open({observed}).lock(['m1']);
	const {performers} = recorder();
	await t.throwsAsync(performNoted({actions: [action('prepare', 'n1')]}, performers, open({observed})), {
		code: 'ERR_CLUSTER_LOCKED',
	});
});

test('a master whose disk is full keeps nobody from working on others, as long as operators meet at one', async t => {
	const {dir, warnings, perform} = threeMasters(t);
	spoilLock(dir, 'm3');
	t.deepEqual(await perform([action('prepare', 'm2')]), ['prepare/m2 done']);
	t.is(warnings().length, 1);
	t.regex(warnings()[0]!, /^Other operators are not kept off m3: /);
	await t.throwsAsync(perform([action('prepare', 'm3')]), {message: /lock/});
	spoilLock(dir, 'm1');
	spoilLock(dir, 'm2');
	await t.throwsAsync(perform([action('ready', undefined)]), {message: /lock/});
});

test('a master that could not be locked is not asked for the cluster', async t => {
	const {dir} = scene(t);
	const two = [settingHost('m1', true), settingHost('m2', true, '10.0.0.9')];
	const seen = hostState({member: undefined});
	spoilLock(dir, 'm1');
	await using run = openRun(exampleSetting(two), [targets[0]!, localTarget('m2', ['master'])], {
		open: clusterHosts(dir),
		owner: {who: 'ada', from: 'laptop'},
		agent: {install: async () => undefined},
		version: '1.0.0',
		observed: new Map([
			['m1', seen],
			['m2', seen],
		]),
	});
	const asked: string[] = [];
	const {performers} = recorder({
		ready: async given => void asked.push(...given.liveMasters().map(({name}) => name)),
	});
	await performNoted({actions: [action('ready', undefined)]}, performers, run);
	t.deepEqual(asked, ['m2']);
});

test('a master leaves although its disk is full', async t => {
	const {dir, warnings, perform} = threeMasters(t);
	spoilLock(dir, 'm3');
	const actions = [
		action('leave-etcd', 'm3'),
		action('delete-node', 'm3', ['leave-etcd/m3']),
		action('restore', 'm3', ['delete-node/m3']),
	];
	t.deepEqual(await perform(actions), ['leave-etcd/m3 done', 'delete-node/m3 done', 'restore/m3 done']);
	t.is(warnings().length, 1);
});

test('a host that somebody worked on after it was looked at is not worked on', async t => {
	const {dir, open, journal} = scene(t);
	const observed = new Map([['n1', hostState({member: undefined})]]);
	const theirs = open({owner: {who: 'bob', from: 'desk'}});
	await performNoted({actions: [action('prepare', 'n1')]}, recorder().performers, theirs);
	await theirs.close();
	const {performers, log} = recorder();
	const error = await t.throwsAsync(performNoted({actions: [action('join', 'n1')]}, performers, open({observed})), {
		code: 'ERR_CLUSTER_STATE',
		message: /since it was looked at/,
	});
	t.like(error, {host: 'n1'});
	t.deepEqual(log, []);
	t.deepEqual(Object.keys(journal('n1')), ['prepare/n1']);
	const now = await observeHost(clusterHosts(dir)(targets[1]!), {root: hostRoot(dir, 'n1')});
	const mine = open({observed: new Map([['n1', now]])});
	t.deepEqual(states(await performNoted({actions: [action('join', 'n1')]}, performers, mine)), ['join/n1 done']);
});

test('a full disk of the operator costs a warning for what is done, and keeps a new cluster from being begun', async t => {
	const {dir, open} = scene(t);
	const events: SealEvent[] = [];
	const full = new SealError('ERR_NO_SPACE', 'No space is left');
	const cache: ClusterCache = {
		...openClusterCache(join(dir, 'clusters')),
		write: async () => {
			throw full;
		},
	};
	const {performers, log} = recorder({state: stateAction});
	const actions = [action('ready', undefined), action('state', undefined, ['ready'])];
	const run = open({cache, known: exampleState({generation: 1}), onEvent: event => events.push(event)});
	t.deepEqual(states(await performNoted({actions}, performers, run)), ['ready done', 'state done']);
	t.like(
		events.find(({type}) => type === 'warning'),
		{code: 'ERR_NO_SPACE', message: 'This machine does not remember what was done: No space is left'},
	);
	await run.close();
	await t.throwsAsync(performNoted({actions}, performers, open({cache})), {is: full});
	t.deepEqual(log, ['ready', 'state']);
});

test('what is done for a host that is dead asks nothing of it', async t => {
	const {open} = scene(t);
	const dead = open({open: target => (target.name === 'n1' ? unreachable() : clusterHosts('/nowhere')(target))});
	const actions = [action('drain', 'n1'), action('delete-node', 'n1', ['drain/n1'])];
	const outcomes = await performNoted({actions}, recorder().performers, dead);
	t.deepEqual(states(outcomes), ['drain/n1 done', 'delete-node/n1 done']);
});

test('a session that broke is opened again, with its lock, for the next action and for its note', async t => {
	const {dir, open, journal} = scene(t);
	const run = open();
	const {performers} = recorder({
		prepare: async (_run, {host = ''}) => {
			const pid = (
				JSON.parse(readFileSync(clusterPlaces(hostRoot(dir, host)).lock, 'utf8')) as {process: {pid: number}}
			).process.pid;
			process.kill(pid, 'SIGKILL');
			await sleep(50);
		},
	});
	const actions = [action('prepare', 'n1'), action('join', 'n1', ['prepare/n1'])];
	t.deepEqual(states(await performNoted({actions}, performers, run)), ['prepare/n1 done', 'join/n1 done']);
	t.deepEqual(Object.keys(journal('n1')), ['prepare/n1', 'join/n1']);
	await t.throwsAsync(open().lock(['n1']), {code: 'ERR_CLUSTER_LOCKED'});
});

test('a session that a performer closed is opened again for the next action', async t => {
	const {open, journal} = scene(t);
	const run = open();
	const {performers} = recorder({
		prepare: async (given, {host = ''}) => await (await given.hosts.get(host)!.agent()).close(),
	});
	const actions = [action('prepare', 'n1'), action('join', 'n1', ['prepare/n1'])];
	t.deepEqual(states(await performNoted({actions}, performers, run)), ['prepare/n1 done', 'join/n1 done']);
	t.deepEqual(Object.keys(journal('n1')), ['prepare/n1', 'join/n1']);
});

test('a host that is in another cluster is not touched, unless it is taken from there', async t => {
	const {dir, open, journal} = scene(t);
	const other = openRun({...setting, id: 'ffffffffffffffff', name: 'other'}, targets, {
		open: clusterHosts(dir),
		owner: {who: 'ada', from: 'laptop'},
		agent: {install: async () => undefined},
		version: '1.0.0',
	});
	await performNoted({actions: [action('stage', 'n1')]}, recorder().performers, other);
	await other.close();
	const {performers, log} = recorder();
	const mine = open();
	const outcomes = await performNoted({actions: [action('prepare', 'n1')]}, performers, mine);
	await mine.close();
	t.like(outcomes[0], {state: 'failed', error: {code: 'ERR_CLUSTER_MEMBER'}});
	t.deepEqual(log, []);
	await performNoted(
		{actions: [action('prepare', 'n1')]},
		performers,
		open({replaces: new Set(['n1']), cache: undefined}),
	);
	t.deepEqual(Object.keys(journal('n1')), ['prepare/n1'], 'the journal of the other cluster is gone');
});

test('hosts that are to leave stay in the state until it is written without them', async t => {
	const {open, cache} = scene(t);
	const all = [...setting.hosts, settingHost('n2', false, '10.0.0.3')];
	const known = exampleState({}, all);
	const run = open({known});
	const fails: Performer<ActionKind> = async () => {
		throw new Error('no');
	};
	await performNoted(
		{actions: [action('ready', undefined), action('state', undefined, ['ready'])]},
		recorder({state: fails}).performers,
		run,
	);
	const kept = await cache.read('prod');
	t.deepEqual(
		kept?.setting.hosts.map(({name}) => name),
		['m1', 'n1', 'n2'],
	);
	t.like(kept, {generation: 4, reach: {n2: {address: '10.0.0.3'}}});
	await run.writeState();
	t.deepEqual(
		(await cache.read('prod'))?.setting.hosts.map(({name}) => name),
		['m1', 'n1'],
	);
});

test('a cluster that begins anew has done nothing', async t => {
	const {open, cache} = scene(t);
	const known = exampleState({done: {'application/redis:v7': digestNumber(9)}});
	const run = open({known});
	await performNoted({actions: [action('init', 'm1')]}, recorder().performers, run);
	t.deepEqual((await cache.read('prod'))?.done, {});
});

test('what a new cluster is called is known before anything is done for it', async t => {
	const {open, cache} = scene(t);
	const seen: unknown[] = [];
	const {performers} = recorder({
		prepare: async () => {
			seen.push((await cache.read('prod'))?.setting.id);
		},
	});
	await performNoted({actions: [action('prepare', 'n1')]}, performers, open());
	t.deepEqual(seen, [setting.id]);
});

test('a state that others have written since is not written over', async t => {
	const {open} = scene(t);
	const mine = open();
	const theirs = open({cache: undefined});
	await theirs.writeState();
	await theirs.close();
	await t.throwsAsync(mine.writeState(), {code: 'ERR_CLUSTER_STATE', message: /generation 1/});
});

test('a master that does not take the state is a warning as long as another does', async t => {
	const dir = tempDir(t);
	const events: SealEvent[] = [];
	const two = exampleSetting([settingHost('m1', true), settingHost('m2', true, '10.0.0.9')]);
	const open = clusterHosts(dir);
	const run = openRun(two, [...targets, localTarget('m2', ['master'])], {
		open: target => (target.name === 'm2' ? unreachable() : open(target)),
		owner: {who: 'ada', from: 'laptop'},
		agent: {install: async () => undefined},
		version: '1.0.0',
		onEvent: event => events.push(event),
	});
	t.teardown(() => run.close());
	await run.writeState();
	t.like(
		events.find(({type}) => type === 'warning'),
		{code: 'ERR_HOST_UNREACHABLE'},
	);
	t.true(existsSync(clusterPlaces(hostRoot(dir, 'm1')).state));
});

test('the files of an image are where the content action said, or where they were before if they are the same', t => {
	const {open} = scene(t);
	const [image] = setting.images;
	const images = {[image!.name]: {manifest: image!.platforms['linux/amd64']!.manifest, tree: '/trees/before'}};
	const run = open({
		observed: new Map([
			['m1', hostState({images})],
			['n1', hostState({images: {[image!.name]: {manifest: digestNumber(99), tree: '/old'}}})],
		]),
	});
	t.is(run.treeOf('m1', image!.name), '/trees/before');
	run.noteTree('m1', image!.name, '/trees/now');
	t.is(run.treeOf('m1', image!.name), '/trees/now');
	t.throws(() => run.treeOf('n1', image!.name), {code: 'ERR_CONTENT_MISSING'});
	t.throws(() => run.treeOf('m1', exampleImage('x', 'application', 1).name), {code: 'ERR_CONTENT_MISSING'});
});

test('masters that answer are asked first, and one that leaves is not', t => {
	const {open} = scene(t);
	const names = (run: OpenedRun): string[] => run.liveMasters().map(({name}) => name);
	const run = open({observed: new Map([['m1', hostState()]])});
	t.deepEqual(names(run), ['m1']);
	run.noteLeaving('m1');
	t.deepEqual(names(run), []);
	run.noteLive('m1');
	t.deepEqual(names(run), ['m1']);
	t.deepEqual(names(open()), []);
});

test('a plan that names a host which is no part of the run is refused', async t => {
	const {open} = scene(t);
	await t.throwsAsync(performNoted({actions: [action('prepare', 'x9')]}, recorder().performers, open()), {
		code: 'ERR_PLAN',
	});
});

test('a plan without actions opens nothing', async t => {
	const dir = tempDir(t);
	const run = openRun(setting, targets, {
		open: () => unreachable(),
		owner: {who: 'ada', from: 'laptop'},
		agent: {install: async () => undefined},
		version: '1.0.0',
		cache: openClusterCache(join(dir, 'clusters')),
	});
	t.deepEqual(await performNoted({actions: []}, recorder().performers, run), []);
	t.false(existsSync(join(dir, 'clusters')));
});

/** A cluster of three masters that were seen to work. */
function threeMasters(t: ExecutionContext): {
	readonly dir: string;
	readonly warnings: () => readonly string[];
	/** A run of its own for these actions, from its locks to its end. */
	perform(actions: readonly ClusterAction[]): Promise<string[]>;
} {
	const dir = tempDir(t);
	const names = ['m1', 'm2', 'm3'];
	const events: SealEvent[] = [];
	const hosts = names.map((name, index) => settingHost(name, true, `10.0.0.${index + 1}`));
	const known = exampleState({}, hosts);
	return {
		dir,
		warnings: () => events.flatMap(event => (event.type === 'warning' ? [event.message] : [])),
		async perform(actions) {
			const own = names.map(name => localTarget(name, ['master']));
			await using run = openRun(known.setting, own, {
				open: clusterHosts(dir),
				owner: {who: 'ada', from: 'laptop'},
				agent: {install: async () => undefined},
				version: '1.0.0',
				known,
				observed: new Map(
					await Promise.all(
						own.map(async target => {
							const options = {root: hostRoot(dir, target.name)};
							return [target.name, await observeHost(clusterHosts(dir)(target), options)] as const;
						}),
					),
				),
				onEvent: event => events.push(event),
			});
			return states(await performNoted({actions}, recorder().performers, run));
		},
	};
}

/** Nothing can be written where the lock of the host would be. */
function spoilLock(dir: string, host: string): void {
	mkdirSync(join(clusterPlaces(hostRoot(dir, host)).lock, 'folder'), {recursive: true});
}

function unreachable(): Transport {
	const host = createFakeHost({name: 'dead'});
	host.down();
	return host.transport;
}
