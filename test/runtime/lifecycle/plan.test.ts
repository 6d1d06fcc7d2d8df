import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import type {ClusterAction} from '../../../lib/runtime/lifecycle/actions.js';
import {keyOf} from '../../../lib/runtime/lifecycle/key.js';
import {planCluster} from '../../../lib/runtime/lifecycle/plan.js';
import type {PlanRequest} from '../../../lib/runtime/lifecycle/request.js';
import type {ClusterImage, ClusterSetting} from '../../../lib/runtime/lifecycle/setting.js';
import {type Plan, parsePlan} from '../../../lib/runtime/plan/plan.js';
import {createWorld, type FakeWorld, requestFor} from './fake-cluster.js';
import {runVerb} from './fake-run.js';
import {host, image, rootfs, type SettingParts, setting} from './settings.js';

const redis = image('redis:v7', 'application');

/** What a plan looks like, as text that is kept; UPDATE_GOLDEN=1 writes it anew. */
const golden = test.macro((t, name: string, make: () => Plan<ClusterAction>) => {
	const plan = make();
	t.deepEqual(parsePlan(JSON.stringify(plan), 'plan.json'), JSON.parse(JSON.stringify(plan)));
	const path = `test/runtime/lifecycle/golden/${name}.txt`;
	const text = render(plan);
	if (process.env.UPDATE_GOLDEN !== undefined) {
		mkdirSync('test/runtime/lifecycle/golden', {recursive: true});
		writeFileSync(path, text);
	}
	t.is(existsSync(path) ? readFileSync(path, 'utf8') : '', text);
});

test('one host alone becomes a cluster', golden, 'single-node', () => {
	const wanted = setting({masters: [1], nodes: [], images: [redis]});
	return planCluster(requestFor(createWorld(30, wanted.hosts), wanted, {verb: 'run', applications: ['redis:v7']}));
});

test('three masters and two nodes, with a patch and hooks', golden, 'three-and-two', () => {
	const hooks = {check: 'bash check.sh', init: 'bash init.sh', 'init-registry': 'bash init-registry.sh'};
	const patch = image('patch:v1', 'patch', {command: ['bash patch.sh']});
	const first = setting({masters: [1, 2, 3], nodes: [11, 12], images: [patch, image('cni:v1', 'application'), redis]});
	const wanted = {...first, images: [rootfs(30, {hooks}), ...first.images.slice(1)]};
	const applications = ['cni:v1', 'redis:v7'];
	return planCluster(requestFor(createWorld(30, wanted.hosts), wanted, {verb: 'run', applications}));
});

test('what is done is not done again', golden, 'again', () => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11, 12], images: [redis]});
	return planCluster(requestFor(world, wanted, {verb: 'apply', applications: ['redis:v7']}));
});

test('a node is added', golden, 'add-node', () => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11]}, [12]);
	return planCluster(requestFor(world, withHosts(wanted, [1, 2, 3], [11, 12]), {verb: 'add'}));
});

test('a master takes the place of another', golden, 'replace-master', () => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11]}, [4]);
	const next = withHosts(wanted, [1, 2, 4], [11]);
	return planCluster(requestFor(world, next, {verb: 'apply', leaving: [host(3, 'master')]}));
});

test('the first master is deleted', golden, 'delete-first-master', () => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11]});
	const next = withHosts(wanted, [2, 3], [11]);
	return planCluster(requestFor(world, next, {verb: 'delete', leaving: [host(1, 'master')]}));
});

test('a master that is off is deleted', golden, 'delete-dead-master', () => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11]});
	world.hosts.get('10.0.0.2')!.isUp = false;
	const next = withHosts(wanted, [1, 3], [11]);
	return planCluster(requestFor(world, next, {verb: 'delete', leaving: [host(2, 'master')]}));
});

test('everything is taken away again', golden, 'reset', () => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11, 12]});
	return planCluster(requestFor(world, wanted, {verb: 'reset', leaving: wanted.hosts}));
});

const heals = test.macro((t, change: (world: FakeWorld) => unknown, expected: readonly string[]) => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: [11]});
	change(world);
	const request = requestFor(world, wanted, {verb: 'apply'});
	t.deepEqual(ids(planCluster(request)), expected);
	t.deepEqual(runVerb(world, request, 7).failures, []);
	t.deepEqual(ids(planCluster(requestFor(world, wanted, {verb: 'apply'}))), []);
});

test(
	'a containerd that is down is prepared again',
	heals,
	world => world.hosts.get('10.0.0.11')!.stopped.add('containerd'),
	['prepare/10.0.0.11'],
);
test(
	'a registry and a balancer that are down are set up again',
	heals,
	world => {
		world.hosts.get('10.0.0.11')!.stopped.add('registry').add('balancer');
	},
	['registry/10.0.0.11', 'balancer/10.0.0.11'],
);
test(
	'content that is gone is brought again',
	heals,
	world => {
		world.hosts.get('10.0.0.11')!.content.clear();
	},
	['content/10.0.0.11'],
);
test('a kubelet that is down is brought back', heals, world => world.hosts.get('10.0.0.11')!.stopped.add('kubelet'), [
	'join/10.0.0.11',
	'ready',
]);
test(
	'a master without its static pods joins again',
	heals,
	world => (world.hosts.get('10.0.0.1')!.hasManifests = false),
	['join/10.0.0.1', 'ready'],
);
test(
	'a master that was installed anew comes back from nothing',
	heals,
	world => {
		const lost = world.hosts.get('10.0.0.2')!;
		Object.assign(lost, {...createWorld(30, [host(2, 'master')]).hosts.get('10.0.0.2')});
	},
	['content', 'stage', 'prepare', 'registry', 'certificates', 'balancer', 'join']
		.map(kind => (kind === 'stage' ? 'stage/10.0.0.2/rootfs' : `${kind}/10.0.0.2`))
		.concat('state', 'ready'),
);

const replaces = test.macro((t, spoil: (world: FakeWorld) => void, expected: readonly string[]) => {
	const {world, wanted} = standing({masters: [1, 2, 3], nodes: []}, [4]);
	spoil(world);
	const next = withHosts(wanted, [1, 2, 4], []);
	const request = requestFor(world, next, {verb: 'apply', leaving: [host(3, 'master')]});
	const plan = planCluster(request);
	t.deepEqual(
		ids(plan).filter(id => /^(?:join|leave-etcd|reset)/.test(id)),
		expected,
	);
	t.true(plan.actions.find(({id}) => id === 'join/10.0.0.4')?.needs.includes('leave-etcd/10.0.0.3'));
	t.deepEqual(runVerb(world, request, 3).failures, []);
});

test(
	'a master that is off leaves etcd before another takes its place',
	replaces,
	world => {
		world.hosts.get('10.0.0.3')!.isUp = false;
	},
	['leave-etcd/10.0.0.3', 'join/10.0.0.4'],
);
test(
	'so does one whose etcd does not work, and it is reset after that',
	replaces,
	world => {
		const broken = world.hosts.get('10.0.0.3')!;
		broken.hasManifests = false;
		broken.hasEtcdData = false;
	},
	['leave-etcd/10.0.0.3', 'join/10.0.0.4', 'reset/10.0.0.3'],
);

test('a cluster that had begun on one master goes on there, whatever the order of masters is by now', t => {
	const wanted = setting({masters: [1, 2], nodes: []});
	const world = createWorld(30, wanted.hosts);
	world.hosts.get('10.0.0.2')!.hasEtcdData = true;
	world.hosts.get('10.0.0.2')!.member = {cluster: wanted.name, id: wanted.id, role: 'master'};
	const {actions} = planCluster(requestFor(world, wanted, {verb: 'run'}));
	t.deepEqual(
		actions.filter(({kind}) => kind === 'init' || kind === 'join').map(({id}) => id),
		['init/10.0.0.2', 'join/10.0.0.1'],
	);
});

test('masters with an etcd of the user have no data of it, and a second time there is nothing to do', t => {
	const {world, wanted} = standing({masters: [1], nodes: []});
	const etcd = {external: {endpoints: ['https://10.9.9.9:2379']}};
	const external = {...wanted, kubeadm: [{apiVersion: 'kubeadm.k8s.io/v1beta2', kind: 'ClusterConfiguration', etcd}]};
	world.hosts.get('10.0.0.1')!.hasEtcdData = false;
	t.deepEqual(
		ids(planCluster(requestFor(world, external, {verb: 'apply'}))).filter(id => id.startsWith('init/')),
		[],
	);
	t.throws(() => planCluster(requestFor(world, wanted, {verb: 'apply'})), {code: 'ERR_CONTROL_PLANE_LOST'});
});

test('an application runs once with what it is run with, and again when it is forced or changed', t => {
	const {world, wanted} = standing({masters: [1], nodes: [], images: [redis]});
	const plan = (change: Partial<PlanRequest> = {}, next: ClusterSetting = wanted): readonly string[] =>
		ids(planCluster(requestFor(world, next, {verb: 'run', applications: ['redis:v7'], ...change})));
	t.deepEqual(plan(), []);
	t.deepEqual(plan({isForced: true}), ['application/redis:v7', 'ready']);
	const other = (change: Partial<ClusterImage>): ClusterSetting => ({
		...wanted,
		images: wanted.images.map(image => (image.type === 'application' ? {...image, ...change} : image)),
	});
	for (const change of [{command: ['bash other.sh']}, {given: {A: '1'}}]) {
		t.true(plan({}, other(change)).includes('application/redis:v7'));
		t.false(plan({applications: []}, other(change)).includes('application/redis:v7'));
	}
	t.true(plan({}, {...wanted, env: {A: '1'}}).includes('application/redis:v7'));
});

test('a master that comes refreshes the registries, balancers and certificates of the others as far as they depend on it', t => {
	const {world, wanted} = standing({masters: [1], nodes: [11]}, [2]);
	const plan = planCluster(requestFor(world, withHosts(wanted, [1, 2], [11]), {verb: 'add'}));
	t.deepEqual(
		ids(plan).filter(id => !id.includes('10.0.0.2')),
		[
			'registry/10.0.0.1',
			'registry/10.0.0.11',
			'certificates/10.0.0.1',
			'balancer/10.0.0.1',
			'balancer/10.0.0.11',
			'state',
			'ready',
		],
	);
});

test('the first master waits for nobody but itself, and nodes for no other master', t => {
	const wanted = setting({masters: [1, 2, 3], nodes: [11]});
	const plan = planCluster(requestFor(createWorld(30, wanted.hosts), wanted, {verb: 'run'}));
	t.deepEqual(hostsBefore(plan, 'init/10.0.0.1'), ['10.0.0.1']);
	t.deepEqual(hostsBefore(plan, 'join/10.0.0.11'), ['10.0.0.1', '10.0.0.11']);
	t.deepEqual(hostsBefore(plan, 'join/10.0.0.2'), ['10.0.0.1', '10.0.0.2']);
	t.deepEqual(hostsBefore(plan, 'join/10.0.0.3'), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
});

test('a host that was taken from another cluster is reset first', t => {
	const wanted = setting({masters: [1], nodes: []});
	const world = createWorld(30, wanted.hosts);
	world.hosts.get('10.0.0.1')!.member = {cluster: 'other', id: 'f'.repeat(16), role: 'node'};
	world.hosts
		.get('10.0.0.1')!
		.journal.set('join/10.0.0.1', keyOf({kind: 'state', input: {setting: wanted.images[0]!.digest}}));
	const plan = planCluster(requestFor(world, wanted, {verb: 'run', isForced: true}));
	t.like(plan.actions[0], {
		id: 'reset/10.0.0.1',
		input: {role: 'node'},
		destroys: 'everything that runs there, and the data of etcd where there is one',
	});
	t.like(plan.actions[1], {id: 'content/10.0.0.1', needs: ['reset/10.0.0.1']});
	t.true(ids(plan).includes('init/10.0.0.1'));
});

test('the basis is another one when a host is', t => {
	const {world, wanted} = standing({masters: [1], nodes: [11]});
	const before = planCluster(requestFor(world, wanted, {verb: 'apply'}));
	t.is(planCluster(requestFor(world, wanted, {verb: 'apply'})).basis, before.basis);
	world.hosts.get('10.0.0.11')!.stopped.add('kubelet');
	t.not(planCluster(requestFor(world, wanted, {verb: 'apply'})).basis, before.basis);
});

test('a plan for five times the hosts has five times the actions and needs', t => {
	const size = (nodes: number): {readonly actions: number; readonly needs: number} => {
		const wanted = setting({
			masters: [1, 2, 3],
			nodes: Array.from({length: nodes}, (_, index) => 11 + index),
			images: [redis],
		});
		const world = createWorld(30, wanted.hosts);
		const request = requestFor(world, wanted, {verb: 'run', applications: ['redis:v7']});
		const {actions} = planCluster(request);
		return {actions: actions.length, needs: actions.reduce((sum, {needs}) => sum + needs.length, 0)};
	};
	const [one, two] = [size(1000), size(5000)];
	t.is((two.actions - one.actions) / 4000, (one.actions - size(0).actions) / 1000);
	t.is((two.needs - one.needs) / 4000, (one.needs - size(0).needs) / 1000);
	t.true(two.needs < 12 * 5000);
});

/** A cluster that runs, and bare hosts beside it. */
function standing(
	parts: SettingParts,
	bare: readonly number[] = [],
): {readonly world: FakeWorld; readonly wanted: ClusterSetting} {
	const wanted = setting(parts);
	const world = createWorld(30, [...wanted.hosts, ...bare.map(number => host(number, 'node'))]);
	const applications = wanted.images.filter(({type}) => type === 'application').map(({name}) => name);
	const {failures} = runVerb(world, requestFor(world, wanted, {verb: 'run', applications}), 1);
	if (failures.length > 0) throw new Error(failures.join('\n'));
	return {world, wanted};
}

function withHosts(wanted: ClusterSetting, masters: readonly number[], nodes: readonly number[]): ClusterSetting {
	return {...wanted, hosts: setting({masters, nodes}).hosts};
}

function ids({actions}: Plan<ClusterAction>): readonly string[] {
	return actions.map(({id}) => id);
}

/** The hosts on which something has to be done before an action begins. */
function hostsBefore({actions}: Plan<ClusterAction>, id: string): readonly string[] {
	const byId = new Map(actions.map(action => [action.id, action]));
	const found = new Set<string>();
	const open = [id];
	for (const next of open) {
		const {host: name, needs} = byId.get(next)!;
		if (name !== undefined) found.add(name);
		open.push(...needs);
	}
	return [...found].sort();
}

function render({actions}: Plan<ClusterAction>): string {
	if (actions.length === 0) return 'nothing to do\n';
	let phase = '';
	const lines = actions.flatMap(action => {
		const {id, title, needs, lane, bytes, destroys} = action;
		const heading = action.phase === phase ? [] : [`== ${action.phase}`];
		phase = action.phase;
		const marks = [
			...(bytes === undefined ? [] : [`${bytes} B`]),
			...(lane === undefined ? [] : [`lane ${lane}`]),
			...(destroys === undefined ? [] : [`destroys ${destroys}`]),
		];
		return [
			...heading,
			`${id}: ${title}${marks.length === 0 ? '' : ` (${marks.join('; ')})`}`,
			...(needs.length === 0 ? [] : [`    after ${needs.join(' ')}`]),
		];
	});
	return `${lines.join('\n')}\n`;
}
