import {chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {applyWish} from '../../../lib/runtime/node/apply.js';
import {nodeChanges, titleOfChange} from '../../../lib/runtime/node/changes.js';
import type {NodeSystem} from '../../../lib/runtime/node/system.js';
import {undoWish} from '../../../lib/runtime/node/undo.js';
import {emptyWish, type NodeWish, parseWish, type WantedFile} from '../../../lib/runtime/node/wish.js';
import {type PlayedNode, playNode, setUnit} from '../../helpers/played-node.js';
import {tempDir} from '../../helpers/temp-dir.js';

const wish: NodeWish = {
	files: [
		text('/etc/containerd/config.toml', 'version = 2\n'),
		text('/etc/modules', 'ip_vs\n'),
		text('/etc/systemd/system/kubelet.service', '[Unit]\n'),
		{path: '/usr/bin/kubelet', content: {kind: 'copy', from: '/image/bin/kubelet'}},
		{path: '/etc/tool', content: {kind: 'link', target: '/usr/bin/kubelet'}},
	],
	modules: ['overlay', 'br_netfilter'],
	sysctls: {'net.ipv4.ip_forward': '1'},
	swapOff: true,
	units: [
		{name: 'containerd.service', enabled: true, active: true, restartFor: ['/etc/containerd/config.toml']},
		{name: 'firewalld.service', enabled: false, active: false},
	],
};

test('a host becomes as it is wished, and a second time there is nothing to do', async t => {
	const node = usedNode(tempDir(t));
	const planned = await nodeChanges(wish, node.system, node);
	const done = await applyWish(wish, node.root, node.system, node);
	t.deepEqual(done, planned.map(titleOfChange));
	t.deepEqual(done, [
		'write /etc/containerd/config.toml',
		'replace /etc/modules',
		'write /etc/systemd/system/kubelet.service',
		'replace /usr/bin/kubelet',
		'write /etc/tool',
		'let systemd read its units again',
		'load the kernel module overlay',
		'load the kernel module br_netfilter',
		'set net.ipv4.ip_forward to 1',
		'stop swapping to /swap.img',
		'enable containerd.service',
		'restart containerd.service',
		'disable firewalld.service',
		'stop firewalld.service',
	]);
	t.like(node.snapshot(), {
		'/etc/containerd/config.toml': '644 version = 2\n',
		'/etc/modules': '644 ip_vs\n',
		'/usr/bin/kubelet': '755 kubelet',
		'/etc/tool': '-> /usr/bin/kubelet',
		'/units/containerd.service': '644 enabled active',
		'/units/firewalld.service': '644 disabled inactive',
		'/proc/sys/net/ipv4/ip_forward': '644 1\n',
	});
	t.deepEqual(await applyWish(wish, node.root, node.system, node), []);
});

test('undone, the host is as it was: what was there is put back, what was not is gone', async t => {
	const node = usedNode(tempDir(t));
	const before = node.snapshot();
	await applyWish(wish, node.root, node.system, node);
	// A second wish changes what the first one wrote; what counts is how it was before both.
	await applyWish({...wish, files: [text('/etc/modules', 'other\n')]}, node.root, node.system, node);
	const {leftovers} = await undoWish(node.root, node.system, node);
	t.deepEqual(leftovers, []);
	t.deepEqual(node.snapshot(), before);
	t.deepEqual(await undoWish(node.root, node.system, node), {done: [], leftovers: []});
});

test('what somebody else has changed since stays, and is told until it is settled', async t => {
	const node = usedNode(tempDir(t));
	await applyWish(wish, node.root, node.system, node);
	writeFileSync(join(node.disk, 'etc/containerd/config.toml'), 'mine\n');
	writeFileSync(join(node.disk, 'etc/containerd/own'), 'mine\n');
	const first = await undoWish(node.root, node.system, node);
	t.deepEqual(first.leftovers, [{what: '/etc/containerd/config.toml', why: 'somebody else has changed it since'}]);
	t.is(readFileSync(join(node.disk, 'etc/containerd/config.toml'), 'utf8'), 'mine\n');
	rmSync(join(node.disk, 'etc/containerd/config.toml'));
	t.deepEqual((await undoWish(node.root, node.system, node)).leftovers, []);
	t.is(node.snapshot()['/etc/containerd/own'], '644 mine\n');
});

test('what a power cut left beside a file goes when the file is written again, or taken away', async t => {
	const node = usedNode(tempDir(t));
	const before = node.snapshot();
	const [program, unit] = ['usr/bin/kubelet', 'etc/systemd/system/kubelet.service'];
	const halfOf = (path: string): string => `${join(node.disk, path)}.sealimage-new`;
	writeFileSync(halfOf(program), 'half');
	await applyWish(wish, node.root, node.system, node);
	t.false(existsSync(halfOf(program)));
	writeFileSync(halfOf(unit), 'half');
	writeFileSync(halfOf(program), 'half');
	t.deepEqual((await undoWish(node.root, node.system, node)).leftovers, []);
	t.deepEqual(node.snapshot(), before);
});

test('what ran before with its own files is started anew once it has them again', async t => {
	const node = usedNode(tempDir(t));
	await applyWish(wish, node.root, node.system, node);
	node.asked.length = 0;
	await undoWish(node.root, node.system, node);
	t.true(node.asked.includes('systemctl restart containerd.service'));
	t.is(node.snapshot()['/units/containerd.service'], '644 disabled active');
});

test('forwarding is put back before what the kernel changes with it', async t => {
	const node = usedNode(tempDir(t));
	const place = join(node.disk, 'proc/sys/net/ipv4/conf/all');
	mkdirSync(place, {recursive: true});
	writeFileSync(join(place, 'accept_redirects'), '0\n');
	const forwarding = {sysctls: {'net.ipv4.ip_forward': '1'}, remembered: ['net.ipv4.conf.all.accept_redirects']};
	await applyWish({...emptyWish, ...forwarding}, node.root, node.system, node);
	// As somebody may have done who looked at it meanwhile; a kernel does it when forwarding ends.
	writeFileSync(join(place, 'accept_redirects'), '1\n');
	t.deepEqual((await undoWish(node.root, node.system, node)).done, [
		'set net.ipv4.ip_forward back to 0',
		'set net.ipv4.conf.all.accept_redirects back to 0',
	]);
});

test('under SELinux what is put back gets the label of its place', async t => {
	const node = usedNode(tempDir(t));
	await applyWish(wish, node.root, node.system, node);
	const asked: string[] = [];
	const system: NodeSystem = {
		run: async (argv, options) => {
			if (argv[0] !== 'restorecon') return await node.system.run(argv, options);
			asked.push(argv.join(' '));
			t.is(readFileSync(join(node.disk, 'usr/bin/kubelet'), 'utf8'), 'older');
			return {code: 0, stdout: '', stderr: ''};
		},
	};
	mkdirSync(join(node.disk, 'sys/fs/selinux'), {recursive: true});
	writeFileSync(join(node.disk, 'sys/fs/selinux/enforce'), '1');
	await undoWish(node.root, system, node);
	t.deepEqual(asked, ['restorecon -- /etc/modules /usr/bin/kubelet']);
});

test('a folder in the place of a file is refused before anything is changed', async t => {
	const node = usedNode(tempDir(t));
	mkdirSync(join(node.disk, 'etc/tool'));
	const before = node.snapshot();
	await t.throwsAsync(applyWish(wish, node.root, node.system, node), {
		code: 'ERR_NODE_CONFLICT',
		message: /\/etc\/tool/,
	});
	t.deepEqual(node.snapshot(), before);
});

test('a setting that the kernel does not have is an error, and no file comes to be', async t => {
	const node = usedNode(tempDir(t));
	const strange = {...emptyWish, sysctls: {'net.ipv4.ip_magic': '1'}};
	await t.throwsAsync(applyWish(strange, node.root, node.system, node), {code: 'ERR_NODE_STEP', message: /ip_magic/});
	t.is(node.snapshot()['/proc/sys/net/ipv4/ip_magic'], undefined);
});

test('a secret is readable by root alone from its first moment, and in no title', async t => {
	const node = usedNode(tempDir(t));
	const secret: WantedFile = {path: '/etc/key', content: {kind: 'text', text: 'hunter2', mode: 0o600, secret: true}};
	const done = await applyWish({...emptyWish, files: [secret]}, node.root, node.system, node);
	t.is(statSync(join(node.disk, 'etc/key')).mode & 0o777, 0o600);
	t.false(done.join().includes('hunter2'));
	t.false(readFileSync(join(node.root, 'node/record.json'), 'utf8').includes('hunter2'));
});

test('a damaged record is told instead of guessed', async t => {
	const node = usedNode(tempDir(t));
	await applyWish(wish, node.root, node.system, node);
	writeFileSync(join(node.root, 'node/record.json'), '{"version": 1}');
	await t.throwsAsync(undoWish(node.root, node.system, node), {code: 'ERR_NODE_RECORD'});
});

test('however often it fails midway, it is completed in the end, and undone in the end', async t => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.nat(8), {maxLength: 4}), fc.array(fc.nat(8), {maxLength: 4}), async (going, back) => {
			const node = usedNode(tempDir(t));
			const before = node.snapshot();
			const attempt = async (calls: number | undefined, work: () => Promise<unknown>): Promise<void> => {
				node.asked.length = 0;
				node.failAfter = calls;
				await work().catch((error: {code?: string}) => {
					if (error.code !== 'ERR_NODE_STEP') throw error;
				});
			};
			const apply = () => applyWish(wish, node.root, node.system, node);
			for (const calls of going) await attempt(calls, apply);
			await attempt(undefined, apply);
			t.deepEqual(await nodeChanges(wish, node.system, node), []);
			const undo = () => undoWish(node.root, node.system, node);
			for (const calls of back) await attempt(calls, undo);
			await attempt(undefined, undo);
			t.deepEqual(withoutModules(node.snapshot()), before);
		}),
		{numRuns: 25},
	);
});

const refused = test.macro((t, value: object, message: RegExp) => {
	t.throws(() => parseWish({...emptyWish, ...value}), {code: 'ERR_USAGE', message});
});

test('a wish survives the wire', t => {
	t.deepEqual(parseWish(JSON.parse(JSON.stringify(wish))), wish);
});
for (const path of ['etc/a', '/etc/../a', '/etc//a', '/etc/./a', '/', '/etc/', '//a', '/etc/a\n'])
	test(`${JSON.stringify(path)} is no place for a file`, refused, {files: [text(path, '')]}, /path is not/);
test('a unit that is an option', refused, {units: [{name: '--now'}]}, /units is not/);
test('a module that is a path', refused, {modules: ['../a']}, /modules is not/);
test('a setting that is a path', refused, {sysctls: {'../a': '1'}}, /sysctls is not/);
test('a value with a line break', refused, {sysctls: {'a.b': '1\n2'}}, /a\.b is not/);

/** A module that cannot be unloaded is no failure: it is gone after the next start. */
function withoutModules(snapshot: Record<string, string>): Record<string, string> {
	return Object.fromEntries(Object.entries(snapshot).filter(([path]) => !path.startsWith('/sys/module/')));
}

/** A machine that had some of it before: another kubelet, a list of modules, a containerd that runs. */
function usedNode(dir: string): PlayedNode {
	const node = playNode(dir);
	mkdirSync(join(node.disk, 'image/bin'), {recursive: true});
	writeFileSync(join(node.disk, 'image/bin/kubelet-1.20'), 'kubelet');
	chmodSync(join(node.disk, 'image/bin/kubelet-1.20'), 0o755);
	symlinkSync('kubelet-1.20', join(node.disk, 'image/bin/kubelet'));
	writeFileSync(join(node.disk, 'usr/bin/kubelet'), 'older');
	chmodSync(join(node.disk, 'usr/bin/kubelet'), 0o700);
	writeFileSync(join(node.disk, 'etc/modules'), 'nothing\n');
	setUnit(node, 'containerd.service', 'disabled', 'active');
	setUnit(node, 'firewalld.service', 'enabled', 'active');
	return node;
}

function text(path: string, content: string): WantedFile {
	return {path, content: {kind: 'text', text: content, mode: 0o644}};
}
