import test, {type ExecutionContext} from 'ava';
import {documentsDigest} from '../../../lib/runtime/control/describe.js';
import {join} from '../../../lib/runtime/control/join.js';
import type {HostError} from '../../../lib/runtime/host/error.js';
import type {RunHost} from '../../../lib/runtime/lifecycle/run.js';
import {actionOf, scriptOf, settingOf} from '../../helpers/control-run.js';
import {type PlayedMasters, playMasters} from '../../helpers/played-masters.js';

async function joinMaster(played: PlayedMasters, name: string): Promise<void> {
	const {run, options} = played.run();
	const host = run.hosts.get(name)!;
	const {version} = run.setting;
	const input = {version: version.text, role: 'master', documents: documentsDigest(run.setting, host)} as const;
	await join(run, actionOf('join', input, name), options);
}

/** Every member works, has a voice, and has a master of its own. */
function isWhole(t: ExecutionContext, played: PlayedMasters, names: readonly string[], about: string): void {
	const members = played.members().map(({name, isHealthy, isLearner}) => ({name, isHealthy, isLearner}));
	t.deepEqual(
		members.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
		names.map(name => ({name, isHealthy: true, isLearner: false})),
		about,
	);
}

/** More than kubeadm has steps: the last one is not cut off. */
const cuts = 9;

const resumes = test.macro(async (t, version: string, ready: number, after: 'kill' | 'power') => {
	const names = ['m1', 'm2', 'm3'].slice(0, ready + 1);
	const last = names.at(-1)!;
	for (let cutAt = 0; cutAt < cuts; cutAt++) {
		const played = playMasters(settingOf(ready + 1, 0, {version}), ready);
		played.cutAt = cutAt;
		const isCut = await joinMaster(played, last).then(
			() => false,
			() => true,
		);
		t.is(isCut, cutAt < cuts - 1, `the cut ${cutAt} is one`);
		played.cutAt = undefined;
		const master = played.masters.get(last)!;
		// After a power cut kubelet begins with the host, if it knows what to do.
		if (after === 'power') master.isKubeletOn = master.hasConfig;
		await joinMaster(played, last);
		isWhole(t, played, names, `cut before step ${cutAt}`);
		t.truthy(master.done);
		await joinMaster(played, last);
		isWhole(t, played, names, 'a third time changes nothing');
	}
});

test('the second master joins, wherever kubeadm was killed', resumes, 'v1.20.2', 1, 'kill');
test('the third master joins, wherever kubeadm was killed', resumes, 'v1.20.2', 2, 'kill');
test('the second master joins, wherever its power was cut', resumes, 'v1.20.2', 1, 'power');
test('the third master joins, wherever its power was cut', resumes, 'v1.28.4', 2, 'power');
test('so does one that comes as a learner', resumes, 'v1.30.2', 1, 'kill');
test('so does the third as a learner', resumes, 'v1.33.0', 2, 'power');

test('two cuts in a row are as one', async t => {
	for (let first = 0; first < cuts - 1; first++) {
		for (let second = 0; second < cuts - 1; second++) {
			const played = playMasters(settingOf(2, 0), 1);
			for (const cutAt of [first, second]) {
				played.cutAt = cutAt;
				await joinMaster(played, 'm2').catch(() => undefined);
			}
			played.cutAt = undefined;
			await joinMaster(played, 'm2');
			isWhole(t, played, ['m1', 'm2'], `${first}, ${second}`);
		}
	}
});

test('API servers that had no etcd are woken once it is back', async t => {
	const played = playMasters(settingOf(2, 0), 1);
	// Announced, and not written down.
	played.cutAt = 4;
	await t.throwsAsync(joinMaster(played, 'm2'));
	played.cutAt = undefined;
	await joinMaster(played, 'm2');
	const scripts = played.hosts.get('m1')!.calls.map(({argv}) => scriptOf(argv));
	t.true(scripts.includes('sealimage-wake'));
});

test('an API server that goes while kubeadm asks it is waited for, and asked again', async t => {
	const played = playMasters(settingOf(2, 0), 1);
	played.refusals = 2;
	await joinMaster(played, 'm2');
	isWhole(t, played, ['m1', 'm2'], 'it has joined');
	const other = playMasters(settingOf(2, 0), 1);
	other.refusals = 9;
	await t.throwsAsync(joinMaster(other, 'm2'), {code: 'ERR_KUBEADM', message: /connection refused/});
	t.is(other.refusals, 6, 'three attempts are enough');
});

test('a master that was put out of etcd while it was off comes back as a new one', async t => {
	const played = playMasters(settingOf(3, 0), 2);
	await joinMaster(played, 'm3');
	const {run} = played.run();
	const agent = await run.hosts.get('m1')!.agent();
	await agent.call('etcd', {do: 'remove', peerUrl: 'https://10.0.0.3:2380'});
	isWhole(t, played, ['m1', 'm2'], 'it is out');
	await joinMaster(played, 'm3');
	isWhole(t, played, ['m1', 'm2', 'm3'], 'it is back');
});

test('a master whose disk was replaced joins anew', async t => {
	const played = playMasters(settingOf(3, 0), 3);
	const third = played.masters.get('m3')!;
	Object.assign(third, {
		manifest: 'none',
		data: undefined,
		hasConfig: false,
		hasLeft: false,
		isKubeletOn: false,
		isNode: false,
	});
	await joinMaster(played, 'm3');
	isWhole(t, played, ['m1', 'm2', 'm3'], 'it is back');
});

test('an announced member that belongs to no master goes first', async t => {
	const played = playMasters(settingOf(3, 0), 2);
	played.announce('https://10.0.0.99:2380');
	await joinMaster(played, 'm3');
	isWhole(t, played, ['m1', 'm2', 'm3'], 'it is gone');
});

test('a member of no master goes once it has been silent for a while, and not while it only starts anew', async t => {
	for (const returns of [true, false]) {
		const played = playMasters(settingOf(4, 0), 3);
		const stranger = played.masters.get('m3')!;
		stranger.isUp = false;
		const {run, options} = played.run();
		const hosts = run.setting.hosts.filter(({name}) => name !== 'm3');
		const known = {...run, setting: {...run.setting, hosts}};
		const host = run.hosts.get('m4')!;
		const {version} = run.setting;
		const input = {version: version.text, role: 'master', documents: documentsDigest(run.setting, host)} as const;
		const looks: unknown[] = [];
		const first = run.hosts.get('m1')!;
		const watched: RunHost = {
			...first,
			agent: async () => {
				if (looks.push(1) === 2 && returns) stranger.isUp = true;
				return await first.agent();
			},
		};
		const all = {...known, hosts: new Map([...run.hosts, ['m1', watched]]), liveMasters: () => [watched]};
		await join(all, actionOf('join', input, 'm4'), options);
		isWhole(t, played, returns ? ['m1', 'm2', 'm3', 'm4'] : ['m1', 'm2', 'm4'], returns ? 'it is back' : 'it is gone');
	}
});

test('nobody joins while a master is off, and what to do is said', async t => {
	const played = playMasters(settingOf(4, 0), 3);
	played.masters.get('m2')!.isUp = false;
	const error = await t.throwsAsync<HostError>(joinMaster(played, 'm4'), {code: 'ERR_ETCD_MEMBER'});
	t.regex(error?.message ?? '', /m2 of etcd is not healthy/);
	t.is(played.members().length, 3);
	t.is(played.masters.get('m4')?.begun, undefined, 'kubeadm was not called');
});

test('data of another cluster is neither joined with nor put aside', async t => {
	const played = playMasters(settingOf(2, 0), 1);
	played.masters.get('m2')!.data = 'another';
	await t.throwsAsync(joinMaster(played, 'm2'), {code: 'ERR_ETCD_MEMBER', message: /not of this cluster/});
	t.is(played.masters.get('m2')?.data, 'another');
});

test('a node of the same name that is another machine stops a host', async t => {
	const played = playMasters(settingOf(2, 0), 1);
	Object.assign(played.masters.get('m2')!, {isNode: true, isKubeletOn: true});
	played.hosts.get('m1')!.on(/machineID/, 'another machine');
	await t.throwsAsync(joinMaster(played, 'm2'), {code: 'ERR_KUBEADM', message: /already exists in the cluster/});
});
