import {Secret} from '../../lib/core/secret.js';
import type {HostFacts} from '../../lib/runtime/facts/facts.js';
import {gatherFacts} from '../../lib/runtime/facts/gather.js';
import {eachHost} from '../../lib/runtime/host/each.js';
import type {HostLogin} from '../../lib/runtime/host/target.js';
import {preflight} from '../../lib/runtime/preflight/preflight.js';
import {openTransport} from '../../lib/runtime/transport/open.js';
import {bootHosts, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['facts-a', 'facts-b']);

labTest('one round trip tells what the host is, to root and to a user with sudo alike', async (t, [host]) => {
	const byRoot = await gather(host);
	const bySudo = await gather(host, {user: 'ops', password: new Secret(host.password)});
	t.like(byRoot, {
		uid: 0,
		identity: {hostname: host.name, machineId: onHost(host.name, 'cat /etc/machine-id').trim()},
		system: {architecture: 'amd64', init: 'systemd', libc: {kind: 'glibc'}, distribution: {id: 'debian'}},
		kernel: {release: onHost(host.name, 'uname -r').trim(), cgroup: {version: 'v2'}, modulesFolder: true},
	});
	t.true(byRoot.network.interfaces.some(({addresses}) => addresses.some(one => one.startsWith(`${host.address}/`))));
	t.like(
		byRoot.ports.find(({port, protocol}) => port === 22 && protocol === 'tcp'),
		{unit: 'ssh.service'},
	);
	t.deepEqual(steady(bySudo), steady(byRoot));
});

labTest('asking for a module does not load it', async (t, [host]) => {
	t.is((await gather(host)).kernel.modules.ip_vs, 'loadable');
	t.is(onHost(host.name, 'lsmod | grep -c ip_vs || true').trim(), '0');
	onHost(host.name, 'modprobe ip_vs');
	t.is((await gather(host)).kernel.modules.ip_vs, 'loaded');
	onHost(host.name, 'modprobe -r ip_vs; echo "install ip_vs /bin/false" > /etc/modprobe.d/no-ipvs.conf');
	t.is((await gather(host)).kernel.modules.ip_vs, 'blocked');
	onHost(host.name, 'rm /etc/modprobe.d/no-ipvs.conf');
});

labTest('a clock that is set wrong is measured, and told as skew', async (t, hosts) => {
	onHost(hosts[1].name, 'date -s "+2 minutes" >/dev/null');
	try {
		const all = await Promise.all(hosts.map(host => gather(host)));
		const apartMs = all[1]!.clock.offsetMs! - all[0]!.clock.offsetMs!;
		t.true(Math.abs(apartMs - 120_000) < all[0]!.clock.uncertaintyMs! + all[1]!.clock.uncertaintyMs! + 1500);
		t.true(preflight(all).some(({id, severity}) => id === 'clock-skew' && severity === 'error'));
	} finally {
		onHost(hosts[1].name, 'date -s "-2 minutes" >/dev/null');
	}
});

labTest('hosts with what other installations left are told apart from fresh ones', async (t, hosts) => {
	const [used] = hosts;
	onHost(
		used.name,
		[
			'mkdir -p /etc/kubernetes/manifests && touch /etc/kubernetes/manifests/etcd.yaml',
			'systemd-run --quiet --unit=kubelet --service-type=exec sleep 1000',
			'systemd-run --quiet --unit=squatter --service-type=exec socat TCP-LISTEN:6443,fork /dev/null',
			'fallocate -l 64M /swap && chmod 600 /swap && mkswap -q /swap && swapon /swap',
			'while ! grep -q :192B /proc/net/tcp; do sleep 0.1; done',
		].join('\n'),
	);
	try {
		const all = await Promise.all(hosts.map(host => gather(host)));
		const roles = Object.fromEntries(hosts.map(({name}) => [name, ['master']]));
		const own = preflight(all, {roles})
			.filter(found => found.hosts.length === 1)
			.map(({id, what}) => `${id}: ${what}`);
		t.deepEqual(own, [
			'port-taken: Port 6443/tcp, for the API server, is taken (socat of squatter.service)',
			'service-running: kubelet.service runs',
			'left-over: /etc/kubernetes/manifests is there already',
			'swap-on: Swap is on (63 MiB at /swap)',
		]);
	} finally {
		onHost(used.name, 'swapoff /swap; rm -rf /swap /etc/kubernetes; systemctl stop kubelet squatter');
	}
});

labTest('a host full of processes, interfaces and odd names still answers', async (t, [host]) => {
	onHost(
		host.name,
		[
			'for i in $(seq 1 120); do ip link add veth$i type veth peer name vpeer$i; ip addr add 10.200.$i.1/32 dev veth$i; done',
			`printf '#!/bin/sh\\nsleep 1000\\n' > "/tmp/$(printf 'a\\033[31m\\nend')"`,
			'chmod +x /tmp/a*; for i in $(seq 1 60); do setsid /tmp/a* </dev/null >/dev/null 2>&1 & done',
			`printf 'we\\033[31mird"' >/proc/sys/kernel/hostname`,
		].join('\n'),
	);
	try {
		const facts = await gather(host);
		t.notRegex(JSON.stringify(facts), /\\u00[01]/);
		t.true(facts.identity.hostname.startsWith('we'));
		t.true(preflight([facts]).some(({id}) => id === 'hostname-invalid'));
	} finally {
		onHost(
			host.name,
			`hostname ${host.name}; pkill -f '^/bin/sh /tmp/[a]'; for i in $(seq 1 120); do ip link del veth$i; done`,
		);
	}
});

labTest('a disk that was made read-only, and one that is full, are told', async (t, [host]) => {
	onHost(
		host.name,
		'mount -t tmpfs -o size=20M tmpfs /opt && head -c 19M /dev/zero > /opt/fill; mkdir -p /var/lib/sealimage && mount -t tmpfs -o ro tmpfs /var/lib/sealimage',
	);
	try {
		const found = preflight([await gather(host)]).map(({id, what}) => `${id}: ${what}`);
		t.true(
			found.some(line => /^disk-small: There is less than 400 MiB of free space for \/opt \(\d MiB\)$/.test(line)),
		);
		t.true(
			found.includes('path-read-only: Nothing can be written to /var/lib/sealimage (tmpfs at /var/lib/sealimage, ro)'),
		);
	} finally {
		onHost(host.name, 'umount /opt /var/lib/sealimage');
	}
});

labTest('hosts come with identities of their own', async (t, names) => {
	const hosts = await bootHosts(names.map(({name}) => name));
	const outcomes = await eachHost(
		hosts.map(host => ({...host, host: host.name})),
		host => gather(host),
	);
	const all = outcomes.map(outcome => (outcome.ok ? outcome.value : t.fail(String(outcome.error))) as HostFacts);
	t.deepEqual(
		preflight(all).filter(({id}) => id.startsWith('duplicate') || id === 'one-host-twice'),
		[],
	);
});

async function gather(
	host: LabHost,
	login: HostLogin = {user: 'root', identities: [{file: host.keyFile}]},
): Promise<HostFacts> {
	const open = openTransport({
		operator: {user: 'root', home: '/nonexistent'},
		hostKey: 'off',
		configFiles: [],
		knownHostsFiles: [],
	});
	await using transport = open({name: host.name, address: host.address, roles: [], login: {agent: false, ...login}});
	return await gatherFacts(transport);
}

/** Without what is another each time. */
function steady({clock: _, paths, hardware: {availableBytes: __, ...hardware}, ...facts}: HostFacts): object {
	return {...facts, hardware, paths: paths.map(({path, mountPoint, writable}) => ({path, mountPoint, writable}))};
}
