import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {readAnswers} from '../../../lib/runtime/facts/answers.js';
import {factsScript} from '../../../lib/runtime/facts/script.js';
import {hostScript} from '../../../lib/runtime/state/host-script.js';
import {formatEntries} from '../../../lib/runtime/state/journal.js';
import {observeHosts} from '../../../lib/runtime/state/observe.js';
import {type ObservedHost, readHost} from '../../../lib/runtime/state/read-host.js';
import {createFakeHost, openFakeHosts} from '../../../lib/runtime/transport/fake/host.js';
import {digestNumber, exampleId, exampleState} from '../../helpers/cluster-state.js';
import {localTarget} from '../../helpers/local-agents.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';
import {masterLines, type Told, toldHost, toldText} from '../../helpers/told-host.js';
import {nothingMore} from '../../helpers/wanted.js';

const shells = [['sh'], ['dash'], ['bash', '--norc'], ['busybox', 'sh']].filter(([program]) =>
	existsSync(`/bin/${program!}`),
);
const member = {cluster: 'prod', id: exampleId, role: 'master'} as const;

/** Runs the script on this machine, whose Kubernetes is in a folder. */
function look(shell: readonly string[], dir: string, path = process.env.PATH ?? ''): ObservedHost {
	const root = join(dir, 'sealimage');
	const script = factsScript(nothingMore, hostScript(root))
		.replaceAll('/etc/kubernetes', `${dir}/etc`)
		.replaceAll('/var/lib/etcd', `${dir}/etcd`);
	// The script puts the folders of the system in front.
	const own = script.replace(/^PATH=.*$/m, `PATH=${path}`);
	const [program = '', ...args] = shell;
	const {stdout, stderr} = spawnSync(program, [...args, '-c', own], {encoding: 'utf8', maxBuffer: 16 * 1024 * 1024});
	if (stderr !== '') throw new Error(stderr);
	const told = stdout.replaceAll(`${dir}/etcd`, '/var/lib/etcd').replaceAll(`${dir}/etc`, '/etc/kubernetes');
	const answers = readAnswers(Buffer.from(told));
	if (!answers.complete) throw new Error(stdout);
	return readHost(answers, root);
}

for (const shell of shells) {
	test(`${shell.join(' ')} brings what sealimage keeps on a host as it is`, t => {
		const dir = tempDir(t);
		const layers = [
			{blob: digestNumber(1), diffId: digestNumber(2)},
			{blob: digestNumber(3), diffId: digestNumber(4)},
		];
		const image = {name: 'docker.io/library/redis:v7', manifest: digestNumber(5), layers, unpackedAtMs: 7};
		writeFiles(join(dir, 'sealimage'), {
			'cluster/member.json': `${JSON.stringify(member)}\n`,
			'cluster/journal.jsonl': `${formatEntries([{id: 'join/a', key: digestNumber(6)}])}{"id":"torn`,
			'cluster/state.json': JSON.stringify(exampleState()),
			'images/redis.json': JSON.stringify(image),
			'images/torn.json': '{"name',
		});
		writeFiles(dir, {
			'etc/admin.conf': '',
			'etc/manifests/etcd.yaml': '',
			'etc/manifests/kube-apiserver.yaml': '    - --advertise-address=fd00::1\n    - --secure-port=7443\n',
			'etcd/member/': '',
		});
		const bin = join(dir, 'bin');
		const path = fakePrograms(bin, {
			curl: 'case "$*" in *"https://[fd00::1]:7443/readyz"*) printf ok;; *) exit 22;; esac',
		});
		const found = look(shell, dir, path);
		t.deepEqual(found.member, member);
		t.deepEqual(found.journal, {'join/a': digestNumber(6)});
		t.deepEqual(found.state, exampleState());
		t.false(found.hasBrokenState);
		const chain = digestOf(`${digestNumber(2)} ${digestNumber(4)}`);
		t.deepEqual(found.images, {
			[image.name]: {manifest: image.manifest, tree: join(dir, 'sealimage', 'trees', ...chain.split(':'))},
		});
		t.like(found.kubernetes, {
			hasAdminConf: true,
			hasKubeletConf: false,
			hasEtcdData: true,
			apiReady: true,
			apiUrl: 'https://[fd00::1]:7443',
		});
		t.deepEqual(found.kubernetes.manifests, ['etcd', 'kube-apiserver']);
	});

	test(`${shell.join(' ')} finds the data of etcd where its manifest says`, t => {
		const dir = tempDir(t);
		writeFiles(dir, {
			'etc/manifests/etcd.yaml': `    - etcd\n    - --data-dir=${dir}/disk\n`,
			'etcd/member/': '',
		});
		t.false(look(shell, dir).kubernetes.hasEtcdData, 'what is in the usual place is of another');
		writeFiles(dir, {'disk/member/': ''});
		t.true(look(shell, dir).kubernetes.hasEtcdData);
	});

	test(`${shell.join(' ')} finds nothing on a bare host`, t => {
		const found = look(shell, tempDir(t));
		t.deepEqual(found.journal, {});
		t.is(found.member, undefined);
		t.is(found.state, undefined);
		t.false(found.hasBrokenState);
		t.deepEqual(found.images, {});
		t.like(found.kubernetes, {hasAdminConf: false, hasEtcdData: false, manifests: [], apiReady: undefined});
	});
}

const ready = test.macro({
	exec(t, programs: Readonly<Record<string, string>>, expected: boolean) {
		const dir = tempDir(t);
		writeFiles(dir, {'etc/manifests/kube-apiserver.yaml': '    - --advertise-address=10.0.0.1\n'});
		const path = fakePrograms(join(dir, 'bin'), programs);
		t.is(look(['sh'], dir, path).kubernetes.apiReady, expected);
	},
	title: (title = '') => `an API server ${title}`,
});
test('that says ok is ready', ready, {curl: 'printf ok'}, true);
test(
	'that says what is wrong is not',
	ready,
	{curl: 'printf "[-]etcd failed\\n[+]ping ok\\n"; printf "api ok\\n"'},
	false,
);
test('that refuses is not, and kubectl is not asked', ready, {curl: 'exit 7', kubectl: 'printf ok'}, false);
test('that hangs is not, and kubectl is not asked', ready, {curl: 'exit 28', kubectl: 'printf ok'}, false);
test('is asked by kubectl where curl cannot use the keys', ready, {curl: 'exit 58', kubectl: 'printf ok'}, true);
test('is asked by kubectl where there is no curl', ready, {kubectl: 'printf ok'}, true);

/** A PATH with the tools of the script and these programs. */
function fakePrograms(bin: string, programs: Readonly<Record<string, string>>): string {
	mkdirSync(bin, {recursive: true});
	for (const name of ['base64', 'cat', 'grep', 'gzip', 'sed', 'wc', 'date']) {
		const found = spawnSync('sh', ['-c', `command -v ${name}`], {encoding: 'utf8'}).stdout.trim();
		if (found !== '') writeFileSync(join(bin, name), `#!/bin/sh\nexec ${found} "$@"\n`, {mode: 0o755});
	}
	for (const [name, body] of Object.entries(programs))
		writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, {mode: 0o755});
	return bin;
}

test('hosts are looked at in one round trip each, and one that does not answer is its own outcome', async t => {
	const told = toldHost('m1', {member, state: exampleState(), lines: masterLines});
	const dead = createFakeHost({name: 'm2'});
	dead.down();
	const outcomes = await observeHosts([localTarget('m1'), localTarget('m2')], openFakeHosts([told, dead]));
	t.is(told.calls.length, 1);
	const [first, second] = outcomes;
	t.true(first?.ok);
	t.like(second, {ok: false, error: {code: 'ERR_HOST_UNREACHABLE'}});
	if (first?.ok !== true) return;
	t.like(first.value, {
		member,
		state: {generation: 3},
		kubernetes: {kubelet: 'active', balancer: 'active', apiReady: true},
	});
	t.is(first.value.facts.system.distribution.id, 'ubuntu');
	t.deepEqual(JSON.parse(JSON.stringify(first.value)), first.value);
});

test('a copy of the state that is damaged is told, and does not count', async t => {
	const events: SealEvent[] = [];
	const host = toldHost('m1', {member, state: '{"schema":1'});
	const [outcome] = await observeHosts([localTarget('m1')], openFakeHosts([host]), {
		onEvent: event => events.push(event),
	});
	t.true(outcome?.ok === true && outcome.value.state === undefined);
	const [warning] = events.filter(({type}) => type === 'warning');
	t.like(warning, {
		code: 'ERR_CLUSTER_STATE',
		message: "The copy of the cluster's state on m1 is damaged, and does not count",
	});
});

const hostile = test.macro({
	exec(t, told: Told, check: (found: ObservedHost) => boolean) {
		const found = readHost(readAnswers(Buffer.from(toldText(told))), '/var/lib/sealimage');
		t.true(check(found), JSON.stringify(found));
	},
	title: (title = '') => `a host that ${title} is not believed`,
});
test(
	'is a member of what has no name',
	hostile,
	{member: {...member, cluster: '../x'}},
	found => found.member === undefined,
);
test(
	'sends no base64',
	hostile,
	{lines: ['journal ***', 'member {}']},
	found => Object.keys(found.journal).length === 0,
);
test('has a file that is too long', hostile, {lines: ['state -', 'journal -']}, found => found.hasBrokenState);
test(
	'says more of its units than there are',
	hostile,
	{lines: ['unit active', 'unit active', 'unit active', 'unit active', 'unit active']},
	({kubernetes}) => kubernetes.kubelet === 'unknown',
);
test(
	'calls a state of a unit by a sequence',
	hostile,
	{lines: ['unit \u001b[2J', 'unit a b', 'unit active', 'unit active']},
	({kubernetes}) => kubernetes.kubelet === 'unknown' && kubernetes.containerd === 'unknown',
);
test(
	'has its API server in a shell',
	hostile,
	{lines: ['api ok https://$(reboot):6443']},
	({kubernetes}) => kubernetes.apiUrl === undefined,
);
test(
	'has static pods with names that are paths',
	hostile,
	{lines: ['manifest ../../x', 'manifest a b']},
	({kubernetes}) => kubernetes.manifests.length === 0,
);
