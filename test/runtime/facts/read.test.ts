import {readFileSync} from 'node:fs';
import test from 'ava';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import {readFacts} from '../../../lib/runtime/facts/read.js';
import {defaultWanted} from '../../../lib/runtime/facts/wanted.js';
import {recordedFacts} from '../../helpers/recorded-facts.js';

/** What a recorded host is, in part: `t.like` passes over what is not named. */
const reads = test.macro({
	exec: (t, name: string, expected: object) => {
		t.like(recordedFacts(name), expected);
	},
	title: (title, name) => title ?? `the facts of ${name} are read`,
});

test(reads, 'debian-13', {
	schema: 1,
	host: 'debian-13',
	uid: 0,
	identity: {hostname: 'facts1', hostsEntries: ['127.0.1.1']},
	system: {
		architecture: 'amd64',
		init: 'systemd',
		systemdVersion: 257,
		libc: {kind: 'glibc', version: '2.41'},
		libstdcxx: '6.0.33',
		distribution: {id: 'debian', like: [], version: '13', name: 'Debian GNU/Linux 13 (trixie)'},
	},
	kernel: {
		release: '7.2.7',
		modulesFolder: true,
		cgroup: {version: 'v2', controllers: ['cpu', 'io', 'memory', 'pids']},
		modules: {ip_vs: 'loadable', ip_vs_rr: 'loadable', overlay: 'loadable', vxlan: 'loadable'},
	},
	hardware: {cpus: 1, cpuModel: 'UML', memoryBytes: 630_944 * 1024, swaps: []},
	network: {
		interfaces: [{name: 'vec0', addresses: ['10.77.0.13/24'], mac: '02:00:00:00:00:0d', hardware: true}],
		routes: [
			{to: 'default', family: 4, interface: 'vec0', via: '10.77.0.1', metric: 0},
			{to: '10.77.0.0/24', family: 4, interface: 'vec0', metric: 0},
		],
	},
	security: {selinux: 'permissive', apparmor: false, firewalls: []},
	ports: [
		{protocol: 'tcp', address: '0.0.0.0', port: 22, uid: 0, process: 'sshd', unit: 'ssh.service'},
		{protocol: 'tcp', address: '::', port: 22, uid: 0, process: 'sshd', unit: 'ssh.service'},
	],
});

test(reads, 'ubuntu-22.04', {
	identity: {
		machineId: '1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f',
		productUuid: '564d1122-3344-5566-7788-99aabbccddee',
		product: 'VMware, Inc. VMware Virtual Platform',
	},
	system: {systemdVersion: 249, libstdcxx: '6.0.30', distribution: {id: 'ubuntu', like: ['debian'], version: '22.04'}},
	kernel: {modules: {br_netfilter: 'loaded', ip_vs: 'loadable', overlay: 'loaded'}},
	hardware: {cpus: 4, swaps: [{path: '/swap.img', sizeBytes: 4_001_788 * 1024}]},
	clock: {service: 'systemd-timesyncd'},
	network: {
		interfaces: [
			{name: 'ens160', addresses: ['10.20.0.11/24', '2001:db8:20::11/64'], mtu: 1500, state: 'up', hardware: true},
			{name: 'ens192', addresses: ['172.31.5.11/20'], mtu: 9000},
			{name: 'docker0', addresses: ['172.17.0.1/16'], hardware: false},
		],
		routes: [
			{to: 'default', interface: 'ens160', via: '10.20.0.1', metric: 0},
			{to: 'default', interface: 'ens192', metric: 100},
			{to: '10.20.0.0/24'},
			{to: '172.17.0.0/16'},
			{to: '172.31.0.0/20'},
			{to: '2001:db8:20::/64', family: 6, interface: 'ens160', metric: 256},
			{to: 'default', family: 6, via: 'fe80::1', metric: 1024},
		],
		nameServers: ['10.20.0.2', '10.20.0.3'],
		searchDomains: ['corp.example', 'lab.example'],
	},
	security: {selinux: 'absent', apparmor: true, firewalls: []},
	software: {
		versions: {containerd: '1.7.2', dockerd: '24.0.5'},
		sockets: ['/run/containerd/containerd.sock', '/run/docker.sock'],
		present: ['/etc/containerd/config.toml'],
	},
});

test('each port names the process and the service that hold it', t => {
	const ports = recordedFacts('ubuntu-22.04').ports;
	t.deepEqual(
		ports.map(({protocol, address, port, process, unit}) => [protocol, address, port, process, unit]),
		[
			['tcp', '0.0.0.0', 22, 'sshd', 'ssh.service'],
			['tcp', '::', 22, 'sshd', 'ssh.service'],
			['tcp', '127.0.0.53', 53, 'systemd-resolve', 'systemd-resolved.service'],
			['tcp', '0.0.0.0', 10250, 'python3', undefined],
			['udp', '127.0.0.53', 53, 'systemd-resolve', 'systemd-resolved.service'],
		],
	);
});

test('a folder that is a link is on the file system that it leads to', t => {
	const facts = recordedFacts('ubuntu-22.04');
	t.like(pathOf(facts, '/var/lib/containerd'), {
		existing: '/data/containerd',
		mountPoint: '/data',
		fileSystem: 'xfs',
		device: '/dev/sdb1',
		freeBytes: 50_000_000 * 4096,
	});
	t.like(pathOf(facts, '/var/lib/sealimage'), {existing: '/var/lib', mountPoint: '/', fileSystem: 'ext4'});
});

test(reads, 'debian-12', {
	uid: 1000,
	identity: {hostname: 'db1', hostsEntries: ['127.0.1.1']},
	kernel: {modules: {ip_vs: 'blocked', ip_vs_rr: 'loadable', nf_tables: 'absent', br_netfilter: 'loadable'}},
});

test('a disk that the kernel made read-only is one that cannot be written to', t => {
	t.like(pathOf(recordedFacts('debian-12'), '/var/lib/sealimage'), {
		writable: false,
		mountOptions: ['ro', 'relatime'],
		freeBytes: 51_200 * 4096,
		freeInodes: 12_000,
	});
});

test(reads, 'rocky-8', {
	system: {
		systemdVersion: 239,
		libc: {kind: 'glibc', version: '2.28'},
		libstdcxx: '6.0.25',
		distribution: {id: 'rocky', like: ['rhel', 'centos', 'fedora'], version: '8.9'},
	},
	kernel: {cgroup: {version: 'v1'}, modules: {ip_vs: 'loadable', nf_conntrack: 'loaded'}},
	clock: {service: 'chronyd'},
	network: {interfaces: [{name: 'eth0', mtu: 8942}], routes: [{to: 'default'}, {to: '10.30.0.0/24'}]},
	security: {selinux: 'enforcing', selinuxConfigured: 'enforcing', apparmor: false, firewalls: ['firewalld']},
	ports: [
		{port: 22, process: 'sshd', unit: 'sshd.service'},
		{port: 111, pid: 1},
		{port: 323, protocol: 'udp', process: 'chronyd', unit: 'chronyd.service'},
	],
});

test('inodes are unknown where a file system makes them as it needs them', t => {
	const opt = pathOf(recordedFacts('rocky-8'), '/opt');
	t.deepEqual(opt?.mountOptions, ['rw', 'nosuid', 'noexec', 'relatime']);
	t.is(opt?.freeInodes, undefined);
	t.is(opt?.freeBytes, 250_000 * 4096);
});

test(reads, 'openeuler-22.03-arm64', {
	system: {architecture: 'arm64', machine: 'aarch64', libstdcxx: '6.0.28', distribution: {id: 'openEuler'}},
	kernel: {cgroup: {version: 'hybrid'}, modules: {ip_vs: 'loaded', vxlan: 'loaded', ip_vs_rr: 'loadable'}},
	hardware: {cpus: 96},
	network: {
		interfaces: [
			{name: 'enp125s0f0', hardware: true},
			{name: 'cni0', addresses: ['10.42.0.1/24'], hardware: false},
			{name: 'flannel.1', addresses: ['10.42.0.0/32']},
		],
	},
	software: {versions: {k3s: '1.27.4+k3s1'}, services: ['chronyd.service', 'k3s.service']},
});

test('a login in the address of a proxy is not kept', t => {
	const facts = recordedFacts('openeuler-22.03-arm64');
	t.deepEqual(facts.network.proxies, {
		http_proxy: 'http://proxy.corp.example:3128',
		https_proxy: 'http://proxy.corp.example:3128/',
		no_proxy: 'localhost,127.0.0.1,10.40.0.0/16',
	});
	t.false(JSON.stringify(facts).includes('s3cr3t'));
});

test(reads, 'alpine-3.19', {
	system: {init: 'openrc', libc: {kind: 'musl'}, distribution: {id: 'alpine'}},
	hardware: {cpus: 1},
	network: {
		interfaces: [{name: 'eth0', addresses: ['192.168.7.20/24', '2001:db8::77/64'], hardware: true}],
		nameServers: ['192.168.7.1'],
	},
	ports: [{port: 22, process: 'sshd', pid: 2011}],
});

test('df tells the space where stat knows no file systems', t => {
	t.like(pathOf(recordedFacts('alpine-3.19'), '/opt'), {
		totalBytes: 19_471_876 * 1024,
		freeBytes: 17_945_900 * 1024,
		fileSystem: 'ext4',
	});
});

test(reads, 'raspbian-12-armhf', {
	identity: {product: 'Raspberry Pi 4 Model B Rev 1.4', hostname: 'RaspberryPi'},
	system: {architecture: 'arm', variant: 'v7', machine: 'aarch64', narrowUserland: true, libstdcxx: '6.0.30'},
	kernel: {cgroup: {version: 'v2', controllers: ['cpuset', 'cpu', 'io', 'pids']}},
	hardware: {cpus: 4, cpuModel: 'ARMv7 Processor rev 3 (v7l)'},
});

test('the offset of a clock is measured from the middle of the time that the answer took', t => {
	const asked = {sentMs: 1_700_000_000_000, receivedMs: 1_700_000_000_400};
	t.like(readRecorded('rocky-8', asked).clock, {offsetMs: 800, uncertaintyMs: 200});
	t.like(readRecorded('raspbian-12-armhf', asked).clock, {offsetMs: -75, uncertaintyMs: 200});
});

test('a clock that tells whole seconds is trusted half a second less', t => {
	const asked = {sentMs: 1_700_000_000_000, receivedMs: 1_700_000_000_400};
	t.like(readRecorded('alpine-3.19', asked).clock, {offsetMs: 300, uncertaintyMs: 700});
});

test('an answer that was cut off is refused, and says where it ended', t => {
	const whole = readFileSync('test/fixtures/facts/rocky-8.txt', 'latin1');
	const cut = Buffer.from(whole.slice(0, whole.indexOf('end\n')), 'latin1');
	t.like(
		t.throws(() => readFacts('h', cut, defaultWanted, {sentMs: 0, receivedMs: 0})),
		{
			code: 'ERR_FACTS',
			message: 'The facts end early, after "/proc/net/route"',
		},
	);
	t.like(
		t.throws(() => readFacts('h', Buffer.alloc(0), defaultWanted, {sentMs: 0, receivedMs: 0})),
		{
			code: 'ERR_FACTS',
			message: 'The host told no facts',
		},
	);
});

test('a host that is no Linux is refused by the name of its system', t => {
	const output = Buffer.from('clock 1\nuname FreeBSD amd64\nend\n');
	t.like(
		t.throws(() => readFacts('h', output, defaultWanted, {sentMs: 0, receivedMs: 0})),
		{
			code: 'ERR_FACTS',
			message: 'The host runs FreeBSD, not Linux',
		},
	);
});

test('a host that tells nothing but the end has facts all the same', t => {
	const facts = readFacts('h', Buffer.from('end\n'), defaultWanted, {sentMs: 0, receivedMs: 0});
	t.like(facts, {
		system: {architecture: 'unknown', init: 'unknown', libc: {kind: 'unknown'}},
		kernel: {cgroup: {version: 'none'}},
		ports: [],
	});
});

function readRecorded(name: string, asked: {sentMs: number; receivedMs: number}): HostFacts {
	return readFacts(name, readFileSync(`test/fixtures/facts/${name}.txt`), defaultWanted, asked);
}

function pathOf(facts: HostFacts, path: string): HostFacts['paths'][number] | undefined {
	return facts.paths.find(found => found.path === path);
}
