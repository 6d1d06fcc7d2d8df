import {readFileSync} from 'node:fs';
import {hostname} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {digestOf} from '../../../lib/oci/digest.js';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import type {ActionInputs, ActionKind, ClusterAction} from '../../../lib/runtime/lifecycle/actions.js';
import {hook} from '../../../lib/runtime/rootfs/performers/hook.js';
import {prepare} from '../../../lib/runtime/rootfs/performers/prepare.js';
import {reset} from '../../../lib/runtime/rootfs/performers/reset.js';
import {stage} from '../../../lib/runtime/rootfs/performers/stage.js';
import {stageDigest} from '../../../lib/runtime/rootfs/sources.js';
import {kubernetesWish} from '../../../lib/runtime/rootfs/wish.js';
import {clusterImage, looseRootfs, master, nodeSetting, nothing} from '../../helpers/node-setting.js';
import {type OneHostRun, oneHostRun} from '../../helpers/one-host-run.js';
import {soundFacts} from '../../helpers/recorded-facts.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

function action<K extends ActionKind>(
	kind: K,
	input: ActionInputs[K],
): ClusterAction<K> & {readonly input: ActionInputs[K]} {
	const parts = {id: `${kind}/x`, kind, host: master.name, phase: 'x', title: 'x', needs: [], input};
	return parts as unknown as ClusterAction<K> & {readonly input: ActionInputs[K]};
}

const from = digestOf('x');
const place = {place: 'rootfs', images: [], from};

/** A host on which these files are staged. */
async function staged(
	t: ExecutionContext,
	files: Readonly<Record<string, string>>,
	env: Readonly<Record<string, string>> = {},
): Promise<OneHostRun> {
	const dir = tempDir(t);
	writeFiles(join(dir, 'tree'), files);
	const setting = nodeSetting([looseRootfs], {env});
	const host = oneHostRun(setting, master, join(dir, 'kept'), {trees: {[looseRootfs.name]: join(dir, 'tree')}});
	await stage(host.run, action('stage', place), {});
	return host;
}

test('a working copy is made on the host out of the trees of its images', async t => {
	const {run, asked} = await staged(t, {'etc/a.tmpl': '{{ .sandboxImage }} {{ .own }}'}, {own: 'mine'});
	t.is(readFileSync(join(run.root, 'work/rootfs/etc/a'), 'utf8'), 'pause:3.2 mine');
	t.deepEqual(
		asked.map(({verb}) => verb),
		['stage'],
	);
});

test('what goes into a working copy has a digest, which follows Configs and variables of this host', t => {
	const setting = nodeSetting([looseRootfs, clusterImage('app:v1', [], {type: 'application'})]);
	const digest = stageDigest(setting, master, 'rootfs');
	const config = {name: '', match: looseRootfs.name, path: 'a', strategy: 'override', data: ''} as const;
	t.not(stageDigest({...setting, configs: [config]}, master, 'rootfs'), digest);
	t.not(stageDigest(setting, {...master, env: {a: 'b'}}, 'rootfs'), digest);
	t.is(
		stageDigest({...setting, configs: [config]}, master, 'application/app:v1'),
		stageDigest(setting, master, 'application/app:v1'),
	);
	t.throws(() => stageDigest(setting, master, 'application/other'), {code: 'ERR_IMAGE_UNKNOWN'});
});

const line = `init.sh "$VALUE" && bash second.sh`;
const value = `it's "two\nlines" of $HOME and \`x\` \\`;

test('a hook runs among its scripts, with values that arrive as they are', async t => {
	const scripts = {
		'scripts/init.sh': `printf %s "$1" >got; printf %s "$VALUE" >>got; basename "$PWD"; echo careful >&2`,
		'scripts/second.sh': 'echo "second $SEALOS_SYS_KUBE_VERSION"',
	};
	const {run} = await staged(t, scripts, {VALUE: value});
	const events: SealEvent[] = [];
	await hook(run, action('hook', {image: looseRootfs.name, hook: 'init', line, from}), {
		onEvent: event => events.push(event),
	});
	t.is(readFileSync(join(run.root, 'work/rootfs/scripts/got'), 'utf8'), value + value);
	t.is(said(events, 'stdout'), 'scripts\nsecond v1.20.2\n');
	t.is(said(events, 'stderr'), 'careful\n');
	t.true(events.every(event => event.type === 'command.output' && event.id === 'hook/x'));
});

test('a hook that fails says its own last words, and no secret', async t => {
	const scripts = {'scripts/init.sh': 'echo "login with $registryPassword" >&2; echo "no disk"; exit 3'};
	const {run} = await staged(t, scripts, {registryPassword: 'hunter22'});
	const events: SealEvent[] = [];
	const error = await t.throwsAsync(
		hook(run, action('hook', {image: looseRootfs.name, hook: 'init', line: 'init.sh', from}), {
			onEvent: event => events.push(event),
		}),
		{code: 'ERR_HOOK', message: /^The hook init of kubernetes:v1\.20\.2 ended with exit code 3: /},
	);
	t.regex(error!.message, /no disk/);
	t.regex(error!.message, /login with \[secret\]/);
	t.false(JSON.stringify(events).includes('hunter22'));
});

test('a line of CMD of a rootfs runs in the folder of its files, with its programs first', async t => {
	const {run} = await staged(t, {here: 'x', 'bin/tool': '#!/bin/sh\necho "$KUBECONFIG"'});
	const events: SealEvent[] = [];
	const input = {image: looseRootfs.name, hook: 'command', line: 'ls here && sh -c "sh bin/tool"', from};
	await hook(run, action('hook', input), {onEvent: event => events.push(event)});
	t.is(said(events, 'stdout'), 'here\n/etc/kubernetes/admin.conf\n');
});

test('a hook of an image that no setting has is refused', async t => {
	const {run} = await staged(t, {file: ''});
	const input = {image: 'other:v1', hook: 'init', line: 'init.sh', from};
	await t.throwsAsync(hook(run, action('hook', input), {}), {code: 'ERR_IMAGE_UNKNOWN'});
});

test('a host is prepared with what its image and its facts ask for, and its facts are kept', async t => {
	const setting = nodeSetting([looseRootfs]);
	const state = {facts: soundFacts, journal: {}, kubernetes: nothing};
	const {run, asked} = oneHostRun(setting, master, tempDir(t), {state, answers: {prepare: {changes: []}}});
	await prepare(run, action('prepare', {wish: from}), {});
	t.deepEqual(asked, [
		{
			verb: 'prepare',
			params: {
				wish: JSON.parse(JSON.stringify(kubernetesWish(setting, master, soundFacts, run.root))) as unknown,
				dryRun: false,
				before: JSON.parse(JSON.stringify(soundFacts)) as unknown,
			},
		},
	]);
});

test('of a host that was taken over the facts of now are kept, without what was taken off', async t => {
	const state = {facts: soundFacts, journal: {}, kubernetes: {...nothing, hasKubeletConf: true}};
	const setting = nodeSetting([looseRootfs]);
	const {run, asked} = oneHostRun(setting, master, tempDir(t), {state, answers: {prepare: {changes: []}}});
	await prepare(run, action('prepare', {wish: from}), {});
	const {before} = asked[0]!.params as {before: HostFacts};
	t.is(before.identity.hostname, hostname());
});

test('a host is reset with the networks and the folders of its cluster, and what is left is told', async t => {
	const documents = [
		{apiVersion: 'x', kind: 'ClusterConfiguration', etcd: {local: {dataDir: '/data/etcd/'}}},
		// What the user says over it has no word of these.
		{apiVersion: 'x', kind: 'ClusterConfiguration', clusterName: 'other'},
		{apiVersion: 'x', kind: 'JoinConfiguration', nodeRegistration: {taints: []}},
		{apiVersion: 'x', kind: 'InitConfiguration', nodeRegistration: {kubeletExtraArgs: {'root-dir': '/data/kubelet'}}},
	];
	const leftovers = [{what: '/var/lib/kubelet', why: 'it is busy'}];
	const answers = {'reset-node': {done: [], leftovers, remnants: []}};
	const {run, asked} = oneHostRun(nodeSetting([looseRootfs], {kubeadm: documents}), master, tempDir(t), {answers});
	await t.throwsAsync(reset(run, action('reset', {node: 'm1', role: 'master'}), {}), {
		code: 'ERR_RESET',
		message: 'Something of Kubernetes is left: /var/lib/kubelet: it is busy',
	});
	t.deepEqual(asked[0]?.params, {
		role: 'master',
		pods: ['10.244.0.0/16'],
		services: ['10.96.0.0/16'],
		virtualAddress: '10.103.97.2',
		etcdFolder: '/data/etcd',
		kubeletFolder: '/data/kubelet',
	});
});

test('a folder of the system is not cleared though etcd was put there, and that is told', async t => {
	const documents = [{apiVersion: 'x', kind: 'ClusterConfiguration', etcd: {local: {dataDir: '/usr/etcd'}}}];
	const answers = {'reset-node': {done: [], leftovers: [], remnants: []}};
	const {run, asked} = oneHostRun(nodeSetting([looseRootfs], {kubeadm: documents}), master, tempDir(t), {answers});
	const events: SealEvent[] = [];
	await reset(run, action('reset', {node: 'm1', role: 'master'}), {onEvent: event => events.push(event)});
	t.false(Object.hasOwn(asked[0]?.params as object, 'etcdFolder'));
	t.like(events[0], {type: 'warning', code: 'Leftover'});
	t.regex((events[0] as {message: string}).message, /\/usr\/etcd: it is a folder of the system/);
});

test('an action for a host that the run does not have is a mistake of the plan', async t => {
	const {run} = await staged(t, {file: ''});
	const stray = {...action('stage', place), host: 'elsewhere'};
	await t.throwsAsync(stage(run, stray, {}), {code: 'ERR_PLAN'});
});

function said(events: readonly SealEvent[], stream: string): string {
	return events.map(event => (event.type === 'command.output' && event.stream === stream ? event.text : '')).join('');
}
