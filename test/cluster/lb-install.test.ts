import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import type {ExecutionContext} from 'ava';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

// The service of the load balancer on real hosts, over their SSH servers as members: what installs it, what it may do, what ends it.
const labTest = onLabHosts(['balance-1', 'balance-2'], {alone: true});
const host = 'balance-1';
const unit = 'sealimage-lb.service';
const execute = promisify(execFile);

interface Answer {
	readonly code: number;
	readonly stdout: string;
}

/** The command line as a user runs it. */
async function sealimage(hosts: readonly LabHost[], ...args: readonly string[]): Promise<Answer> {
	const cli = join(process.cwd(), 'dist/bin/sealimage.js');
	const login = ['--user', 'root', '--identity', hosts[0]?.keyFile ?? '', '--no-agent', '--host-key', 'off'];
	const given = ['lb', ...args, ...login, '--ssh-config', 'none', '--hosts', hosts.map(({address}) => address).join()];
	try {
		const {stdout} = await execute(process.execPath, [cli, ...given], {maxBuffer: 64 << 20});
		return {code: 0, stdout};
	} catch (error) {
		const {code, stdout, stderr} = error as {code: number; stdout: string; stderr: string};
		if (stdout === '') throw new Error(stderr, {cause: error});
		return {code, stdout};
	}
}

async function install(hosts: readonly LabHost[], members: readonly LabHost[] = hosts): Promise<unknown[]> {
	const endpoints = members.map(({address}) => `${address}:22`).join();
	const flags = ['install', '--members', endpoints, '--probe', 'tcp', '--output', 'json'];
	const {stdout} = await sealimage(hosts, ...flags);
	return (JSON.parse(stdout) as {hosts: {changes?: unknown}[]}).hosts.map(({changes}) => changes);
}

/** Connections to the virtual address, one after the other, until `end` is called; how many failed. */
function traffic(unitOfTraffic: string): {end(): number} {
	const connect = 'timeout 3 bash -c "exec 3<>/dev/tcp/10.103.97.2/6443 && read -r -t 3 -u 3 line"';
	const loop = `while [ ! -e /tmp/enough ]; do ${connect} && echo ok || echo failed; sleep 0.05; done`;
	onHost(host, `rm -f /tmp/enough; systemd-run -q --unit=${unitOfTraffic} sh -c '${loop}'`);
	return {
		end() {
			const wait = `touch /tmp/enough; while systemctl -q is-active ${unitOfTraffic}; do sleep 0.2; done`;
			const said = onHost(host, `${wait}; journalctl -u ${unitOfTraffic} -o cat --no-pager`).split('\n');
			if (!said.includes('ok')) throw new Error('There was no traffic');
			return said.filter(line => line === 'failed').length;
		},
	};
}

const show = (property: string): string => onHost(host, `systemctl show -p ${property} --value ${unit}`).trim();
const settings = (): string =>
	onHost(
		host,
		'cd /proc/sys/net/ipv4/vs 2>/dev/null && cat expire_nodest_conn conntrack; ip route show table local | grep 10.103 || true',
	);

async function until(t: ExecutionContext, isTrue: () => boolean, what: string): Promise<void> {
	for (let i = 0; i < 120 && !isTrue(); i++) await sleep(500);
	t.true(isTrue(), what);
}

labTest('the balancer is installed on all hosts, and a second run changes nothing', async (t, hosts) => {
	t.timeout(600_000);
	const first = await install(hosts);
	t.true(
		first.every(changes => Array.isArray(changes) && changes.length === 5),
		JSON.stringify(first),
	);
	t.deepEqual(await install(hosts), [[], []]);
	t.is(onHost(host, 'timeout 5 bash -c "exec 3<>/dev/tcp/10.103.97.2/6443 && head -c 4 <&3"'), 'SSH-');
});

labTest('one table shows all hosts, and one that does not answer is a line of it', async (t, hosts) => {
	const gone = {...hosts[0], name: 'gone', address: '10.78.0.251'};
	const {code, stdout} = await sealimage([...hosts, gone], 'status', '--connect-timeout', '5s');
	t.is(code, 3);
	const lines = stdout.split('\n').map(line => line.split(/ {2,}/));
	for (const {address} of hosts) {
		const own = lines.filter(([name]) => name === address);
		t.deepEqual(
			own.map(([, member, state]) => [member, state]).sort(),
			hosts.map(each => [`${each.address}:22`, 'healthy']).sort(),
		);
	}
	t.is(lines.filter(([name]) => name === gone.address).length, 1);
	t.regex(stdout, /^10\.78\.0\.251 +no answer/m);
});

labTest('the service may change the network and its own folder, and nothing else', async t => {
	const pid = show('MainPID');
	const status = onHost(host, `cat /proc/${pid}/status`);
	t.regex(status, /^CapEff:\t0000000000001000$/m, 'CAP_NET_ADMIN alone');
	t.regex(status, /^CapBnd:\t0000000000001000$/m);
	t.regex(status, /^NoNewPrivs:\t1$/m);
	t.regex(status, /^Seccomp:\t2$/m);
	const inside = (line: string): string => onHost(host, `nsenter -t ${pid} -m sh -c '${line}' 2>&1 || true`);
	for (const path of ['/etc/x', '/usr/x', '/opt/sealimage/x', '/var/lib/x', '/proc/sys/kernel/hostname'])
		t.regex(inside(`echo x >${path}`), /Read-only file system/, path);
	t.is(inside('touch /var/lib/sealimage/lb/x && rm /var/lib/sealimage/lb/x'), '');
	t.is(inside('cat /proc/sys/net/ipv4/vs/conntrack >/proc/sys/net/ipv4/vs/conntrack'), '');
	const [, level = ''] =
		/exposure level for .*: ([\d.]+)/.exec(onHost(host, `systemd-analyze security --no-pager ${unit}`)) ?? [];
	t.true(Number(level) <= 2.5, level);
});

labTest('one that hangs is started again by the watchdog, and nobody notices', async t => {
	t.timeout(300_000);
	const pid = show('MainPID');
	const running = traffic('watchdog');
	onHost(host, `kill -STOP ${pid}`);
	await until(t, () => !['0', pid].includes(show('MainPID')) && show('ActiveState') === 'active', 'it runs again');
	t.is(running.end(), 0);
	t.regex(onHost(host, `journalctl -u ${unit} --no-pager -o cat`), /Watchdog timeout/);
});

labTest('another version of the agent takes over without a gap', async (t, hosts) => {
	t.timeout(300_000);
	// As an older version that counted when the service began.
	onHost(
		host,
		`cd /opt/sealimage; now=$(readlink current); cp -al "$now" "$now.old"; ln -sfn "$now.old" current; systemctl restart ${unit}; ln -sfn "$now" current`,
	);
	const pid = show('MainPID');
	const running = traffic('upgrade');
	t.deepEqual(await install(hosts), [[`restart ${unit}`], []]);
	t.not(show('MainPID'), pid);
	await sleep(2000);
	t.is(running.end(), 0);
	t.notRegex(onHost(host, `readlink /proc/${show('MainPID')}/exe`), /old/);
});

labTest('members are changed in the running service, and those that go are drained', async (t, hosts) => {
	t.timeout(300_000);
	const pid = show('MainPID');
	const running = traffic('members');
	t.deepEqual(await install(hosts, [hosts[0]]), [['write /etc/sealimage/lb.json'], ['write /etc/sealimage/lb.json']]);
	await until(t, () => onHost(host, 'grep -c Masq /proc/net/ip_vs').trim() === '1', 'one is left');
	t.is(running.end(), 0);
	t.is(show('MainPID'), pid);
	await install(hosts);
});

labTest('after a power cut the rules are there before kubelet starts', async t => {
	t.timeout(300_000);
	const kubelet =
		'[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=grep -q 0A676102 /proc/net/ip_vs\n[Install]\nWantedBy=multi-user.target\n';
	onHost(host, 'cat >/etc/systemd/system/kubelet.service; systemctl -q enable kubelet; sync', kubelet);
	crash(host);
	await bootHosts([host]);
	await until(
		t,
		() => onHost(host, 'systemctl is-active kubelet || true').trim() === 'active',
		'kubelet found the rules',
	);
	t.is(onHost(host, 'systemctl show -p NRestarts --value kubelet').trim(), '0');
});

labTest('it is taken off, and the hosts are as before', async (t, hosts) => {
	t.timeout(300_000);
	t.regex(settings(), /^1\n1\nlocal 10\.103\.97\.2/);
	const {stdout} = await sealimage(hosts, 'remove', '--output', 'json');
	t.true((JSON.parse(stdout) as {hosts: {ok: boolean}[]}).hosts.every(({ok}) => ok));
	t.notRegex(settings(), /^1|10\.103/m);
	t.is(
		onHost(
			host,
			'ls -d /etc/sealimage /var/lib/sealimage/lb /etc/systemd/system/sealimage-lb.service /etc/modules-load.d/sealimage-lb.conf 2>/dev/null || true',
		),
		'',
	);
	t.is(onHost(host, 'cat /proc/net/ip_vs 2>/dev/null | grep -c 0A676102 || true').trim(), '0');
	const again = JSON.parse((await sealimage(hosts, 'remove', '--output', 'json')).stdout) as {hosts: {changes: []}[]};
	t.deepEqual(
		again.hosts.map(({changes}) => changes),
		[[], []],
	);
});
