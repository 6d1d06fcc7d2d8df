import {existsSync, readdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import type {RunHost} from '../../../lib/runtime/lifecycle/run.js';
import {restore} from '../../../lib/runtime/rootfs/performers/restore.js';
import {createFakeHost, type FakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';
import {actionOf} from '../../helpers/control-run.js';
import {looseRootfs, master, nodeSetting} from '../../helpers/node-setting.js';
import {oneHostRun} from '../../helpers/one-host-run.js';
import {changed, recordedFacts} from '../../helpers/recorded-facts.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';
import {toldText} from '../../helpers/told-host.js';

/** A host that is played but for what is ours on its disk, which is a folder. */
interface LeavingHost {
	readonly dir: string;
	readonly fake: FakeHost;
	/** What has happened so far, by the names of scripts. */
	readonly steps: string[];
	/** How it is told to be in the end. */
	readonly leave: () => Promise<{readonly clean: boolean; readonly leftovers: readonly unknown[]}>;
}

const kept = {
	'var/lib/sealimage/node/record.json': '{}',
	'var/lib/sealimage/facts-before.json': '{}',
	'var/lib/sealimage/cluster/member.json': '{}',
	[join('var/lib/sealimage', 'work', 'certificates', '1')]: 'a key',
	'var/lib/sealimage/.hidden/x': 'x',
	'etc/sealimage/lb.kubeconfig': 'a key',
	'etc/sealimage/lb.kubeconfig.sealimage-new': 'half a key',
};

function leavingHost(t: ExecutionContext, answer: object, files: Readonly<Record<string, string>> = kept): LeavingHost {
	const dir = tempDir(t);
	writeFiles(dir, files);
	const fake = createFakeHost({name: master.name});
	// The two services of ours were never there; then the host tells its facts, and has an agent to be removed.
	fake.on(/sealimage sealimage-(?:lb|registry)\.service/, 'end\n');
	fake.on(/eval "\$\(cat\)"/, toldText());
	fake.on(/sealimage-agent-remove/, 'removed\n');
	const steps: string[] = [];
	const local = createLocalTransport({host: master.name});
	t.teardown(() => local.close());
	const root = join(dir, 'var/lib/sealimage');
	const {run} = oneHostRun(nodeSetting([looseRootfs]), master, root, {answers: {restore: answer}});
	const host: RunHost = {
		...run.hosts.get(master.name)!,
		transport: {
			...fake.transport,
			async spawn(argv, options) {
				steps.push(argv.find(word => /^sealimage-[a-z-]+(?:\.service)?$/.test(word)) ?? 'facts');
				if (!argv.includes('sealimage-restore')) return await fake.transport.spawn(argv, options);
				const own = argv.map(word => (word.startsWith('/etc/sealimage') ? `${dir}${word}` : word));
				return await local.spawn(own, {...options, as: 'login'});
			},
		},
	};
	return {
		dir,
		fake,
		steps,
		async leave() {
			const events: SealEvent[] = [];
			const action = actionOf('restore', {cluster: 'test'}, master.name);
			await restore({...run, hosts: new Map([[master.name, host]])}, action, {onEvent: event => events.push(event)});
			const end = events.findLast(event => event.type === 'host.restored');
			if (end?.type !== 'host.restored') throw new Error('It does not say how the host is');
			return {clean: end.clean, leftovers: end.leftovers};
		},
	};
}

const undone = {done: [], leftovers: []};
const before = recordedFacts('ubuntu-22.04');

test('a host is left without anything of ours: no key, no content, no record; and it says that it is clean', async t => {
	const host = leavingHost(t, {...undone, before});
	t.deepEqual(await host.leave(), {clean: true, leftovers: []});
	t.deepEqual(host.steps, [
		'sealimage-lb.service',
		'sealimage-registry.service',
		'facts',
		'sealimage-agent-remove',
		'sealimage-restore',
	]);
	t.deepEqual(readdirSync(join(host.dir, 'var/lib')), []);
	t.deepEqual(readdirSync(join(host.dir, 'etc')), []);
	t.deepEqual(await host.leave(), {clean: true, leftovers: []}, 'done again, it is the same');
});

test('what is left is told, and what is known of it stays with the agent', async t => {
	const left = {what: '/etc/containerd/config.toml', why: 'somebody else has changed it since'};
	const host = leavingHost(t, {done: [], leftovers: [left], before});
	t.deepEqual(await host.leave(), {clean: false, leftovers: [left]});
	t.false(host.steps.includes('sealimage-agent-remove'));
	t.deepEqual(readdirSync(join(host.dir, 'var/lib/sealimage')).toSorted(), ['facts-before.json', 'node']);
	t.false(existsSync(join(host.dir, 'etc/sealimage')), 'keys go whatever is left');
});

test('what facts of before do not have is told', async t => {
	const bare = changed(before, facts => {
		facts.software.services = [];
	});
	const {clean, leftovers} = await leavingHost(t, {...undone, before: bare}).leave();
	t.false(clean);
	t.like(leftovers[0], {why: 'runs, and did not before'});
});

test("somebody's own file beside ours stays, and where a link leads nothing goes", async t => {
	const host = leavingHost(t, {...undone, before}, {...kept, 'etc/sealimage/mine': 'x', 'data/precious': 'x'});
	symlinkSync(join(host.dir, 'data'), join(host.dir, 'var/lib/sealimage/images'));
	await host.leave();
	t.deepEqual(readdirSync(join(host.dir, 'etc/sealimage')), ['mine']);
	t.true(existsSync(join(host.dir, 'data/precious')));
	t.false(existsSync(join(host.dir, 'var/lib/sealimage')));
});

test('cut anywhere, the same again goes on: the host is known as ours to the last', async t => {
	const host = leavingHost(t, {...undone, before});
	for (const script of [/sealimage-registry/, /eval/, /sealimage-agent-remove/]) {
		host.fake.once(script, {lost: true});
		await t.throwsAsync(host.leave());
		t.true(existsSync(join(host.dir, 'var/lib/sealimage/cluster/member.json')));
	}
	t.deepEqual(await host.leave(), {clean: true, leftovers: []});
});
