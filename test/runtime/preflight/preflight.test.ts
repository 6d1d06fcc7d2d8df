import test from 'ava';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import {preflightTopics} from '../../../lib/runtime/preflight/checks.js';
import type {PreflightOptions} from '../../../lib/runtime/preflight/options.js';
import {preflight} from '../../../lib/runtime/preflight/preflight.js';
import {
	changed,
	type Mutable,
	otherHost,
	pathOf,
	recordedFacts,
	soundFacts as sound,
} from '../../helpers/recorded-facts.js';

const asMaster: PreflightOptions = {roles: {a: ['master'], b: ['node'], c: ['node']}};

test('a sound host gives no finding', t => {
	t.deepEqual(preflight([sound], asMaster), []);
});

/** Breaks the sound host, and expects one finding and nothing else. */
const finds = test.macro({
	exec: (
		t,
		id: string,
		severity: 'error' | 'warning',
		what: string,
		change: (facts: Mutable<HostFacts>) => void,
		options: PreflightOptions = asMaster,
	) => {
		const found = preflight([changed(sound, change)], options);
		t.deepEqual(
			found.map(finding => [finding.id, finding.severity, finding.what, finding.hosts]),
			[[id, severity, what, ['a']]],
		);
		t.true(found[0]!.why.endsWith('.') && found[0]!.mend.endsWith('.'));
	},
	title: (title, id, _severity, what) => title ?? `${id}: ${what}`,
});

test(finds, 'not-root', 'error', 'Commands run as user 1000, not as root', f => (f.uid = 1000));
test(finds, 'architecture-32-bit', 'error', 'The machine is 32 bit (armv7l)', f =>
	Object.assign(f.system, {architecture: 'arm', variant: 'v7', machine: 'armv7l'}),
);
test(finds, 'architecture-unsupported', 'error', 'The machine is riscv64, for which there is no agent', f =>
	Object.assign(f.system, {architecture: 'riscv64', machine: 'riscv64'}),
);
test(
	finds,
	'architecture-without-image',
	'error',
	'The host is linux/amd64, and the images are for linux/arm64 and linux/s390x',
	() => undefined,
	{platforms: ['linux/arm64', 'linux/s390x']},
);
test(finds, 'no-systemd', 'error', 'The host is run by openrc, not by systemd', f => (f.system.init = 'openrc'));
test(finds, 'glibc-missing', 'error', 'The C library is musl, not glibc', f => (f.system.libc = {kind: 'musl'}));
test(
	finds,
	'glibc-loader-missing',
	'error',
	'The loader of glibc is not where programs look for it',
	f => delete f.system.libc.loader,
);
test(finds, 'glibc-too-old', 'error', 'The C library is glibc 2.17', f => (f.system.libc.version = '2.17'));
test(finds, 'libstdcxx-missing', 'error', 'libstdc++.so.6 is not installed', f => delete f.system.libstdcxx);
test(finds, 'libstdcxx-too-old', 'error', 'The C++ library is libstdc++ 6.0.19', f => (f.system.libstdcxx = '6.0.19'));
test(
	finds,
	'host-is-container',
	'warning',
	'The host is itself a container (lxc)',
	f => (f.identity.container = 'lxc'),
);
test(finds, 'module-absent', 'error', 'The kernel has no ip_vs and ip_vs_rr (5.15.0-91-generic)', f =>
	Object.assign(f.kernel.modules, {ip_vs: 'absent', ip_vs_rr: 'absent'}),
);
test(
	finds,
	'module-blocked',
	'error',
	'The host forbids to load ip_vs (5.15.0-91-generic)',
	f => (f.kernel.modules.ip_vs = 'blocked'),
);
test(
	finds,
	'kernel-not-restarted',
	'error',
	'The modules of the running kernel are gone, overlay among them (5.15.0-91-generic)',
	f => {
		f.kernel.modulesFolder = false;
		f.kernel.modules.overlay = 'unknown';
	},
);
test(
	finds,
	'cgroups-missing',
	'error',
	'No control groups are mounted at /sys/fs/cgroup',
	f => (f.kernel.cgroup = {version: 'none', controllers: []}),
);
test(finds, 'cgroup-v1', 'warning', 'The control groups are version 1', f => (f.kernel.cgroup.version = 'v1'));
test(
	finds,
	'cgroup-controller-missing',
	'error',
	'Of the control groups, memory is off',
	f => (f.kernel.cgroup.controllers = ['cpu', 'pids']),
);
test(finds, 'cpus-few', 'error', 'The host has fewer than 2 processors (1)', f => (f.hardware.cpus = 1));
test(
	finds,
	'memory-small',
	'error',
	'The host has less memory than 1621 MiB (1024 MiB)',
	f => (f.hardware.memoryBytes = 2 ** 30),
);
test(
	finds,
	'swap-on',
	'warning',
	'Swap is on (512 MiB at /dev/zram0)',
	f => (f.hardware.swaps = [{path: '/dev/zram0', sizeBytes: 2 ** 29}]),
);
test(finds, 'clock-not-kept', 'warning', 'No service keeps the clock', f => delete f.clock.service);
test(
	finds,
	'clock-off-operator',
	'error',
	'The clock is ahead of that of this machine (90 s)',
	f => (f.clock.offsetMs = 90_000),
);
test(
	finds,
	'clock-off-operator',
	'warning',
	'The clock is behind that of this machine (2.5 s)',
	f => (f.clock.offsetMs = -2500),
);
test(
	finds,
	'path-read-only',
	'error',
	'Nothing can be written to /etc, /opt, /tmp, /usr/local/bin, /var/lib/etcd, /var/lib/kubelet, /var/lib/sealimage and /var/log (ext4 at /, ro)',
	f => {
		for (const path of f.paths.filter(one => one.mountPoint === '/')) {
			path.writable = false;
			path.mountOptions = ['ro'];
		}
	},
);
test(
	finds,
	'path-noexec',
	'error',
	'No program can be started from /var/lib/containerd (xfs at /data, noexec)',
	f => (pathOf(f, '/var/lib/containerd').mountOptions = ['rw', 'noexec']),
);
test(
	finds,
	'path-on-network',
	'warning',
	'/var/lib/containerd is on a network file system (nfs4 at /data)',
	f => (pathOf(f, '/var/lib/containerd').fileSystem = 'nfs4'),
);
test(
	finds,
	'disk-small',
	'error',
	'There is less than 4096 MiB of free space for /var/lib/containerd (1024 MiB)',
	f => (pathOf(f, '/var/lib/containerd').freeBytes = 2 ** 30),
);
test(
	'folders on one file system share its space',
	finds,
	'disk-small',
	'error',
	'There is less than 5520 MiB of free space for /opt, /var/lib/etcd, /var/lib/kubelet and /var/lib/sealimage (5000 MiB)',
	f => {
		for (const path of f.paths.filter(one => one.mountPoint === '/')) path.freeBytes = 5000 * 2 ** 20;
	},
);
test(
	finds,
	'inodes-few',
	'error',
	'There are few free inodes for /var/lib/containerd (17)',
	f => (pathOf(f, '/var/lib/containerd').freeInodes = 17),
);
test(
	finds,
	'hostname-invalid',
	'error',
	'The host has no name of its own (localhost.localdomain)',
	f => (f.identity.hostname = 'localhost.localdomain'),
);
test(
	finds,
	'hostname-invalid',
	'error',
	'The name of the host is none that DNS allows (a_b)',
	f => (f.identity.hostname = 'a_b'),
);
test(
	finds,
	'hostname-invalid',
	'warning',
	'The name of the host has capital letters, and the node will be called without them (Node1)',
	f => (f.identity.hostname = 'Node1'),
);
test(finds, 'machine-id-missing', 'warning', '/etc/machine-id is missing or empty', f => delete f.identity.machineId);
test(
	finds,
	'no-address',
	'error',
	'No interface has an address beyond the host itself',
	f => (f.network.interfaces = []),
);
test(
	finds,
	'no-default-route',
	'warning',
	'There is no default route (10.20.0.11/24, 2001:db8:20::11/64 and 172.31.5.11/20)',
	f => (f.network.routes = []),
);
test(finds, 'default-route-ambiguous', 'warning', 'Default routes of IPv4 lead through ens160 and ens192 alike', f => {
	for (const route of f.network.routes) route.metric = 0;
});
test(
	finds,
	'no-name-server',
	'warning',
	'There is no name server in /etc/resolv.conf',
	f => (f.network.nameServers = []),
);
test(finds, 'command-missing', 'error', 'iptables is not installed', f => delete f.software.commands.iptables);
test(finds, 'port-taken', 'error', 'Port 6443/tcp, for the API server, is taken (haproxy of haproxy.service)', f => {
	f.ports = [
		{protocol: 'tcp', address: '0.0.0.0', port: 6443, uid: 0, pid: 7, process: 'haproxy', unit: 'haproxy.service'},
		{protocol: 'udp', address: '0.0.0.0', port: 10250},
	];
});
test(
	finds,
	'port-taken',
	'error',
	'Port 2379/tcp, for etcd, is taken (a process of user 998)',
	f => (f.ports = [{protocol: 'tcp', address: '::1', port: 2379, uid: 998}]),
);
test(finds, 'service-running', 'error', 'kubelet.service runs', f => (f.software.services = ['kubelet.service']));
test(
	finds,
	'left-over',
	'error',
	'/etc/kubernetes/manifests and /var/lib/etcd are there already',
	f => (f.software.present = ['/etc/kubernetes/manifests', '/var/lib/etcd']),
);
test(
	finds,
	'runtime-running',
	'warning',
	'containerd and docker run already (containerd 1.7.2, docker 24.0.5)',
	f => (f.software.services = ['docker.service', 'containerd.service']),
);
test(finds, 'firewall-active', 'warning', 'A firewall is active: ufw', f => (f.security.firewalls = ['ufw']));
test(finds, 'selinux-enforcing', 'warning', 'SELinux is enforcing', f => (f.security.selinux = 'enforcing'));
test(
	finds,
	'apparmor-without-parser',
	'error',
	'AppArmor is on, and apparmor_parser is not installed',
	f => delete f.software.commands.apparmor_parser,
);

test('a host without a name that DNS or /etc/hosts could find is told', t => {
	const found = preflight([
		changed(sound, f => {
			f.identity.hostsEntries = [];
			f.network.nameServers = [];
		}),
	]);
	t.deepEqual(
		found.map(finding => finding.id),
		['hostname-unresolvable', 'no-name-server'],
	);
});

test('a host without a role is judged as a node', t => {
	const small = changed(sound, f => {
		f.hardware.cpus = 1;
		f.kernel.modules.ip_vs = 'absent';
		f.ports = [{protocol: 'tcp', address: '::', port: 6443}];
	});
	t.deepEqual(
		preflight([small], {roles: {a: ['registry']}}),
		[],
		'a role that nothing is known of needs what all need',
	);
	t.deepEqual(
		preflight([small]).map(finding => finding.id),
		['module-absent'],
	);
	t.deepEqual(
		preflight([small], {roles: {a: ['node']}}).map(finding => finding.id),
		['module-absent'],
	);
});

test('what is true of several hosts is one finding, and errors come first', t => {
	const hosts = ['a', 'b', 'c'].map(host =>
		otherHost(host, f => {
			f.hardware.swaps = [{path: '/swap', sizeBytes: 2 ** 30}];
			if (host !== 'b') f.system.init = 'openrc';
		}),
	);
	t.deepEqual(
		preflight(hosts, asMaster).map(({id, hosts: of}) => [id, of]),
		[
			['no-systemd', ['a', 'c']],
			['swap-on', ['a', 'b', 'c']],
		],
	);
});

test('what is ignored is not found', t => {
	const bad = changed(sound, f => (f.system.init = 'openrc'));
	t.deepEqual(preflight([bad], {ignore: ['no-systemd']}), []);
});

test('every check has an id of its own, and says why and how to mend', t => {
	const ids = preflightTopics.map(topic => topic.id);
	t.is(new Set(ids).size, ids.length);
	for (const {id, why, mend} of preflightTopics) {
		t.regex(id, /^[a-z0-9]+(?:-[a-z0-9]+)*$/);
		t.true(why.endsWith('.') && mend.endsWith('.'), id);
	}
});

const meets = test.macro({
	exec: (t, name: string, role: string, ids: readonly string[]) => {
		const facts = recordedFacts(name);
		t.deepEqual(
			preflight([facts], {roles: {[name]: [role]}}).map(finding => finding.id),
			ids,
		);
	},
	title: (_, name, role) => `${name} as a ${role} has the findings that one would expect`,
});

test(meets, 'alpine-3.19', 'node', ['no-systemd', 'glibc-missing', 'hostname-invalid', 'command-missing']);
test(meets, 'debian-12', 'node', [
	'not-root',
	'module-blocked',
	'path-read-only',
	'disk-small',
	'inodes-few',
	'command-missing',
	'apparmor-without-parser',
	'clock-off-operator',
]);
test(meets, 'openeuler-22.03-arm64', 'node', [
	'port-taken',
	'service-running',
	'left-over',
	'cgroup-v1',
	'swap-on',
	'clock-off-operator',
]);
test(meets, 'raspbian-12-armhf', 'node', [
	'architecture-32-bit',
	'cgroup-controller-missing',
	'command-missing',
	'swap-on',
	'hostname-invalid',
	'default-route-ambiguous',
]);
test(meets, 'rocky-8', 'master', [
	'path-noexec',
	'cgroup-v1',
	'firewall-active',
	'selinux-enforcing',
	'clock-off-operator',
]);
