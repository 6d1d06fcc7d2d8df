import {existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {IpvsTable, ServiceState} from '../../../../lib/lb/ipvs/table.js';
import {resetNode as verb} from '../../../../lib/runtime/agent/verbs/reset-node.js';
import {applyWish} from '../../../../lib/runtime/node/apply.js';
import {keepBefore} from '../../../../lib/runtime/node/before.js';
import type {NodeSystem, Ran} from '../../../../lib/runtime/node/system.js';
import {undoWish} from '../../../../lib/runtime/node/undo.js';
import {emptyWish} from '../../../../lib/runtime/node/wish.js';
import {type ResetRequest, resetNode} from '../../../../lib/runtime/rootfs/reset/reset.js';
import {kubernetesWish} from '../../../../lib/runtime/rootfs/wish.js';
import {ipvsModel} from '../../../helpers/ipvs-model.js';
import {looseRootfs, master, nodeSetting} from '../../../helpers/node-setting.js';
import {type PlayedNode, playNode, setUnit} from '../../../helpers/played-node.js';
import {changed, recordedFacts, soundFacts} from '../../../helpers/recorded-facts.js';
import {tempDir, writeFiles} from '../../../helpers/temp-dir.js';

const request: ResetRequest = {
	role: 'master',
	pods: ['10.244.0.0/16'],
	services: ['10.96.0.0/16'],
	virtualAddress: '10.103.97.2',
};

interface Machine extends PlayedNode {
	/** What programs say, by their first words. */
	readonly says: Record<string, string>;
	/** What was fed to programs. */
	readonly fed: string[];
	readonly all: NodeSystem;
}

/** A played node with the programs that a reset asks. */
function machine(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): Machine {
	const node = playNode(tempDir(t));
	writeFiles(node.disk, files);
	const says: Record<string, string> = {};
	const fed: string[] = [];
	const all: NodeSystem = {
		async run(argv, options) {
			if (['systemctl', 'sync', 'modprobe'].includes(argv[0] ?? '')) return await node.system.run(argv, options);
			node.asked.push(argv.join(' '));
			if (options?.input !== undefined) fed.push(options.input);
			const said = Object.entries(says).find(([words]) => argv.join(' ').startsWith(words));
			return said === undefined ? ran('', 127) : ran(said[1], 0);
		},
	};
	return {...node, says, fed, all};
}

/** A kernel with these virtual services. */
function services(...all: readonly (readonly [address: string, port: number])[]): IpvsTable {
	const traffic = {connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n};
	let left: readonly ServiceState[] = all.map(([address, port]) => ({
		...{protocol: 'tcp', address, port},
		...{scheduler: 'rr', traffic},
	}));
	return {
		...ipvsModel(),
		services: () => left,
		deleteService: ({address}) => {
			left = left.filter(service => service.address !== address);
		},
	};
}

function ran(stdout: string, code: number): Ran {
	return {code, stdout, stderr: ''};
}

const prepared = {...emptyWish, folders: ['/etc/kubernetes', '/var/lib/kubelet', '/var/lib/etcd', '/etc/cni/net.d']};

test('what came since the host was prepared goes, and what was there before stays', async t => {
	const host = machine(t, {'etc/cni/net.d/50-theirs.conf': 'x', 'var/lib/kubelet/old': 'x'});
	await applyWish(prepared, host.root, host.all, host);
	writeFiles(host.disk, {
		'etc/kubernetes/admin.conf': 'x',
		'etc/kubernetes/manifests/etcd.yaml': 'x',
		'var/lib/kubelet/pods/1/volume': 'x',
		'var/lib/etcd/member/wal': 'x',
		'etc/cni/net.d/10-flannel.conflist': 'x',
	});
	setUnit(host, 'kubelet.service', 'enabled', 'active');
	setUnit(host, 'kubepods.slice', 'transient', 'active');
	const {leftovers} = await resetNode(request, host.root, host.all, host);
	t.deepEqual(leftovers, []);
	t.true(host.asked.includes('systemctl stop kubelet.service'));
	t.true(host.asked.includes('systemctl stop kubepods.slice'));
	t.false(existsSync(join(host.disk, 'etc/kubernetes')));
	t.false(existsSync(join(host.disk, 'var/lib/etcd')));
	t.deepEqual(readdirSync(join(host.disk, 'var/lib/kubelet')), ['old']);
	t.deepEqual(readdirSync(join(host.disk, 'etc/cni/net.d')), ['50-theirs.conf']);
	t.deepEqual(await resetNode(request, host.root, host.all, host), {done: [], leftovers: [], remnants: []});
});

test('beside an authority that a user put there before no key stays behind', async t => {
	const host = machine(t, {'etc/kubernetes/pki/ca.crt': 'x', 'etc/kubernetes/pki/ca.key': 'x'});
	const {folders} = kubernetesWish(nodeSetting([looseRootfs]), master, recordedFacts('ubuntu-22.04'));
	await applyWish({...emptyWish, folders}, host.root, host.all, host);
	writeFiles(host.disk, {
		'etc/kubernetes/admin.conf': 'x',
		'etc/kubernetes/pki/apiserver.key': 'x',
		'etc/kubernetes/pki/etcd/ca.key': 'x',
	});
	await resetNode(request, host.root, host.all, host);
	const {leftovers} = await undoWish(host.root, host.all, host);
	t.deepEqual(leftovers, []);
	t.deepEqual(readdirSync(join(host.disk, 'etc/kubernetes'), {recursive: true}).toSorted(), [
		'pki',
		'pki/ca.crt',
		'pki/ca.key',
	]);
});

test('without a record only what is Kubernetes alone is emptied, and shared folders by names', async t => {
	const host = machine(t, {
		'etc/kubernetes/kubelet.conf': 'x',
		'etc/cni/net.d/87-podman.conflist': 'x',
		'etc/cni/net.d/10-calico.conflist': 'x',
		'var/lib/etcd/member/wal': 'x',
	});
	await resetNode({...request, role: 'node'}, host.root, host.all, host);
	t.false(existsSync(join(host.disk, 'etc/kubernetes')));
	t.deepEqual(readdirSync(join(host.disk, 'etc/cni/net.d')), ['87-podman.conflist']);
	// A node has no etcd: whose data this is nobody knows.
	t.true(existsSync(join(host.disk, 'var/lib/etcd/member/wal')));
});

test('in folders that a user chose nothing but the data of etcd and the kubelet goes', async t => {
	const host = machine(t, {
		'data/etcd/member/wal': 'x',
		'data/etcd/member.left/wal': 'x',
		'data/etcd/mine': 'x',
		'data/kubelet/pods/1': 'x',
		'data/kubelet/mine': 'x',
	});
	await resetNode({...request, etcdFolder: '/data/etcd', kubeletFolder: '/data/kubelet'}, host.root, host.all, host);
	t.deepEqual(readdirSync(join(host.disk, 'data/etcd')), ['mine']);
	t.deepEqual(readdirSync(join(host.disk, 'data/kubelet')), ['mine']);
});

test('pods go by crictl, and what it leaves by ctr', async t => {
	const host = machine(t, {'run/containerd/containerd.sock': ''});
	setUnit(host, 'containerd.service', 'enabled', 'active');
	host.says['crictl -r unix:///run/containerd/containerd.sock pods -q'] = '0123456789abcdef\n';
	host.says['crictl -r unix:///run/containerd/containerd.sock stopp'] = '';
	host.says['ctr -a /run/containerd/containerd.sock -n k8s.io tasks ls -q'] = 'abc\n';
	host.says['ctr -a /run/containerd/containerd.sock -n k8s.io containers ls -q'] = 'abc\n';
	const {leftovers} = await resetNode(request, host.root, host.all, host);
	const asked = (words: string): boolean => host.asked.some(line => line.endsWith(words));
	t.true(asked('stopp 0123456789abcdef'));
	t.true(asked('rmp 0123456789abcdef'));
	t.true(asked('tasks kill -s SIGKILL abc'));
	t.true(asked('containers rm abc'));
	t.deepEqual(leftovers, [{what: 'containers', why: '1 of Kubernetes cannot be removed'}]);
});

test('processes of containers that were never made are ended, with what they started', async t => {
	const shim = (namespace: string, socket = '/run/containerd/containerd.sock'): string =>
		['/usr/bin/containerd-shim-runc-v2', '-namespace', namespace, '-id', 'x', '-address', socket].join('\0');
	const host = machine(t, {
		'run/containerd/containerd.sock': '',
		'proc/70/cmdline': shim('k8s.io'),
		'proc/70/status': 'PPid:\t1\n',
		'proc/71/cmdline': '/pause',
		'proc/71/status': 'PPid:\t70\n',
		'proc/80/cmdline': shim('moby'),
		'proc/80/status': 'PPid:\t1\n',
		'proc/90/cmdline': shim('k8s.io', '/run/k3s/containerd/containerd.sock'),
		'proc/90/status': 'PPid:\t1\n',
	});
	setUnit(host, 'containerd.service', 'enabled', 'active');
	host.says.ctr = '';
	host.says.kill = '';
	t.deepEqual((await resetNode(request, host.root, host.all, host)).leftovers, []);
	t.deepEqual(
		host.asked.filter(line => line.startsWith('kill')),
		['kill -KILL -- 70 71'],
	);
});

test('nothing is removed below a mount that does not go, and the rest goes on', async t => {
	const host = machine(t, {
		'var/lib/kubelet/pods/1/nfs/precious': 'x',
		'etc/kubernetes/admin.conf': 'x',
		'proc/self/mountinfo': '40 1 0:30 / /var/lib/kubelet/pods/1/nfs rw - nfs4 server:/ rw\n',
	});
	const {leftovers} = await resetNode(request, host.root, host.all, host);
	t.deepEqual(
		leftovers.map(({what}) => what),
		['/var/lib/kubelet'],
	);
	t.true(host.asked.includes('umount -l -- /var/lib/kubelet/pods/1/nfs'));
	t.true(existsSync(join(host.disk, 'var/lib/kubelet/pods/1/nfs/precious')));
	t.false(existsSync(join(host.disk, 'etc/kubernetes')));
});

test('a folder that is a link is looked for mounts where it leads to', async t => {
	const host = machine(t, {'data/kubelet/mine': 'x', 'var/lib/kubelet': '-> ../../data/kubelet'});
	await applyWish(prepared, host.root, host.all, host);
	writeFiles(host.disk, {
		'data/kubelet/pods/1/nfs/precious': 'x',
		'proc/self/mountinfo': '40 1 0:30 / /data/kubelet/pods/1/nfs rw - nfs4 server:/ rw\n',
	});
	const {leftovers} = await resetNode(request, host.root, host.all, host);
	t.deepEqual(
		leftovers.map(({what}) => what),
		['/var/lib/kubelet'],
	);
	t.true(existsSync(join(host.disk, 'data/kubelet/pods/1/nfs/precious')));
	writeFileSync(join(host.disk, 'proc/self/mountinfo'), '');
	t.deepEqual((await resetNode(request, host.root, host.all, host)).leftovers, []);
	t.deepEqual(readdirSync(join(host.disk, 'var/lib/kubelet')), ['mine']);
});

test('a folder below a link of the system goes as any other', async t => {
	const host = machine(t, {'data/lib/kubelet/pki/key': 'x', var: '-> data'});
	t.deepEqual((await resetNode(request, host.root, host.all, host)).leftovers, []);
	t.deepEqual(readdirSync(join(host.disk, 'data/lib')), []);
});

test('what a link of somebody leads to is left alone when nobody knows what was there', async t => {
	const host = machine(t, {'data/mine': 'x', 'var/lib/etcd': '-> ../../data'});
	const {leftovers} = await resetNode(request, host.root, host.all, host);
	t.regex(leftovers[0]?.why ?? '', /^\/var\/lib\/etcd leads to \/data, /);
	t.true(existsSync(join(host.disk, 'data/mine')));
});

test('the kernel keeps what is none of ours: chains, tables, sets, interfaces, virtual services', async t => {
	const host = machine(t);
	for (const module of ['nf_tables', 'ip_set', 'ip_vs']) mkdirSync(join(host.disk, 'sys/module', module));
	host.says['iptables-save'] = '*nat\n:KUBE-X - [0:0]\n:MINE - [0:0]\n-A MINE -j KUBE-X\nCOMMIT\n';
	host.says['iptables-restore'] = '';
	host.says['nft list tables'] = 'table ip kube-proxy\ntable inet mine\ntable ip6 nat\n';
	host.says['nft delete'] = '';
	host.says['ip -o link show'] = '4: cni0: <UP> mtu 1\n5: eth1: <UP> mtu 1\n';
	host.says['ip link delete'] = '';
	const table = services(['10.96.0.10', 53], ['10.103.97.2', 6443]);
	const sets = new Set(['KUBE-CLUSTER-IP', 'mine', 'cali40all']);
	const {leftovers, remnants} = await resetNode(request, host.root, host.all, {
		...host,
		openIpvs: () => Promise.resolve(table),
		openSets: () =>
			Promise.resolve({names: () => [...sets], destroy: name => void sets.delete(name), close: () => undefined}),
	});
	t.deepEqual([...sets], ['mine']);
	t.deepEqual([...leftovers, ...remnants], []);
	t.deepEqual(
		host.asked.filter(line => / delete |-restore/.test(line)),
		['iptables-restore --noflush', 'nft delete table ip kube-proxy', 'ip link delete dev cni0'],
	);
	t.deepEqual(host.fed.filter(Boolean), ['*nat\n:KUBE-X - [0:0]\n-D MINE -j KUBE-X\n-X KUBE-X\nCOMMIT\n']);
	t.deepEqual(
		table.services().map(({address}) => address),
		['10.103.97.2'],
	);
});

test('what a host had before it was prepared is none of ours, whatever it is called and wherever it leads', async t => {
	const host = machine(t);
	const facts = changed(soundFacts, known => {
		const eth0 = known.network.interfaces[0]!;
		known.network.interfaces = [eth0, {...eth0, name: 'weave'}];
		known.network.routes = [{to: '10.244.9.9/32', family: 4, interface: 'eth1', metric: 0}];
	});
	await keepBefore(host.root, {...facts});
	host.says['ip -o link show'] = '4: weave: <UP> mtu 1\n5: cni0: <UP> mtu 1\n';
	host.says['ip -o -4 route show'] = '10.244.9.9 via 10.0.0.9 dev eth1\n10.244.1.0/24 via 10.0.0.2 dev eth0\n';
	host.says['ip link delete'] = '';
	host.says['ip -4 route delete'] = '';
	t.deepEqual((await resetNode(request, host.root, host.all, host)).remnants, []);
	t.deepEqual(
		host.asked.filter(line => line.includes(' delete ')),
		['ip link delete dev cni0', 'ip -4 route delete 10.244.1.0/24 via 10.0.0.2 dev eth0'],
	);
});

test("what kubectl keeps of itself goes, and somebody's own configuration of it stays", async t => {
	const host = machine(t);
	const before = host.snapshot();
	const wish = {...emptyWish, folders: ['/root/.kube/cache']};
	await applyWish(wish, host.root, host.all, host);
	writeFiles(host.disk, {'root/.kube/cache/discovery/x': 'x', 'root/.kube/config': 'mine'});
	await undoWish(host.root, host.all, host);
	t.deepEqual(readdirSync(join(host.disk, 'root/.kube')), ['config']);
	const other = machine(t);
	await applyWish(wish, other.root, other.all, other);
	writeFiles(other.disk, {'root/.kube/cache/discovery/x': 'x'});
	await undoWish(other.root, other.all, other);
	t.deepEqual(other.snapshot(), before);
});

test('a host is put back with what was in its folders, also when it was never reset', async t => {
	const host = machine(t, {'etc/cni/net.d/50-theirs.conf': 'x'});
	const before = host.snapshot();
	await applyWish(prepared, host.root, host.all, host);
	writeFiles(host.disk, {'var/lib/kubelet/pki/key': 'x', 'etc/cni/net.d/10-x.conf': 'x'});
	t.deepEqual((await undoWish(host.root, host.all, host)).leftovers, []);
	t.deepEqual(host.snapshot(), before);
	writeFileSync(join(host.disk, 'etc/cni/net.d/60-new.conf'), 'x');
	t.deepEqual(await undoWish(host.root, host.all, host), {done: [], leftovers: []});
	t.true(existsSync(join(host.disk, 'etc/cni/net.d/60-new.conf')));
});

const wrong = test.macro<[object, RegExp]>({
	exec(t, change, message) {
		t.throws(() => verb.parse({...request, ...change}), {code: 'ERR_USAGE', message});
	},
	title: (_, change) => `the verb refuses ${JSON.stringify(change)}`,
});

test(wrong, {role: 'root'}, /^role is not/);
test(wrong, {pods: ['x']}, /^pods is not/);
for (const folder of ['/', '/etc/x', '/usr/lib', 'data/x', '/data/../etc', '/var', '/srv', '/data/'])
	test(wrong, {etcdFolder: folder}, /^etcdFolder is not/);

test('a disk for etcd alone may be mounted at the root', t => {
	t.is(verb.parse({...request, etcdFolder: '/etcd'}).etcdFolder, '/etcd');
});
